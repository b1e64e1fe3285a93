// RUN: spikeloom-opt %s -p canonicalize --split-input-file --verify-diagnostics | filecheck %s --check-prefix CANONICALIZE
// RUN: spikeloom-opt %s -p canonicalize,cse,dce --split-input-file --verify-diagnostics | filecheck %s

// The same linear of the same value is computed once.
snn.network @shared(%x: tensor<4xi1>) -> tensor<2xf32> {
  snn.parameter @w : tensor<2x4xf32> fan_in 4
  %a = snn.linear %x, @w : tensor<4xi1> -> tensor<2xf32>
  %b = snn.linear %x, @w : tensor<4xi1> -> tensor<2xf32>
  %c = snn.add %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  snn.return %c : tensor<2xf32>
}
// CANONICALIZE:      snn.network @shared(%x: tensor<4xi1>) -> tensor<2xf32> {
// CANONICALIZE-NEXT:   snn.parameter @w : tensor<2x4xf32> fan_in 4
// CANONICALIZE-NEXT:   %a = snn.linear %x, @w : tensor<4xi1> -> tensor<2xf32>
// CANONICALIZE-NEXT:   %b = snn.linear %x, @w : tensor<4xi1> -> tensor<2xf32>
// CANONICALIZE-NEXT:   %c = snn.add %a, %b : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
// CANONICALIZE-NEXT:   snn.return %c : tensor<2xf32>
// CANONICALIZE-NEXT: }
// CHECK:      snn.network @shared(%x: tensor<4xi1>) -> tensor<2xf32> {
// CHECK-NEXT:   snn.parameter @w : tensor<2x4xf32> fan_in 4
// CHECK-NEXT:   %a = snn.linear %x, @w : tensor<4xi1> -> tensor<2xf32>
// CHECK-NEXT:   %c = snn.add %a, %a : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
// CHECK-NEXT:   snn.return %c : tensor<2xf32>
// CHECK-NEXT: }

// -----

