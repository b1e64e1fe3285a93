// RUN: spikeloom-opt %s | spikeloom-opt | filecheck %s
// RUN: spikeloom-opt %s --print-op-generic | spikeloom-opt | filecheck %s

// CHECK:      builtin.module {
// CHECK-NEXT: engine.machine @tiny {gradient_sram = 4096 : i64, spike_sram = 1024 : i64, state_sram = 8192 : i64, weight_sram = 2048 : i64}
engine.machine @tiny {gradient_sram = 4096 : i64, spike_sram = 1024 : i64, state_sram = 8192 : i64, weight_sram = 2048 : i64}

// Every instruction, with and without the buffers that it may do without.
// CHECK-NEXT: engine.program @all samples 8 steps 4 {
engine.program @all samples 8 steps 4 {
  // CHECK-NEXT: engine.buffer @input : bit[4, 8, 1, 16] in dram at 0x00000000 role input
  engine.buffer @input : bit[4, 8, 1, 16] in dram at 0x00000000 role input
  // CHECK-NEXT: engine.buffer @weight : f32[1, 1, 16, 8] in dram at 0x00001000 role parameter "a.weight"
  engine.buffer @weight : f32[1, 1, 16, 8] in dram at 0x00001000 role parameter "a.weight"
  // CHECK-NEXT: engine.buffer @label : i32[1, 8, 1, 1] in dram at 0x00002000 role label
  engine.buffer @label : i32[1, 8, 1, 1] in dram at 0x00002000 role label
  // CHECK-NEXT: engine.buffer @count : i32[1, 1, 1, 1] in gradient_sram at 0x00000000
  engine.buffer @count : i32[1, 1, 1, 1] in gradient_sram at 0x00000000
  // CHECK-NEXT: engine.buffer @loss : f32[1, 1, 1, 1] in state_sram at 0x00000800
  engine.buffer @loss : f32[1, 1, 1, 1] in state_sram at 0x00000800
  // CHECK-NEXT: engine.buffer @correct : i32[1, 1, 1, 1] in state_sram at 0x00000840
  engine.buffer @correct : i32[1, 1, 1, 1] in state_sram at 0x00000840
  // CHECK-NEXT: engine.buffer @readout : f32[1, 8, 1, 8] in state_sram at 0x00000880
  engine.buffer @readout : f32[1, 8, 1, 8] in state_sram at 0x00000880
  // CHECK-NEXT: engine.buffer @labels : i32[1, 8, 1, 1] in state_sram at 0x00000a80
  engine.buffer @labels : i32[1, 8, 1, 1] in state_sram at 0x00000a80
  // CHECK-NEXT: engine.buffer @state : f32[1, 8, 1, 8] in state_sram at 0x00000c00
  engine.buffer @state : f32[1, 8, 1, 8] in state_sram at 0x00000c00
  // CHECK-NEXT: engine.buffer @bits : bit[1, 8, 1, 8] in spike_sram at 0x00000200
  engine.buffer @bits : bit[1, 8, 1, 8] in spike_sram at 0x00000200
  // CHECK-NEXT: engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  // CHECK-NEXT: engine.buffer @o : bit[4, 8, 1, 8] in spike_sram at 0x00000300
  engine.buffer @o : bit[4, 8, 1, 8] in spike_sram at 0x00000300
  // CHECK-NEXT: engine.buffer @x : f32[4, 8, 1, 16] in state_sram at 0x00001000
  engine.buffer @x : f32[4, 8, 1, 16] in state_sram at 0x00001000
  // CHECK-NEXT: engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00001800
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00001800
  // CHECK-NEXT: engine.buffer @u : f32[4, 8, 1, 8] in state_sram at 0x00001c00
  engine.buffer @u : f32[4, 8, 1, 8] in state_sram at 0x00001c00
  // CHECK-NEXT: engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  // CHECK-NEXT: engine.buffer @wt : f32[1, 1, 8, 16] in weight_sram at 0x00000400
  engine.buffer @wt : f32[1, 1, 8, 16] in weight_sram at 0x00000400
  // CHECK-NEXT: engine.buffer @b : f32[1, 1, 1, 8] in weight_sram at 0x00000600
  engine.buffer @b : f32[1, 1, 1, 8] in weight_sram at 0x00000600
  // CHECK-NEXT: engine.buffer @gw : f32[1, 1, 16, 8] in gradient_sram at 0x00000040
  engine.buffer @gw : f32[1, 1, 16, 8] in gradient_sram at 0x00000040
  // CHECK-NEXT: engine.buffer @m1 : f32[1, 1, 16, 8] in gradient_sram at 0x00000240
  engine.buffer @m1 : f32[1, 1, 16, 8] in gradient_sram at 0x00000240
  // CHECK-NEXT: engine.buffer @m2 : f32[1, 1, 16, 8] in gradient_sram at 0x00000440
  engine.buffer @m2 : f32[1, 1, 16, 8] in gradient_sram at 0x00000440
  // CHECK-NEXT: engine.buffer @gb : f32[1, 1, 1, 8] in gradient_sram at 0x00000640
  engine.buffer @gb : f32[1, 1, 1, 8] in gradient_sram at 0x00000640
  // CHECK-NEXT: engine.load target @w, source @weight over planes 1, groups 1, rows 16, columns 8
  engine.load target @w, source @weight over planes 1, groups 1, rows 16, columns 8
  // CHECK-NEXT: engine.load_transposed target @wt, source @weight over taps 1, rows 16, columns 8 layer "a"
  engine.load_transposed target @wt, source @weight over taps 1, rows 16, columns 8 layer "a"
  // CHECK-NEXT: engine.load target @labels, source @label over planes 1, groups 8, rows 1, columns 1
  engine.load target @labels, source @label over planes 1, groups 8, rows 1, columns 1
  // CHECK-NEXT: engine.clear target @i over planes all, groups 8, rows 1, columns 8
  engine.clear target @i over planes all, groups 8, rows 1, columns 8
  // CHECK-NEXT: engine.loop %step = 3 to -1 step -1 {
  engine.loop %step = 3 to -1 step -1 {
    // CHECK-NEXT: engine.loop %g = 0 to 8 step 3 attributes {note = "discardable"} {
    engine.loop %g = 0 to 8 step 3 attributes {note = "discardable"} {
      // CHECK-NEXT: engine.load target @s, source @input[%step, %g, 0, 0] over planes 1, groups %g, rows 1, columns 16
      engine.load target @s, source @input[%step, %g, 0, 0] over planes 1, groups %g, rows 1, columns 16
      // CHECK-NEXT: engine.load target @s[0, 0, 0, 1], source @input[%step + 1, %g - 2, 0, 64] over planes 1, groups %g, rows 1, columns 16
      engine.load target @s[0, 0, 0, 1], source @input[%step + 1, %g - 2, 0, 64] over planes 1, groups %g, rows 1, columns 16
      // CHECK-NEXT: engine.load target @s[0, 0, 28 * %g, 0], source @input[%step, 0, 28 * %g + 3, 0] over planes 1, groups 1, rows 28 * %g + 56, columns 16
      engine.load target @s[0, 0, 28 * %g, 0], source @input[%step, 0, 28 * %g + 3, 0] over planes 1, groups 1, rows 28 * %g + 56, columns 16
      // CHECK-NEXT: engine.load target @s, source @input[2 * %step - 1, %g, 0, 64 * %g] over planes 1, groups %g + 1, rows 3 * %step - 2, columns 16
      engine.load target @s, source @input[2 * %step - 1, %g, 0, 64 * %g] over planes 1, groups %g + 1, rows 3 * %step - 2, columns 16
      // CHECK-NEXT: engine.fire spikes @bits, potential @state, current @i, previous_potential @state, previous_spikes @bits over steps 1, samples %g, positions 1, units 8 with decay 0.5, threshold 0.5, reset 0.0, surrogate 0.0, shape 0.5, gain 1.0 layer "a"
      engine.fire spikes @bits, potential @state, current @i, previous_potential @state, previous_spikes @bits over steps 1, samples %g, positions 1, units 8 with decay 0.5, threshold 0.5, reset 0.0, surrogate 0.0, shape 0.5, gain 1.0 layer "a"
      // CHECK-NEXT: engine.integrate potential @u, current @i, previous_potential @state over steps 1, samples %g, positions 1, units 8 with decay 0.9
      engine.integrate potential @u, current @i, previous_potential @state over steps 1, samples %g, positions 1, units 8 with decay 0.9
      // CHECK-NEXT: engine.fire_gradient gradient @i, spike_gradient @u, next_gradient @state over steps 1, samples %g, positions 1, units 8 with decay 0.5, threshold 0.5, reset 1.0, surrogate 2.0, shape 10.0, gain 1.0, detach_reset 1.0
      engine.fire_gradient gradient @i, spike_gradient @u, next_gradient @state over steps 1, samples %g, positions 1, units 8 with decay 0.5, threshold 0.5, reset 1.0, surrogate 2.0, shape 10.0, gain 1.0, detach_reset 1.0
      // CHECK-NEXT: engine.integrate_gradient gradient @i, potential_gradient @u, next_gradient @state over steps 1, samples %g, positions 1, units 8 with decay 0.9
      engine.integrate_gradient gradient @i, potential_gradient @u, next_gradient @state over steps 1, samples %g, positions 1, units 8 with decay 0.9
    // CHECK-NEXT: }
    }
  // CHECK-NEXT: }
  }
  // CHECK-NEXT: engine.bias current @i, bias @b over steps all, samples 8, positions 1, outputs 8 layer "a"
  engine.bias current @i, bias @b over steps all, samples 8, positions 1, outputs 8 layer "a"
  // CHECK-NEXT: engine.accumulate current @i, spikes @s, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0 layer "a"
  engine.accumulate current @i, spikes @s, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0 layer "a"
  // CHECK-NEXT: engine.multiply current @i, values @x, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0
  engine.multiply current @i, values @x, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0
  // CHECK-NEXT: engine.fire spikes @o, mask @o, potential @u, current @i over steps all, samples 8, positions 1, units 8 with decay 0.5, threshold 0.5, reset 0.0, surrogate 0.0, shape 0.5, gain 1.0
  engine.fire spikes @o, mask @o, potential @u, current @i over steps all, samples 8, positions 1, units 8 with decay 0.5, threshold 0.5, reset 0.0, surrogate 0.0, shape 0.5, gain 1.0
  // CHECK-NEXT: engine.fire spikes @o, current @i over steps all, samples 8, positions 1, units 8 with decay 0.5, threshold 0.5, reset 0.0, surrogate 0.0, shape 0.5, gain 1.0
  engine.fire spikes @o, current @i over steps all, samples 8, positions 1, units 8 with decay 0.5, threshold 0.5, reset 0.0, surrogate 0.0, shape 0.5, gain 1.0
  // CHECK-NEXT: engine.integrate potential @u, current @i over steps all, samples 8, positions 1, units 8 with decay 0.9
  engine.integrate potential @u, current @i over steps all, samples 8, positions 1, units 8 with decay 0.9
  // CHECK-NEXT: engine.add sum @i, left @i, right @u over steps all, samples 8, positions 1, units 8
  engine.add sum @i, left @i, right @u over steps all, samples 8, positions 1, units 8
  // CHECK-NEXT: engine.readout sum @readout, output @o over steps all, samples 8, positions 1, units 8 with scale 0.25
  engine.readout sum @readout, output @o over steps all, samples 8, positions 1, units 8 with scale 0.25
  // CHECK-NEXT: engine.cross_entropy loss @loss, correct @correct, gradient @readout, readout @readout, label @labels over samples 8, units 8 with scale 0.125
  engine.cross_entropy loss @loss, correct @correct, gradient @readout, readout @readout, label @labels over samples 8, units 8 with scale 0.125
  // CHECK-NEXT: engine.mean_squared_error loss @loss, correct @correct, readout @readout, label @labels over samples 8, units 8 with scale 0.015625
  engine.mean_squared_error loss @loss, correct @correct, readout @readout, label @labels over samples 8, units 8 with scale 0.015625
  // CHECK-NEXT: engine.spread gradient @i, readout_gradient @readout over steps all, samples 8, positions 1, units 8 with scale 1.0
  engine.spread gradient @i, readout_gradient @readout over steps all, samples 8, positions 1, units 8 with scale 1.0
  // CHECK-NEXT: engine.fire_gradient gradient @i, spike_gradient @u, spikes @o, mask @o, potential @u over steps all, samples 8, positions 1, units 8 with decay 0.5, threshold 0.5, reset 0.0, surrogate 0.0, shape 0.5, gain 1.0, detach_reset 0.0
  engine.fire_gradient gradient @i, spike_gradient @u, spikes @o, mask @o, potential @u over steps all, samples 8, positions 1, units 8 with decay 0.5, threshold 0.5, reset 0.0, surrogate 0.0, shape 0.5, gain 1.0, detach_reset 0.0
  // CHECK-NEXT: engine.integrate_gradient gradient @i, potential_gradient @u over steps all, samples 8, positions 1, units 8 with decay 0.9
  engine.integrate_gradient gradient @i, potential_gradient @u over steps all, samples 8, positions 1, units 8 with decay 0.9
  // CHECK-NEXT: engine.backpropagate input_gradient @x, gradient @i, transposed_weight @wt over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, skip_input 0.0, skip_output 0.0
  engine.backpropagate input_gradient @x, gradient @i, transposed_weight @wt over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, skip_input 0.0, skip_output 0.0
  // CHECK-NEXT: engine.correlate_spikes weight_gradient @gw, spikes @s, gradient @i over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0
  engine.correlate_spikes weight_gradient @gw, spikes @s, gradient @i over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0
  // CHECK-NEXT: engine.correlate_values weight_gradient @gw, values @x, gradient @i over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0
  engine.correlate_values weight_gradient @gw, values @x, gradient @i over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0
  // CHECK-NEXT: engine.sum_gradient bias_gradient @gb, gradient @i over steps all, samples 8, positions 1, outputs 8
  engine.sum_gradient bias_gradient @gb, gradient @i over steps all, samples 8, positions 1, outputs 8
  // CHECK-NEXT: engine.add sum @u, left @o, right @i over steps all, samples 8, positions 1, units 8
  engine.add sum @u, left @o, right @i over steps all, samples 8, positions 1, units 8
  // CHECK-NEXT: engine.pool_sum pooled @u, values @o over steps all, samples 8, positions 1, input_positions 4, units 8 with kernel 2.0, stride 2.0, input_width 2.0, output_width 1.0, top 0.0, scale 0.25
  engine.pool_sum pooled @u, values @o over steps all, samples 8, positions 1, input_positions 4, units 8 with kernel 2.0, stride 2.0, input_width 2.0, output_width 1.0, top 0.0, scale 0.25
  // CHECK-NEXT: engine.pool_max pooled @o, values @o over steps all, samples 8, positions 1, input_positions 4, units 8 with kernel 2.0, stride 2.0, input_width 2.0, output_width 1.0, top 0.0
  engine.pool_max pooled @o, values @o over steps all, samples 8, positions 1, input_positions 4, units 8 with kernel 2.0, stride 2.0, input_width 2.0, output_width 1.0, top 0.0
  // CHECK-NEXT: engine.pool_sum_gradient value_gradient @u, gradient @i over steps all, samples 8, positions 1, input_positions 4, units 8 with kernel 2.0, stride 2.0, input_width 2.0, output_width 1.0, top 0.0, scale 0.25
  engine.pool_sum_gradient value_gradient @u, gradient @i over steps all, samples 8, positions 1, input_positions 4, units 8 with kernel 2.0, stride 2.0, input_width 2.0, output_width 1.0, top 0.0, scale 0.25
  // CHECK-NEXT: engine.pool_max_gradient value_gradient @u, gradient @i, values @x, pooled @i over steps all, samples 8, positions 1, input_positions 4, units 8 with kernel 2.0, stride 2.0, input_width 2.0, output_width 1.0, top 0.0
  engine.pool_max_gradient value_gradient @u, gradient @i, values @x, pooled @i over steps all, samples 8, positions 1, input_positions 4, units 8 with kernel 2.0, stride 2.0, input_width 2.0, output_width 1.0, top 0.0
  // CHECK-NEXT: engine.flatten flat @s, image @o over steps all, samples 8, positions 1, units 8, cells 8
  engine.flatten flat @s, image @o over steps all, samples 8, positions 1, units 8, cells 8
  // CHECK-NEXT: engine.unflatten image @i, flat @x over steps all, samples 8, positions 1, units 8, cells 8
  engine.unflatten image @i, flat @x over steps all, samples 8, positions 1, units 8, cells 8
  // CHECK-NEXT: engine.concatenate joined @s, left @o, right @o over steps all, samples 8, positions 1, units 16, left_units 8, right_units 8
  engine.concatenate joined @s, left @o, right @o over steps all, samples 8, positions 1, units 16, left_units 8, right_units 8
  // CHECK-NEXT: engine.split left_gradient @i, right_gradient @u, gradient @x over steps all, samples 8, positions 1, units 16, left_units 8, right_units 8
  engine.split left_gradient @i, right_gradient @u, gradient @x over steps all, samples 8, positions 1, units 16, left_units 8, right_units 8
  // CHECK-NEXT: engine.split right_gradient @u, gradient @x over steps all, samples 8, positions 1, units 16, left_units 8, right_units 8
  engine.split right_gradient @u, gradient @x over steps all, samples 8, positions 1, units 16, left_units 8, right_units 8
  // CHECK-NEXT: engine.channel_mean mean @state, values @i over steps all, samples 8, positions 1, units 8 with scale 0.5
  engine.channel_mean mean @state, values @i over steps all, samples 8, positions 1, units 8 with scale 0.5
  // CHECK-NEXT: engine.channel_variance variance @readout, values @i, mean @state over steps all, samples 8, positions 1, units 8 with scale 0.5
  engine.channel_variance variance @readout, values @i, mean @state over steps all, samples 8, positions 1, units 8 with scale 0.5
  // CHECK-NEXT: engine.normalize normalized @u, values @i, mean @state, variance @readout, scale @b, shift @b over steps all, samples 8, positions 1, units 8 with epsilon 1.0e-05
  engine.normalize normalized @u, values @i, mean @state, variance @readout, scale @b, shift @b over steps all, samples 8, positions 1, units 8 with epsilon 1.0e-05
  // CHECK-NEXT: engine.channel_product scale_gradient @gb, gradient @u, values @i, mean @state, variance @readout over steps all, samples 8, positions 1, units 8 with epsilon 1.0e-05
  engine.channel_product scale_gradient @gb, gradient @u, values @i, mean @state, variance @readout over steps all, samples 8, positions 1, units 8 with epsilon 1.0e-05
  // CHECK-NEXT: engine.normalize_gradient value_gradient @u, gradient @u, values @i, mean @state, variance @readout, scale @b, shift_gradient @gb, scale_gradient @gb over steps all, samples 8, positions 1, units 8 with epsilon 1.0e-05, fraction 0.5
  engine.normalize_gradient value_gradient @u, gradient @u, values @i, mean @state, variance @readout, scale @b, shift_gradient @gb, scale_gradient @gb over steps all, samples 8, positions 1, units 8 with epsilon 1.0e-05, fraction 0.5
  // CHECK-NEXT: engine.blend running @b, statistic @state over units 8 with momentum 0.1, factor 1.5
  engine.blend running @b, statistic @state over units 8 with momentum 0.1, factor 1.5
  // CHECK-NEXT: engine.count_step count @count
  engine.count_step count @count
  // CHECK-NEXT: engine.sgd parameter @w, gradient @gw over taps 1, rows 16, columns 8 with rate 0.1, momentum 0.0
  engine.sgd parameter @w, gradient @gw over taps 1, rows 16, columns 8 with rate 0.1, momentum 0.0
  // CHECK-NEXT: engine.sgd parameter @w, velocity @m1, gradient @gw over taps 1, rows 16, columns 8 with rate 0.1, momentum 0.9
  engine.sgd parameter @w, velocity @m1, gradient @gw over taps 1, rows 16, columns 8 with rate 0.1, momentum 0.9
  // CHECK-NEXT: engine.adam parameter @w, first_moment @m1, second_moment @m2, gradient @gw, count @count over taps 1, rows 16, columns 8 with rate 0.002, beta1 0.9, beta2 0.999, epsilon 1.0e-08, decay 0.01
  engine.adam parameter @w, first_moment @m1, second_moment @m2, gradient @gw, count @count over taps 1, rows 16, columns 8 with rate 0.002, beta1 0.9, beta2 0.999, epsilon 1.0e-08, decay 0.01
  // CHECK-NEXT: engine.store target @weight, source @w over planes 1, groups 1, rows 16, columns 8
  engine.store target @weight, source @w over planes 1, groups 1, rows 16, columns 8
// CHECK-NEXT: }
}

// CHECK-NEXT: engine.program @nothing samples 1 steps 1 attributes {note = "discardable"} {
engine.program @nothing samples 1 steps 1 attributes {note = "discardable"} {
// CHECK-NEXT: }
}
// CHECK-NEXT: }
