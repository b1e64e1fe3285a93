// RUN: spikeloom-opt %s | spikeloom-opt | filecheck %s
// RUN: spikeloom-opt %s --print-op-generic | spikeloom-opt | filecheck %s

// Every operation on images.
// CHECK:      builtin.module {
// CHECK-NEXT: snn.network @images(%x: tensor<2x8x8xi1>) -> tensor<2x16xi1> {
snn.network @images(%x: tensor<2x8x8xi1>) -> tensor<2x16xi1> {
  // CHECK-NEXT: snn.parameter @a.weight : tensor<4x2x3x3xf32> fan_in 18
  snn.parameter @a.weight : tensor<4x2x3x3xf32> fan_in 18
  // CHECK-NEXT: snn.parameter @a.bias : tensor<4xf32> fan_in 18
  snn.parameter @a.bias : tensor<4xf32> fan_in 18
  // CHECK-NEXT: snn.parameter @a.scale : tensor<4xf32> constant 1.0
  snn.parameter @a.scale : tensor<4xf32> constant 1.0
  // CHECK-NEXT: snn.parameter @a.shift : tensor<4xf32> constant 0.0
  snn.parameter @a.shift : tensor<4xf32> constant 0.0
  // CHECK-NEXT: snn.parameter @a.mean : tensor<4xf32> constant 0.0 running
  snn.parameter @a.mean : tensor<4xf32> constant 0.0 running
  // CHECK-NEXT: snn.parameter @a.variance : tensor<4xf32> constant 1.0 running
  snn.parameter @a.variance : tensor<4xf32> constant 1.0 running
  // CHECK-NEXT: snn.parameter @b.weight : tensor<4x4x2x2xf32> fan_in 16
  snn.parameter @b.weight : tensor<4x4x2x2xf32> fan_in 16
  // CHECK-NEXT: %c = snn.conv2d %x, @a.weight, @a.bias <kernel 3, stride 1, padding 1> : tensor<2x8x8xi1> -> tensor<4x8x8xf32>
  %c = snn.conv2d %x, @a.weight, @a.bias <kernel 3, stride 1, padding 1> : tensor<2x8x8xi1> -> tensor<4x8x8xf32>
  // CHECK-NEXT: %d = snn.batchnorm %c, @a.scale, @a.shift, @a.mean, @a.variance momentum 0.1, epsilon 1.0e-05 : tensor<4x8x8xf32> -> tensor<4x8x8xf32>
  %d = snn.batchnorm %c, @a.scale, @a.shift, @a.mean, @a.variance momentum 0.1, epsilon 1.0e-05 : tensor<4x8x8xf32> -> tensor<4x8x8xf32>
  // CHECK-NEXT: %s = snn.lif %d <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<4x8x8xf32> -> tensor<4x8x8xi1>
  %s = snn.lif %d <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<4x8x8xf32> -> tensor<4x8x8xi1>
  // CHECK-NEXT: %m = snn.pool2d max %s <kernel 2, stride 2, padding 0> : tensor<4x8x8xi1> -> tensor<4x4x4xi1>
  %m = snn.pool2d max %s <kernel 2, stride 2, padding 0> : tensor<4x8x8xi1> -> tensor<4x4x4xi1>
  // CHECK-NEXT: %e = snn.conv2d %m, @b.weight <kernel 2, stride 1, padding 0> same {note = 1 : i64} : tensor<4x4x4xi1> -> tensor<4x4x4xf32>
  %e = snn.conv2d %m, @b.weight <kernel 2, stride 1, padding 0> same {note = 1 : i64} : tensor<4x4x4xi1> -> tensor<4x4x4xf32>
  // CHECK-NEXT: %r = snn.add %e, %m : tensor<4x4x4xf32>, tensor<4x4x4xi1> -> tensor<4x4x4xf32>
  %r = snn.add %e, %m : tensor<4x4x4xf32>, tensor<4x4x4xi1> -> tensor<4x4x4xf32>
  // CHECK-NEXT: %t = snn.add %m, %m : tensor<4x4x4xi1>, tensor<4x4x4xi1> -> tensor<4x4x4xf32>
  %t = snn.add %m, %m : tensor<4x4x4xi1>, tensor<4x4x4xi1> -> tensor<4x4x4xf32>
  // CHECK-NEXT: %u = snn.pool2d sum %m <kernel 3, stride 1, padding 0> : tensor<4x4x4xi1> -> tensor<4x2x2xf32>
  %u = snn.pool2d sum %m <kernel 3, stride 1, padding 0> : tensor<4x4x4xi1> -> tensor<4x2x2xf32>
  // CHECK-NEXT: %v = snn.pool2d avg %r <kernel 2, stride 2, padding 0> {note = 2 : i64} : tensor<4x4x4xf32> -> tensor<4x2x2xf32>
  %v = snn.pool2d avg %r <kernel 2, stride 2, padding 0> {note = 2 : i64} : tensor<4x4x4xf32> -> tensor<4x2x2xf32>
  // CHECK-NEXT: %w = snn.concat %u, %v : tensor<4x2x2xf32>, tensor<4x2x2xf32> -> tensor<8x2x2xf32>
  %w = snn.concat %u, %v : tensor<4x2x2xf32>, tensor<4x2x2xf32> -> tensor<8x2x2xf32>
  // CHECK-NEXT: %y = snn.reshape %w : tensor<8x2x2xf32> -> tensor<2x16xf32>
  %y = snn.reshape %w : tensor<8x2x2xf32> -> tensor<2x16xf32>
  // CHECK-NEXT: %h = snn.lif %y <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" : tensor<2x16xf32> -> tensor<2x16xi1>
  %h = snn.lif %y <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" : tensor<2x16xf32> -> tensor<2x16xi1>
  // CHECK-NEXT: snn.return %h : tensor<2x16xi1>
  snn.return %h : tensor<2x16xi1>
// CHECK-NEXT: }
}
