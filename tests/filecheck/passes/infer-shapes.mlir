// RUN: spikeloom-opt %s -p infer-shapes --split-input-file --verify-diagnostics | filecheck %s

// Types and parameter shapes follow from the input, through a cycle too.
snn.network @open(%image: tensor<2x4xi1>) -> tensor<*xi1> {
  snn.parameter @a.weight : tensor<16x?xf32>
  snn.parameter @a.bias : tensor<16xf32>
  snn.parameter @b.weight : tensor<16x?xf32>
  %flat = snn.flatten %image : tensor<2x4xi1> -> tensor<*xi1>
  %i = snn.linear %flat, @a.weight, @a.bias : tensor<*xi1> -> tensor<*xf32>
  %p = snn.previous %s : tensor<*xi1> -> tensor<*xi1>
  %r = snn.linear %p, @b.weight : tensor<*xi1> -> tensor<*xf32>
  %j = snn.add %i, %r : tensor<*xf32>, tensor<*xf32> -> tensor<*xf32>
  %s = snn.lif %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<*xf32> -> tensor<*xi1>
  snn.return %s : tensor<*xi1>
}
// CHECK:      snn.network @open(%image: tensor<2x4xi1>) -> tensor<16xi1> {
// CHECK-NEXT:   snn.parameter @a.weight : tensor<16x8xf32> fan_in 8
// CHECK-NEXT:   snn.parameter @a.bias : tensor<16xf32> fan_in 8
// CHECK-NEXT:   snn.parameter @b.weight : tensor<16x16xf32> fan_in 16
// CHECK-NEXT:   %flat = snn.flatten %image : tensor<2x4xi1> -> tensor<8xi1>
// CHECK-NEXT:   %i = snn.linear %flat, @a.weight, @a.bias : tensor<8xi1> -> tensor<16xf32>
// CHECK-NEXT:   %p = snn.previous %s : tensor<16xi1> -> tensor<16xi1>
// CHECK-NEXT:   %r = snn.linear %p, @b.weight : tensor<16xi1> -> tensor<16xf32>
// CHECK-NEXT:   %j = snn.add %i, %r : tensor<16xf32>, tensor<16xf32> -> tensor<16xf32>
// CHECK-NEXT:   %s = snn.lif %j <{{.*}}> layer "s" : tensor<16xf32> -> tensor<16xi1>
// CHECK-NEXT:   snn.return %s : tensor<16xi1>

// -----

// Nothing to do: what is known stays, and other operations are left alone.
snn.network @known(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = snn.li %x decay 0.5 layer "y" : tensor<4xf32> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
"test.op"() : () -> ()
// CHECK:      snn.network @known(%x: tensor<4xf32>) -> tensor<4xf32> {
// CHECK-NEXT:   %y = snn.li %x decay 0.5 layer "y" : tensor<4xf32> -> tensor<4xf32>
// CHECK-NEXT:   snn.return %y : tensor<4xf32>
// CHECK-NEXT: }
// CHECK-NEXT: "test.op"() : () -> ()

// -----

// Shapes that do not fit are found while they are inferred.
snn.network @mismatch(%x: tensor<4xf32>) -> tensor<*xf32> {
  snn.parameter @w : tensor<3x?xf32>
  %y = snn.linear %x, @w : tensor<4xf32> -> tensor<*xf32>
  %z = snn.add %x, %y : tensor<4xf32>, tensor<*xf32> -> tensor<*xf32>
  snn.return %z : tensor<*xf32>
}
// CHECK: infer-shapes.mlir:48:3: error: only values of one shape can be added, got [4] and [3] [E0105]

// -----

snn.network @matrix(%x: tensor<2x4xi1>) -> tensor<*xf32> {
  snn.parameter @w : tensor<3x?xf32>
  %p = snn.previous %x : tensor<2x4xi1> -> tensor<*xi1>
  %y = snn.linear %p, @w : tensor<*xi1> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
// CHECK: infer-shapes.mlir:58:3: error: linear takes a vector, but its input has the shape [2, 4] [E0105]
// CHECK: help: write linear(flatten(x), n)

// -----

snn.network @itself(%x: tensor<4xi1>) -> tensor<*xi1> {
  %p = snn.previous %s : tensor<*xi1> -> tensor<*xi1>
  %s = snn.previous %p : tensor<*xi1> -> tensor<*xi1>
  snn.return %s : tensor<*xi1>
}
// CHECK: infer-shapes.mlir:67:3: error: the shape of this value depends on nothing but itself [E0105]