// A layer that the output does not depend on is removed; its parameters stay the program's.
snn.network @dead(%x: tensor<4xf32>) -> tensor<4xf32> {
  snn.parameter @w : tensor<2x4xf32> fan_in 4
  %a = snn.linear %x, @w : tensor<4xf32> -> tensor<2xf32>
  %b = snn.lif %a <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "b" : tensor<2xf32> -> tensor<2xi1>
  %y = snn.li %x decay 0.5 layer "y" : tensor<4xf32> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK:      snn.network @dead(%x: tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT:   snn.parameter @w : tensor<2x4xf32> fan_in 4
// CHECK-NEXT:   %y = snn.li %x decay 0.5 layer "y" : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:   snn.return %y : tensor<4xf32>
// CHECK-NEXT: }

// -----

// A cycle survives as it is, values from further down included.
snn.network @cycle(%x: tensor<4xf32>) -> tensor<4xi1> {
  snn.parameter @w : tensor<4x4xf32> fan_in 4
  %p = snn.previous %s : tensor<4xi1> -> tensor<4xi1>
  %r = snn.linear %p, @w : tensor<4xi1> -> tensor<4xf32>
  %i = snn.add %x, %r : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %s = snn.lif %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<4xf32> -> tensor<4xi1>
  snn.return %s : tensor<4xi1>
}
// CHECK:      snn.network @cycle(%x: tensor<4xf32>) -> tensor<4xi1> {
// CHECK-NEXT:   snn.parameter @w : tensor<4x4xf32> fan_in 4
// CHECK-NEXT:   %p = snn.previous %s : tensor<4xi1> -> tensor<4xi1>
// CHECK-NEXT:   %r = snn.linear %p, @w : tensor<4xi1> -> tensor<4xf32>
// CHECK-NEXT:   %i = snn.add %x, %r : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:   %s = snn.lif %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<4xf32> -> tensor<4xi1>
// CHECK-NEXT:   snn.return %s : tensor<4xi1>
// CHECK-NEXT: }

// -----

// A cycle that nothing reads goes as a whole.
snn.network @dead_cycle(%x: tensor<4xf32>) -> tensor<4xf32> {
  snn.parameter @w : tensor<4x4xf32> fan_in 4
  %p = snn.previous %s : tensor<4xi1> -> tensor<4xi1>
  %r = snn.linear %p, @w : tensor<4xi1> -> tensor<4xf32>
  %s = snn.lif %r <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<4xf32> -> tensor<4xi1>
  snn.return %x : tensor<4xf32>
}
// CHECK:      snn.network @dead_cycle(%x: tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT:   snn.parameter @w : tensor<4x4xf32> fan_in 4
// CHECK-NEXT:   snn.return %x : tensor<4xf32>
// CHECK-NEXT: }

// -----

// Layers with names of their own stay apart: the host asks for the spikes of each.
snn.network @named(%x: tensor<4xf32>) -> tensor<4xi1> {
  snn.parameter @w : tensor<4x4xf32> fan_in 4
  %a = snn.lif %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<4xf32> -> tensor<4xi1>
  %b = snn.lif %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "b" : tensor<4xf32> -> tensor<4xi1>
  %i = snn.linear %a, @w : tensor<4xi1> -> tensor<4xf32>
  %j = snn.linear %b, @w : tensor<4xi1> -> tensor<4xf32>
  %k = snn.add %i, %j : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %s = snn.lif %k <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<4xf32> -> tensor<4xi1>
  snn.return %s : tensor<4xi1>
}
// CHECK:      snn.network @named(%x: tensor<4xf32>) -> tensor<4xi1> {
// CHECK-NEXT:   snn.parameter @w : tensor<4x4xf32> fan_in 4
// CHECK-NEXT:   %a = snn.lif %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<4xf32> -> tensor<4xi1>
// CHECK-NEXT:   %b = snn.lif %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "b" : tensor<4xf32> -> tensor<4xi1>
// CHECK-NEXT:   %i = snn.linear %a, @w : tensor<4xi1> -> tensor<4xf32>
// CHECK-NEXT:   %j = snn.linear %b, @w : tensor<4xi1> -> tensor<4xf32>
// CHECK-NEXT:   %k = snn.add %i, %j : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:   %s = snn.lif %k <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<4xf32> -> tensor<4xi1>
// CHECK-NEXT:   snn.return %s : tensor<4xi1>
// CHECK-NEXT: }

// -----

// A scan keeps what its body needs; work that nothing reads goes.
bptt.step @scan steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  %y = bptt.scan forward over (%c = %x : tensor<?x?x8xf32>) carrying (%u: tensor<?x8xf32>) -> (tensor<?x?x8xf32>) {
    %v = bptt.integrate %c after state %u decay 0.5 layer "y" : tensor<?x8xf32>
    %w = bptt.add %c, %u : tensor<?x8xf32>
    bptt.yield next %v : tensor<?x8xf32> collect %v : tensor<?x8xf32>
  }
  %z = bptt.add %y, %y : tensor<?x?x8xf32>
  %r = bptt.readout mean %y : tensor<?x?x8xf32> -> tensor<?x8xf32>
  bptt.report %r as "readout" of "" : tensor<?x8xf32>
}
// CHECK:      bptt.step @scan steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
// CHECK-NEXT:   %y = bptt.scan forward over (%c = %x : tensor<?x?x8xf32>) carrying (%u: tensor<?x8xf32>) -> (tensor<?x?x8xf32>) {
// CHECK-NEXT:     %v = bptt.integrate %c after state %u decay 0.5 layer "y" : tensor<?x8xf32>
// CHECK-NEXT:     bptt.yield next %v : tensor<?x8xf32> collect %v : tensor<?x8xf32>
// CHECK-NEXT:   }
// CHECK-NEXT:   %r = bptt.readout mean %y : tensor<?x?x8xf32> -> tensor<?x8xf32>
// CHECK-NEXT:   bptt.report %r as "readout" of "" : tensor<?x8xf32>
// CHECK-NEXT: }
