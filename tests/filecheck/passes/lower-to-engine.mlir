// RUN: spikeloom-opt %s -p lower-to-engine --split-input-file --verify-diagnostics | filecheck %s

// One layer on a machine with room for everything: each loop runs once, all steps at once.
engine.machine @roomy {gradient_sram = 65536 : i64, spike_sram = 65536 : i64, state_sram = 65536 : i64, weight_sram = 65536 : i64}
bptt.step @layer steps 4 batch 8 (%image: tensor<?x?x16xi1>) {
  snn.parameter @a.weight : tensor<8x16xf32> fan_in 16
  snn.parameter @a.bias : tensor<8xf32> fan_in 16
  %i = bptt.synapse %image, @a.weight, @a.bias : tensor<?x?x16xi1> -> tensor<?x?x8xf32>
  %s = bptt.fire %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x8xf32>
  bptt.report %s as "spikes" of "a" : tensor<?x?x8xi1>
}
// CHECK:      engine.machine @roomy {gradient_sram = 65536 : i64, spike_sram = 65536 : i64, state_sram = 65536 : i64, weight_sram = 65536 : i64}
// CHECK-NEXT: engine.program @layer samples 8 steps 4 {
// CHECK-NEXT:   engine.buffer @image : bit[4, 8, 1, 16] in dram at 0x00000000 role input
// CHECK-NEXT:   engine.buffer @a.current : f32[4, 8, 1, 8] in dram at 0x00000100
// CHECK-NEXT:   engine.buffer @a.spikes : bit[4, 8, 1, 8] in dram at 0x00000900 role spikes "a"
// CHECK-NEXT:   engine.buffer @a.weight : f32[1, 1, 16, 8] in dram at 0x00000a00 role parameter "a.weight"
// CHECK-NEXT:   engine.buffer @a.bias : f32[1, 1, 1, 8] in dram at 0x00000e00 role parameter "a.bias"
// CHECK-NEXT:   engine.buffer @synapse1.weight : f32[1, 1, 16, 8] in weight_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @synapse1.spikes : bit[4, 8, 1, 16] in spike_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @synapse1.current : f32[4, 8, 1, 8] in state_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @synapse1.bias : f32[1, 1, 1, 8] in weight_sram at 0x00000400
// CHECK-NEXT:   engine.buffer @fire1.spikes : bit[4, 8, 1, 8] in spike_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @fire1.current : f32[4, 8, 1, 8] in state_sram at 0x00000000
// CHECK-NEXT:   engine.loop %output = 0 to 8 step 8 {
// CHECK-NEXT:     engine.load target @synapse1.bias, source @a.bias[0, 0, 0, %output] over planes 1, groups 1, rows 1, columns %output layer "a"
// CHECK-NEXT:     engine.load target @synapse1.weight, source @a.weight[0, 0, 0, %output] over planes 1, groups 1, rows 16, columns %output layer "a"
// CHECK-NEXT:     engine.loop %sample = 0 to 8 step 8 {
// CHECK-NEXT:       engine.bias current @synapse1.current, bias @synapse1.bias over steps all, samples %sample, positions 1, outputs %output layer "a"
// CHECK-NEXT:       engine.loop %input = 0 to 16 step 16 {
// CHECK-NEXT:         engine.load target @synapse1.spikes, source @image[0, %sample, 0, %input] over planes all, groups %sample, rows 1, columns %input layer "a"
// CHECK-NEXT:         engine.accumulate current @synapse1.current, spikes @synapse1.spikes, weight @synapse1.weight over steps all, samples %sample, positions 1, input_positions 1, taps 1, inputs %input, outputs %output with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0 layer "a"
// CHECK-NEXT:       }
// CHECK-NEXT:       engine.store target @a.current[0, %sample, 0, %output], source @synapse1.current over planes all, groups %sample, rows 1, columns %output layer "a"
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   engine.loop %sample_1 = 0 to 8 step 8 {
// CHECK-NEXT:     engine.loop %unit = 0 to 8 step 8 {
// CHECK-NEXT:       engine.load target @fire1.current, source @a.current[0, %sample_1, 0, %unit] over planes all, groups %sample_1, rows 1, columns %unit layer "a"
// CHECK-NEXT:       engine.fire spikes @fire1.spikes, current @fire1.current over steps all, samples %sample_1, positions 1, units %unit with decay 0.5, threshold 0.5, reset 0.0, surrogate 0.0, shape 0.5, gain 1.0 layer "a"
// CHECK-NEXT:       engine.store target @a.spikes[0, %sample_1, 0, %unit], source @fire1.spikes over planes all, groups %sample_1, rows 1, columns %unit layer "a"
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// On a small machine, tiles: the loops take a few samples at a time.
engine.machine @small {gradient_sram = 65536 : i64, spike_sram = 65536 : i64, state_sram = 512 : i64, weight_sram = 65536 : i64}
bptt.step @tiled steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  %r = bptt.readout mean %x : tensor<?x?x8xf32> -> tensor<?x8xf32>
  bptt.report %r as "readout" of "" : tensor<?x8xf32>
}
// CHECK:      engine.machine @small {gradient_sram = 65536 : i64, spike_sram = 65536 : i64, state_sram = 512 : i64, weight_sram = 65536 : i64}
// CHECK-NEXT: snn.interface @tiled : (tensor<8xf32>) -> tensor<8xf32> {
// CHECK-NEXT: }
// CHECK-NEXT: engine.program @tiled samples 8 steps 4 {
// CHECK-NEXT:   engine.buffer @x : f32[4, 8, 1, 8] in dram at 0x00000000 role input
// CHECK-NEXT:   engine.buffer @readout : f32[1, 8, 1, 8] in dram at 0x00000800 role readout
// CHECK-NEXT:   engine.buffer @readout1.output : f32[4, 1, 1, 8] in state_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @readout1.sum : f32[1, 1, 1, 8] in state_sram at 0x00000100
// CHECK-NEXT:   engine.loop %sample = 0 to 8 step 1 {
// CHECK-NEXT:     engine.loop %unit = 0 to 8 step 8 {
// CHECK-NEXT:       engine.load target @readout1.output, source @x[0, %sample, 0, %unit] over planes all, groups %sample, rows 1, columns %unit
// CHECK-NEXT:       engine.readout sum @readout1.sum, output @readout1.output over steps all, samples %sample, positions 1, units %unit with scale 0.25
// CHECK-NEXT:       engine.store target @readout[0, %sample, 0, %unit], source @readout1.sum over planes 1, groups %sample, rows 1, columns %unit
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// A scan is a loop over time; what it hands on is a view one step earlier, with a plane of zeros.
engine.machine @roomy {gradient_sram = 65536 : i64, spike_sram = 65536 : i64, state_sram = 65536 : i64, weight_sram = 65536 : i64}
bptt.step @recurrent steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  %y = bptt.scan forward over (%c = %x : tensor<?x?x8xf32>) carrying (%u: tensor<?x8xf32>) -> (tensor<?x?x8xf32>) {
    %v = bptt.integrate %c after state %u decay 0.5 layer "y" : tensor<?x8xf32>
    bptt.yield next %v : tensor<?x8xf32> collect %v : tensor<?x8xf32>
  }
  %g = bptt.scan backward over (%c = %y : tensor<?x?x8xf32>) carrying (%u: tensor<?x8xf32>) -> (tensor<?x?x8xf32>) {
    %v = bptt.integrate_gradient %c after state %u decay 0.5 layer "y" : tensor<?x8xf32>
    bptt.yield next %v : tensor<?x8xf32> collect %v : tensor<?x8xf32>
  }
}
// CHECK:      engine.machine @roomy {gradient_sram = 65536 : i64, spike_sram = 65536 : i64, state_sram = 65536 : i64, weight_sram = 65536 : i64}
// CHECK-NEXT: engine.program @recurrent samples 8 steps 4 {
// CHECK-NEXT:   engine.buffer @x : f32[4, 8, 1, 8] in dram at 0x00000000 role input
// CHECK-NEXT:   engine.buffer @y.potential : f32[5, 8, 1, 8] in dram at 0x00000800
// CHECK-NEXT:   engine.buffer @y.gradient : f32[5, 8, 1, 8] in dram at 0x00001200
// CHECK-NEXT:   engine.buffer @integrate1.potential : f32[1, 8, 1, 8] in state_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @integrate1.current : f32[1, 8, 1, 8] in state_sram at 0x00000200
// CHECK-NEXT:   engine.buffer @integrate1.previous_potential : f32[1, 8, 1, 8] in state_sram at 0x00000400
// CHECK-NEXT:   engine.buffer @integrate_gradient1.gradient : f32[1, 8, 1, 8] in state_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @integrate_gradient1.potential_gradient : f32[1, 8, 1, 8] in state_sram at 0x00000200
// CHECK-NEXT:   engine.buffer @integrate_gradient1.next_gradient : f32[1, 8, 1, 8] in state_sram at 0x00000400
// CHECK-NEXT:   engine.clear target @y.potential over planes 1, groups 8, rows 1, columns 8
// CHECK-NEXT:   engine.clear target @y.gradient[4, 0, 0, 0] over planes 1, groups 8, rows 1, columns 8
// CHECK-NEXT:   engine.loop %step = 0 to 4 step 1 {
// CHECK-NEXT:     engine.loop %sample = 0 to 8 step 8 {
// CHECK-NEXT:       engine.loop %unit = 0 to 8 step 8 {
// CHECK-NEXT:         engine.load target @integrate1.current, source @x[%step, %sample, 0, %unit] over planes 1, groups %sample, rows 1, columns %unit layer "y"
// CHECK-NEXT:         engine.load target @integrate1.previous_potential, source @y.potential[%step, %sample, 0, %unit] over planes 1, groups %sample, rows 1, columns %unit layer "y"
// CHECK-NEXT:         engine.integrate potential @integrate1.potential, current @integrate1.current, previous_potential @integrate1.previous_potential over steps 1, samples %sample, positions 1, units %unit with decay 0.5 layer "y"
// CHECK-NEXT:         engine.store target @y.potential[%step + 1, %sample, 0, %unit], source @integrate1.potential over planes 1, groups %sample, rows 1, columns %unit layer "y"
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   engine.loop %step_1 = 3 to -1 step -1 {
// CHECK-NEXT:     engine.loop %sample_1 = 0 to 8 step 8 {
// CHECK-NEXT:       engine.loop %unit_1 = 0 to 8 step 8 {
// CHECK-NEXT:         engine.load target @integrate_gradient1.potential_gradient, source @y.potential[%step_1 + 1, %sample_1, 0, %unit_1] over planes 1, groups %sample_1, rows 1, columns %unit_1 layer "y"
// CHECK-NEXT:         engine.load target @integrate_gradient1.next_gradient, source @y.gradient[%step_1 + 1, %sample_1, 0, %unit_1] over planes 1, groups %sample_1, rows 1, columns %unit_1 layer "y"
// CHECK-NEXT:         engine.integrate_gradient gradient @integrate_gradient1.gradient, potential_gradient @integrate_gradient1.potential_gradient, next_gradient @integrate_gradient1.next_gradient over steps 1, samples %sample_1, positions 1, units %unit_1 with decay 0.5 layer "y"
// CHECK-NEXT:         engine.store target @y.gradient[%step_1, %sample_1, 0, %unit_1], source @integrate_gradient1.gradient over planes 1, groups %sample_1, rows 1, columns %unit_1 layer "y"
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Views cost nothing: a delay, and a reshape that moves no cell, are no instructions, only the zeros they show.
engine.machine @roomy {gradient_sram = 65536 : i64, spike_sram = 65536 : i64, state_sram = 65536 : i64, weight_sram = 65536 : i64}
bptt.step @views steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  %s = bptt.add %x, %x : tensor<?x?x8xf32>
  %d = bptt.delay %s : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  %f = bptt.reshape %d : tensor<?x?x8xf32> -> tensor<?x?x8x1x1xf32>
  %r = bptt.readout sum %f : tensor<?x?x8x1x1xf32> -> tensor<?x8x1x1xf32>
}
// CHECK:      engine.machine @roomy {gradient_sram = 65536 : i64, spike_sram = 65536 : i64, state_sram = 65536 : i64, weight_sram = 65536 : i64}
// CHECK-NEXT: snn.interface @views : (tensor<8xf32>) -> tensor<8x1x1xf32> {
// CHECK-NEXT: }
// CHECK-NEXT: engine.program @views samples 8 steps 4 {
// CHECK-NEXT:   engine.buffer @x : f32[4, 8, 1, 8] in dram at 0x00000000 role input
// CHECK-NEXT:   engine.buffer @s : f32[5, 8, 1, 8] in dram at 0x00000800
// CHECK-NEXT:   engine.buffer @readout : f32[1, 8, 1, 8] in dram at 0x00001200
// CHECK-NEXT:   engine.buffer @add1.sum : f32[4, 8, 1, 8] in state_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @add1.left : f32[4, 8, 1, 8] in state_sram at 0x00000800
// CHECK-NEXT:   engine.buffer @add1.right : f32[4, 8, 1, 8] in state_sram at 0x00001000
// CHECK-NEXT:   engine.buffer @readout1.output : f32[4, 8, 1, 8] in state_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @readout1.sum : f32[1, 8, 1, 8] in state_sram at 0x00000800
// CHECK-NEXT:   engine.clear target @s over planes 1, groups 8, rows 1, columns 8
// CHECK-NEXT:   engine.loop %sample = 0 to 8 step 8 {
// CHECK-NEXT:     engine.loop %unit = 0 to 8 step 8 {
// CHECK-NEXT:       engine.load target @add1.left, source @x[0, %sample, 0, %unit] over planes all, groups %sample, rows 1, columns %unit
// CHECK-NEXT:       engine.load target @add1.right, source @x[0, %sample, 0, %unit] over planes all, groups %sample, rows 1, columns %unit
// CHECK-NEXT:       engine.add sum @add1.sum, left @add1.left, right @add1.right over steps all, samples %sample, positions 1, units %unit
// CHECK-NEXT:       engine.store target @s[1, %sample, 0, %unit], source @add1.sum over planes all, groups %sample, rows 1, columns %unit
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   engine.loop %sample_1 = 0 to 8 step 8 {
// CHECK-NEXT:     engine.loop %unit_1 = 0 to 8 step 8 {
// CHECK-NEXT:       engine.load target @readout1.output, source @s[0, %sample_1, 0, %unit_1] over planes all, groups %sample_1, rows 1, columns %unit_1
// CHECK-NEXT:       engine.readout sum @readout1.sum, output @readout1.output over steps all, samples %sample_1, positions 1, units %unit_1 with scale 1.0
// CHECK-NEXT:       engine.store target @readout[0, %sample_1, 0, %unit_1], source @readout1.sum over planes 1, groups %sample_1, rows 1, columns %unit_1
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Images: a convolution whose rows do not fit walks over bands of them. Halos reach into rows of
// zeros above and below the images, which their homes have for that; the input's are the host's.
engine.machine @small {gradient_sram = 4096 : i64, spike_sram = 128 : i64, state_sram = 1792 : i64, weight_sram = 4096 : i64}
bptt.step @images steps 2 batch 2 (%x: tensor<?x?x2x6x4xi1>) {
  snn.parameter @a.weight : tensor<4x2x3x3xf32> fan_in 18
  %y = bptt.convolution %x, @a.weight <kernel 3, stride 1, padding 1> : tensor<?x?x2x6x4xi1> -> tensor<?x?x4x6x4xf32>
  %gx = bptt.convolution_input_gradient %y, @a.weight <kernel 3, stride 1, padding 1> : tensor<?x?x4x6x4xf32> -> tensor<?x?x2x6x4xf32>
  %f = bptt.reshape %gx : tensor<?x?x2x6x4xf32> -> tensor<?x?x48xf32>
}
// CHECK:      engine.machine @small {gradient_sram = 4096 : i64, spike_sram = 128 : i64, state_sram = 1792 : i64, weight_sram = 4096 : i64}
// CHECK-NEXT: engine.program @images samples 2 steps 2 {
// CHECK-NEXT:   engine.buffer @x : bit[2, 2, 32, 2] in dram at 0x00000000 role input
// CHECK-NEXT:   engine.buffer @a.current : f32[2, 2, 32, 4] in dram at 0x00000400
// CHECK-NEXT:   engine.buffer @a.input_gradient : f32[2, 2, 24, 2] in dram at 0x00002400
// CHECK-NEXT:   engine.buffer @f : f32[2, 2, 1, 48] in dram at 0x00003c00
// CHECK-NEXT:   engine.buffer @a.weight : f32[9, 1, 2, 4] in dram at 0x00003f00 role parameter "a.weight"
// CHECK-NEXT:   engine.buffer @convolution1.weight : f32[9, 1, 2, 4] in weight_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @convolution1.spikes : bit[1, 1, 16, 2] in spike_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @convolution1.current : f32[1, 1, 8, 4] in state_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @input_gradient1.transposed_weight : f32[9, 1, 4, 2] in weight_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @input_gradient1.gradient : f32[1, 1, 16, 4] in state_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @input_gradient1.input_gradient : f32[1, 1, 8, 2] in state_sram at 0x00000400
// CHECK-NEXT:   engine.buffer @flatten1.flat : f32[1, 1, 1, 48] in state_sram at 0x00000000
// CHECK-NEXT:   engine.buffer @flatten1.image : f32[1, 1, 24, 2] in state_sram at 0x000000c0
// CHECK-NEXT:   engine.clear target @a.current over planes 2, groups 2, rows 4, columns 4
// CHECK-NEXT:   engine.clear target @a.current[0, 0, 28, 0] over planes 2, groups 2, rows 4, columns 4
// CHECK-NEXT:   engine.loop %output = 0 to 4 step 4 {
// CHECK-NEXT:     engine.load target @convolution1.weight, source @a.weight[0, 0, 0, %output] over planes 9, groups 1, rows 2, columns %output layer "a"
// CHECK-NEXT:     engine.loop %sample = 0 to 2 step 1 {
// CHECK-NEXT:       engine.loop %step = 0 to 2 step 1 {
// CHECK-NEXT:         engine.loop %row = 0 to 6 step 2 {
// CHECK-NEXT:           engine.clear target @convolution1.current over planes %step, groups %sample, rows 4 * %row, columns %output layer "a"
// CHECK-NEXT:           engine.loop %input = 0 to 2 step 2 {
// CHECK-NEXT:             engine.load target @convolution1.spikes, source @x[%step, %sample, 4 * %row, %input] over planes %step, groups %sample, rows 4 * %row + 8, columns %input layer "a"
// CHECK-NEXT:             engine.accumulate current @convolution1.current, spikes @convolution1.spikes, weight @convolution1.weight over steps %step, samples %sample, positions 4 * %row, input_positions 4 * %row + 8, taps 9, inputs %input, outputs %output with kernel_width 3.0, stride 1.0, input_width 4.0, output_width 4.0, top 0.0, left 1.0, dense 0.0 layer "a"
// CHECK-NEXT:           }
// CHECK-NEXT:           engine.store target @a.current[%step, %sample, 4 * %row + 4, %output], source @convolution1.current over planes %step, groups %sample, rows 4 * %row, columns %output layer "a"
// CHECK-NEXT:         }
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   engine.loop %input_1 = 0 to 2 step 2 {
// CHECK-NEXT:     engine.load_transposed target @input_gradient1.transposed_weight, source @a.weight[0, 0, %input_1, 0] over taps 9, rows %input_1, columns 4 layer "a"
// CHECK-NEXT:     engine.loop %sample_1 = 0 to 2 step 1 {
// CHECK-NEXT:       engine.loop %step_1 = 0 to 2 step 1 {
// CHECK-NEXT:         engine.loop %row_1 = 0 to 6 step 2 {
// CHECK-NEXT:           engine.clear target @input_gradient1.input_gradient over planes %step_1, groups %sample_1, rows 4 * %row_1, columns %input_1 layer "a"
// CHECK-NEXT:           engine.loop %output_1 = 0 to 4 step 4 {
// CHECK-NEXT:             engine.load target @input_gradient1.gradient, source @a.current[%step_1, %sample_1, 4 * %row_1, %output_1] over planes %step_1, groups %sample_1, rows 4 * %row_1 + 8, columns %output_1 layer "a"
// CHECK-NEXT:             engine.backpropagate input_gradient @input_gradient1.input_gradient, gradient @input_gradient1.gradient, transposed_weight @input_gradient1.transposed_weight over steps %step_1, samples %sample_1, positions 4 * %row_1 + 8, input_positions 4 * %row_1, taps 9, inputs %input_1, outputs %output_1 with kernel_width 3.0, stride 1.0, input_width 4.0, output_width 4.0, top 2.0, left 1.0, skip_input 1.0, skip_output 1.0 layer "a"
// CHECK-NEXT:           }
// CHECK-NEXT:           engine.store target @a.input_gradient[%step_1, %sample_1, 4 * %row_1, %input_1], source @input_gradient1.input_gradient over planes %step_1, groups %sample_1, rows 4 * %row_1, columns %input_1 layer "a"
// CHECK-NEXT:         }
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT:   engine.loop %sample_2 = 0 to 2 step 1 {
// CHECK-NEXT:     engine.loop %step_2 = 0 to 2 step 1 {
// CHECK-NEXT:       engine.loop %unit = 0 to 2 step 2 {
// CHECK-NEXT:         engine.load target @flatten1.image, source @a.input_gradient[%step_2, %sample_2, 0, %unit] over planes %step_2, groups %sample_2, rows 24, columns %unit
// CHECK-NEXT:         engine.flatten flat @flatten1.flat, image @flatten1.image over steps %step_2, samples %sample_2, positions 24, units %unit, cells 48
// CHECK-NEXT:         engine.store target @f[%step_2, %sample_2, 0, 0], source @flatten1.flat over planes %step_2, groups %sample_2, rows 1, columns 48
// CHECK-NEXT:       }
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }

// -----

// Nothing to do: without a step the module stays what it is.
engine.machine @roomy {gradient_sram = 65536 : i64, spike_sram = 65536 : i64, state_sram = 65536 : i64, weight_sram = 65536 : i64}
"test.op"() : () -> ()
// CHECK:      engine.machine @roomy {gradient_sram = 65536 : i64, spike_sram = 65536 : i64, state_sram = 65536 : i64, weight_sram = 65536 : i64}
// CHECK-NEXT: "test.op"() : () -> ()

// -----

// Errors: a machine that is too small, and steps that have no lowering.
engine.machine @tiny {gradient_sram = 64 : i64, spike_sram = 64 : i64, state_sram = 64 : i64, weight_sram = 64 : i64}
bptt.step @large steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  %r = bptt.readout mean %x : tensor<?x?x8xf32> -> tensor<?x8xf32>
}
// CHECK: error: the machine is too small: readout needs 320 bytes of state_sram even with the smallest tiles, 256 of them for its buffer `output` [4, 1, 1, 8], but only 64 are available [E0302]
// CHECK: help: use a machine with a larger state_sram, or fewer steps

// -----

bptt.step @foreign steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  %y = "test.op"(%x) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
}
// CHECK: error: test.op has no lowering to the engine [E0204]

