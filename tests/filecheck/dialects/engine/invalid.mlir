// RUN: spikeloom-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// --- machines

engine.machine @m {weight_sram = 1024 : i64}
// CHECK: error: `engine.machine` is not well formed: the machine does not say how large spike_sram is [E0202]

// -----

engine.machine @m {weight_sram = 1024 : i64, spike_sram = 0 : i64, state_sram = 1024 : i64, gradient_sram = 1024 : i64}
// CHECK: error: `engine.machine` is not well formed: the machine does not say how large spike_sram is [E0202]

// -----

engine.machine @m {weight_sram = 1024.0 : f64, spike_sram = 1024 : i64, state_sram = 1024 : i64, gradient_sram = 1024 : i64}
// CHECK: error: `engine.machine` is not well formed: the machine does not say how large weight_sram is [E0202]

// -----

// --- programs

engine.program @p samples 0 steps 4 {
}
// CHECK: error: `engine.program` is not well formed: samples must lie in [1, 16777216], got 0 [E0202]

// -----

engine.program @p samples 8 steps 0 {
}
// CHECK: error: `engine.program` is not well formed: steps must lie in [1, 16777216], got 0 [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
}
// CHECK: error: `engine.program` is not well formed: Redefinition of symbol "i" [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "test.op"() : () -> ()
}
// CHECK: error: `engine.program` is not well formed: test.op is no part of a program [E0202]

// -----

// --- buffers

engine.program @p samples 8 steps 4 {
  engine.buffer @b : f64[1, 1, 1, 1] in dram at 0x0
}
// CHECK: error: `engine.buffer` is not well formed: unknown element 'f64' [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @b : f32[1, 1, 1] in dram at 0x0
}
// CHECK: error: `engine.buffer` is not well formed: a buffer has four dimensions of at least one cell [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @b : f32[1, 0, 1, 1] in dram at 0x0
}
// CHECK: error: `engine.buffer` is not well formed: a buffer has four dimensions of at least one cell [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @b : f32[1, 1, 1, 4294967296] in dram at 0x0
}
// CHECK: error: `engine.buffer` is not well formed: a buffer has four dimensions of at least one cell [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @b : f32[1, 1, 1, 1] in cache at 0x0
}
// CHECK: error: `engine.buffer` is not well formed: unknown memory 'cache', expected one of dram, weight_sram, spike_sram, state_sram, gradient_sram, forward_tables, update_tables [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @b : f32[1, 1, 1, 1] in dram at -1
}
// CHECK: error: `engine.buffer` is not well formed: a buffer's offset must not be negative [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @b : f32[1, 1, 1, 1] in dram at 99999999999999999999
}
// CHECK: error: integer does not fit into 64 bits [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @b : f32[1, 1, 1, 1] at 0x0
}
// CHECK: error: Expected 'in' [E0201]

// -----

engine.buffer @b : f32[1, 1, 1, 1] in dram at 0x0
// CHECK: error: `engine.buffer` is not well formed: engine.buffer must stand in an engine.program [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.loop %t = 0 to 4 step 1 {
    engine.buffer @b : f32[1, 1, 1, 1] in dram at 0x0
  }
}
// CHECK: error: `engine.buffer` is not well formed: a buffer is declared outside of all loops [E0202]

// -----

// --- loops

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.loop %t = 0 to 4 step 0 {
  }
}
// CHECK: error: `engine.loop` is not well formed: a loop's step must not be 0 [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.loop %t = 4 to 0 step 1 {
  }
}
// CHECK: error: `engine.loop` is not well formed: the loop from 4 to 0 by 1 never runs [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.loop %t = 0 to 99999999999999999999 step 1 {
  }
}
// CHECK: error: integer does not fit into 64 bits [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.loop"() <{start = 0 : i64, stop = 4 : i64, step = 1 : i64}> ({
  ^bb0(%t: i32):
  }) : () -> ()
}
// CHECK: error: `engine.loop` is not well formed: a loop's block has one argument of type index [E0202]

// -----

engine.loop %t = 0 to 4 step 1 {
}
// CHECK: error: `engine.loop` is not well formed: engine.loop must stand in an engine.program [E0202]

// -----

// --- instructions

engine.program @p samples 8 steps 4 {
  engine.buffer @d : f32[4, 8, 1, 8] in dram at 0x00000000
  engine.add sum @d, left @d, right @d over steps all, samples 8, positions 1, units 8
}
// CHECK: error: `engine.add` is not well formed: its sum must lie on chip, unlike @d [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @c : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.load target @c, source @c over planes 4, groups 8, rows 1, columns 8
}
// CHECK: error: `engine.load` is not well formed: its source must lie in dram, unlike @c [E0202]

// -----

