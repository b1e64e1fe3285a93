// RUN: spikeloom-opt %s -p 'fuse-luts' --split-input-file | filecheck %s
// RUN: spikeloom-opt %s -p 'fuse-luts{goal=energy}' --split-input-file | filecheck %s --check-prefix ENERGY
// RUN: spikeloom-opt %s -p 'fuse-luts{width=2 engines=fe}' --split-input-file | filecheck %s --check-prefix TWO
// RUN: spikeloom-opt %s -p 'fuse-luts{width=0}' --split-input-file | filecheck %s --check-prefix NONE
// RUN: spikeloom-opt %s -p 'fuse-luts{accumulate=plain}' --split-input-file | filecheck %s --check-prefix PLAIN
// RUN: not spikeloom-opt %s -p 'fuse-luts{width=6}' --split-input-file 2>&1 | filecheck %s --check-prefix WIDE
// RUN: not spikeloom-opt %s -p 'fuse-luts{width=2 accumulate=events}' 2>&1 | filecheck %s --check-prefix CONTRADICTION
// RUN: not spikeloom-opt %s -p 'fuse-luts{width=-1}' 2>&1 | filecheck %s --check-prefix NEGATIVE
// RUN: not spikeloom-opt %s -p 'fuse-luts{accumulate=all}' 2>&1 | filecheck %s --check-prefix UNKNOWN

// 2048 rows of 256 inputs to 64 outputs. Tables of 4: 64 groups for 64 lanes, 2048 rows + 16
// entries, and 8 cycles of latency for 4 groups of samples and for building. Half of 256 inputs are
// 2 or 3 passes; sparse inputs, of which no row has more than 64, are as fast by events and need no
// tables. Analog inputs are multiplied as before.
bptt.step @choice steps 32 batch 64 (%x: tensor<?x?x256xi1>) {
  snn.parameter @a.weight : tensor<64x256xf32> fan_in 256
  %i = bptt.synapse %x, @a.weight : tensor<?x?x256xi1> -> tensor<?x?x64xf32>
  %j = bptt.synapse %i, @b.weight : tensor<?x?x64xf32> -> tensor<?x?x64xf32>
  snn.parameter @b.weight : tensor<64x64xf32> fan_in 64
  %gw = bptt.synapse_weight_gradient %j, %x : tensor<?x?x64xf32>, tensor<?x?x256xi1> -> tensor<64x256xf32>
  bptt.report %gw as "gradient" of "a.weight" : tensor<64x256xf32>
}
// CHECK: bptt.step @choice
// CHECK: %i = bptt.synapse %x, @a.weight {accumulation = #bptt.accumulation<tables of 4, cycles 2104, femtojoules 7150075904>} : tensor<?x?x256xi1> -> tensor<?x?x64xf32>
// CHECK-NEXT: %j = bptt.synapse %i, @b.weight : tensor<?x?x64xf32> -> tensor<?x?x64xf32>
// CHECK: %gw = bptt.synapse_weight_gradient %j, %x {accumulation = #bptt.accumulation<tables of 4, cycles 2240, femtojoules
// ENERGY: %i = bptt.synapse %x, @a.weight {accumulation = #bptt.accumulation<tables of 4,
// TWO: %i = bptt.synapse %x, @a.weight {accumulation = #bptt.accumulation<tables of 2, cycles 4144,
// TWO: %gw = bptt.synapse_weight_gradient %j, %x : tensor<?x?x64xf32>
// NONE: %i = bptt.synapse %x, @a.weight {accumulation = #bptt.accumulation<events, cycles 5101, femtojoules
// PLAIN: %i = bptt.synapse %x, @a.weight {accumulation = #bptt.accumulation<plain, cycles 8224, femtojoules 15826681856>}
// WIDE: error: fuse-luts asks for tables of 6 inputs, but engine fe of the machine `h2learn` has tables of 4 [E0302]
// WIDE: use width=4, or a machine with engines.fe.table_width of 6
// CONTRADICTION: error: fuse-luts{width=2 accumulate=events}: only tables have a width, and it is at least 1 [E0405]
// NEGATIVE: error: fuse-luts{width=-1}: a width is at least 0 [E0405]
// UNKNOWN: <pipeline>:1:11: error: the option `accumulate` of the pass `fuse-luts` cannot be `all` [E0203]
// UNKNOWN: help: expected plain | events | tables

// -----

bptt.step @sparse steps 32 batch 64 (%x: tensor<?x?x256xi1>) attributes {input_density = #bptt.density<at_least 0.0, at_most 1.0, expected 0.05>} {
  snn.parameter @a.weight : tensor<64x256xf32> fan_in 256
  %i = bptt.synapse %x, @a.weight : tensor<?x?x256xi1> -> tensor<?x?x64xf32>
}
// CHECK: bptt.step @sparse
// CHECK: %i = bptt.synapse %x, @a.weight {accumulation = #bptt.accumulation<events, cycles 2064,
// ENERGY: bptt.step @sparse
// ENERGY: %i = bptt.synapse %x, @a.weight {accumulation = #bptt.accumulation<events, cycles 2064, femtojoules 3651141632>}

// -----

// Inside a scan tables serve one step only, and are built anew at every step: of the cycles of
// events, 256 are latencies of 32 steps.
bptt.step @recurrent steps 32 batch 2 (%x: tensor<?x?x64xf32>) {
  snn.parameter @a.weight : tensor<64x256xf32> fan_in 256
  %y = bptt.scan forward over (%c = %x : tensor<?x?x64xf32>) carrying (%s: tensor<?x256xi1>) -> (tensor<?x?x64xf32>) {
    %i = bptt.synapse %s, @a.weight : tensor<?x256xi1> -> tensor<?x64xf32>
    bptt.yield next %s : tensor<?x256xi1> collect %i : tensor<?x64xf32>
  }
}
// CHECK: bptt.step @recurrent
// CHECK: %i = bptt.synapse %s, @a.weight {accumulation = #bptt.accumulation<events, cycles 414,