// -----

bptt.step @late steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  %y = bptt.scan forward over (%c = %x : tensor<?x?x8xf32>) carrying () -> (tensor<?x?x8xf32>) {
    %d = bptt.delay %c : tensor<?x8xf32> -> tensor<?x8xf32>
    bptt.yield collect %d : tensor<?x8xf32>
  }
}
// CHECK: error: bptt.delay cannot stand inside a scan [E0204]

// -----

bptt.step @nested steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  %y = bptt.scan forward over (%c = %x : tensor<?x?x8xf32>) carrying () -> (tensor<?x?x8xf32>) {
    bptt.scan forward over () carrying () -> () {
      bptt.yield
    }
    bptt.yield collect %c : tensor<?x8xf32>
  }
}
// CHECK: error: bptt.scan cannot stand inside a scan [E0204]

// -----

bptt.step @never steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  %y = bptt.scan forward over () carrying (%c: tensor<?x8xf32>) -> (tensor<?x?x8xf32>) {
    bptt.yield next %c : tensor<?x8xf32> collect %c : tensor<?x8xf32>
  }
}
// CHECK: error: a scan hands this value on to itself without ever computing it [E0204]

// -----

bptt.step @renamed steps 4 batch 8 (%x: tensor<?x?x8xi1>) {
  bptt.report %x as "spikes" of "a" : tensor<?x?x8xi1>
}
// CHECK: error: spikes a cannot be reported: its buffer is reported as something else [E0204]

// -----

bptt.step @twice steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  %a = bptt.readout mean %x : tensor<?x?x8xf32> -> tensor<?x8xf32>
  %b = bptt.readout sum %x : tensor<?x?x8xf32> -> tensor<?x8xf32>
  bptt.report %a as "readout" of "" : tensor<?x8xf32>
  bptt.report %b as "readout" of "" : tensor<?x8xf32>
}
// CHECK: error: readout is reported twice [E0204]

// -----

bptt.step @unbounded steps 16777216 batch 16777216 (%x: tensor<?x?x16777216x16777216xf32>) {
  %y = bptt.add %x, %x : tensor<?x?x16777216x16777216xf32>
}
// CHECK: error: the machine is too small: add needs 12884901888 bytes of state_sram even with the smallest tiles, 4294967296 of them for its buffer `sum` [16777216, 1, 1, 64], but only 4194304 are available [E0302]
// CHECK: help: use a machine with a larger state_sram, or fewer steps