engine.accumulate current @i, spikes @s, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0
// CHECK: error: `engine.accumulate` is not well formed: engine.accumulate must stand in an engine.program [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.accumulate current @j, spikes @s, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0
}
// CHECK: error: `engine.accumulate` is not well formed: the program has no buffer @j [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.accumulate current @i, spikes @i, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0
}
// CHECK: error: `engine.accumulate` is not well formed: @i of f32 cannot be its spikes [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.accumulate current @i, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0
}
// CHECK: error: Expected 'spikes' [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.accumulate current @i, spikes @s, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16
}
// CHECK: error: Expected ',' [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.accumulate current @i, spikes @s, weight @w over steps all, samples -1, inputs 16, outputs 8
}
// CHECK: error: cannot parse this: an axis has at least one cell, got -1 [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.accumulate current @i[0, 0], spikes @s, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0
}
// CHECK: error: Expected ',' [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.accumulate current @i[4294967296, 0, 0, 0], spikes @s, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0
}
// CHECK: error: cannot parse this: the start 4294967296 of a slice exceeds 32 bits [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.accumulate current @i[%t, 0, 0, 0], spikes @s, weight @w over steps all, samples 8, positions 1, input_positions 1, taps 1, inputs 16, outputs 8 with kernel_width 1.0, stride 1.0, input_width 1.0, output_width 1.0, top 0.0, left 0.0, dense 0.0
}
// CHECK: error: values used but not defined: [%t] [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.integrate potential @i, current @i over steps all, samples 8, positions 1, units 8
}
// CHECK: error: Expected 'with' [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.integrate potential @i, current @i over steps all, samples 8, positions 1, units 8 with decay nan
}
// CHECK: error: integer or float literal expected [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.teleport target @i
}
// CHECK: error: Operation engine.teleport is not registered [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<8>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: `engine.integrate` is not well formed: engine.integrate has 3 buffers, got 2 [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [unit, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<8>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: `engine.integrate` is not well formed: engine.integrate needs the buffer 'potential' [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: `engine.integrate` is not well formed: engine.integrate has 4 extents, got 3 [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<8>], immediates = []}> : () -> ()
}
// CHECK: error: `engine.integrate` is not well formed: engine.integrate has 1 immediates, got 0 [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<8>], immediates = [0.5 : f32]}> : () -> ()
}
// CHECK: error: `engine.integrate` is not well formed: f32 should be of base attribute f64 [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<8>], immediates = [0x7FF0000000000000 : f64]}> : () -> ()
}
// CHECK: error: `engine.integrate` is not well formed: decay must be a finite number [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [0, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [0, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<8>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: `engine.integrate` is not well formed: engine.integrate refers to a loop that is not among its operands [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<loop 3>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: `engine.integrate` is not well formed: engine.integrate refers to a loop that is not among its operands [E0202]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<loop -2>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: Expected integer literal [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<loop -1>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: Expected integer literal [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<-8>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: cannot parse this: an axis has at least one cell, got -8 [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<8>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: cannot parse this: a slice has four dimensions [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1], [1, 1, 1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<8>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: cannot parse this: a slice has four dimensions [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1], [1, 1, 2, 1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<8>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: cannot parse this: the scale 2 belongs to no loop [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, 0, -1], [1, 1, 0, 1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<8>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: cannot parse this: a loop is scaled by 1 to 2147483647, got 0 [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<-2 * loop 0>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: cannot parse this: a loop is scaled by 1 to 2147483647, got -2 [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  "engine.integrate"() <{slices = [#engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, #engine.slice<@i, [0, 0, 0, 0], [-1, -1, -1, -1]>, unit], extents = [#engine.extent<8>, #engine.extent<8>, #engine.extent<1>, #engine.extent<2 * loop 0 + 4294967296>], immediates = [0.5 : f64]}> : () -> ()
}
// CHECK: error: cannot parse this: the offset 4294967296 of an axis exceeds 32 bits [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.loop %t = 0 to 4 step 1 {
    engine.clear target @i[0, 0, 0 * %t, 0] over planes 1, groups 1, rows 1, columns 8
  }
}
// CHECK: error: cannot parse this: a loop is scaled by 1 to 2147483647, got 0 [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.loop %t = 0 to 4 step 1 {
    engine.clear target @i over planes 1, groups 2147483648 * %t, rows 1, columns 8
  }
}
// CHECK: error: cannot parse this: a loop is scaled by 1 to 2147483647, got 2147483648 [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.buffer @s : bit[4, 8, 1, 16] in spike_sram at 0x00000000
  engine.buffer @w : f32[1, 1, 16, 8] in weight_sram at 0x00000000
  engine.loop %t = 0 to 4 step 1 {
    engine.clear target @i[0, 0, 2 * 3, 0] over planes 1, groups 1, rows 1, columns 8
  }
}
// CHECK: error: Expected an operand [E0201]

// -----

engine.program @p samples 8 steps 4 {
  engine.buffer @i : f32[4, 8, 1, 8] in state_sram at 0x00000000
  engine.loop %u = 0 to 4 step 1 {
    engine.clear target @i[%t, 0, 0, 0] over planes 1, groups 1, rows 1, columns 8
  }
  engine.loop %t = 0 to 4 step 1 {
    engine.clear target @i[%t, 0, 0, 0] over planes 1, groups 1, rows 1, columns 8
  }
}
// CHECK: error: `engine.clear` is not well formed: engine.clear follows a loop that is not around it [E0202]
