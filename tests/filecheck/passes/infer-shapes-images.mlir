// RUN: spikeloom-opt %s -p infer-shapes --split-input-file --verify-diagnostics | filecheck %s

// Shapes of images and of their parameters follow from the input.
snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<*xi1> {
  snn.parameter @a.weight : tensor<4x?x3x3xf32>
  snn.parameter @a.bias : tensor<4xf32>
  snn.parameter @a.scale : tensor<?xf32> constant 1.0
  snn.parameter @a.shift : tensor<?xf32> constant 0.0
  snn.parameter @a.mean : tensor<?xf32> constant 0.0 running
  snn.parameter @a.variance : tensor<?xf32> constant 1.0 running
  snn.parameter @b.weight : tensor<4x?x2x2xf32>
  %c = snn.conv2d %x, @a.weight, @a.bias <kernel 3, stride 1, padding 1> : tensor<2x8x8xi1> -> tensor<*xf32>
  %d = snn.batchnorm %c, @a.scale, @a.shift, @a.mean, @a.variance momentum 0.1, epsilon 1.0e-05 : tensor<*xf32> -> tensor<*xf32>
  %s = snn.lif %d <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<*xf32> -> tensor<*xi1>
  %p = snn.pool2d max %s <kernel 2, stride 2, padding 0> : tensor<*xi1> -> tensor<*xi1>
  %q = snn.conv2d %p, @b.weight <kernel 2, stride 1, padding 0> same : tensor<*xi1> -> tensor<*xf32>
  %r = snn.add %q, %p : tensor<*xf32>, tensor<*xi1> -> tensor<*xf32>
  %e = snn.pool2d avg %r <kernel 2, stride 2, padding 0> : tensor<*xf32> -> tensor<*xf32>
  %f = snn.concat %e, %e : tensor<*xf32>, tensor<*xf32> -> tensor<*xf32>
  %g = snn.reshape %f : tensor<*xf32> -> tensor<2x16xf32>
  %h = snn.lif %g <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" : tensor<2x16xf32> -> tensor<*xi1>
  snn.return %h : tensor<*xi1>
}
// CHECK:      snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<2x16xi1> {
// CHECK-NEXT:   snn.parameter @a.weight : tensor<4x2x3x3xf32> fan_in 18
// CHECK-NEXT:   snn.parameter @a.bias : tensor<4xf32> fan_in 18
// CHECK-NEXT:   snn.parameter @a.scale : tensor<4xf32> constant 1.0
// CHECK-NEXT:   snn.parameter @a.shift : tensor<4xf32> constant 0.0
// CHECK-NEXT:   snn.parameter @a.mean : tensor<4xf32> constant 0.0 running
// CHECK-NEXT:   snn.parameter @a.variance : tensor<4xf32> constant 1.0 running
// CHECK-NEXT:   snn.parameter @b.weight : tensor<4x4x2x2xf32> fan_in 16
// CHECK-NEXT:   %c = snn.conv2d %x, @a.weight, @a.bias <kernel 3, stride 1, padding 1> : tensor<2x8x8xi1> -> tensor<4x8x8xf32>
// CHECK-NEXT:   %d = snn.batchnorm %c, @a.scale, @a.shift, @a.mean, @a.variance momentum 0.1, epsilon 1.0e-05 : tensor<4x8x8xf32> -> tensor<4x8x8xf32>
// CHECK-NEXT:   %s = snn.lif %d <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<4x8x8xf32> -> tensor<4x8x8xi1>
// CHECK-NEXT:   %p = snn.pool2d max %s <kernel 2, stride 2, padding 0> : tensor<4x8x8xi1> -> tensor<4x4x4xi1>
// CHECK-NEXT:   %q = snn.conv2d %p, @b.weight <kernel 2, stride 1, padding 0> same : tensor<4x4x4xi1> -> tensor<4x4x4xf32>
// CHECK-NEXT:   %r = snn.add %q, %p : tensor<4x4x4xf32>, tensor<4x4x4xi1> -> tensor<4x4x4xf32>
// CHECK-NEXT:   %e = snn.pool2d avg %r <kernel 2, stride 2, padding 0> : tensor<4x4x4xf32> -> tensor<4x2x2xf32>
// CHECK-NEXT:   %f = snn.concat %e, %e : tensor<4x2x2xf32>, tensor<4x2x2xf32> -> tensor<8x2x2xf32>
// CHECK-NEXT:   %g = snn.reshape %f : tensor<8x2x2xf32> -> tensor<2x16xf32>
// CHECK-NEXT:   %h = snn.lif %g <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" : tensor<2x16xf32> -> tensor<2x16xi1>
// CHECK-NEXT:   snn.return %h : tensor<2x16xi1>
// CHECK-NEXT: }

// -----

// They travel through a cycle: the residual stream of a recurrent convolution.
snn.network @recurrent(%x: tensor<3x6x6xi1>) -> tensor<*xi1> {
  snn.parameter @i.weight : tensor<4x?x3x3xf32>
  snn.parameter @r.weight : tensor<4x?x3x3xf32>
  %p = snn.previous %s : tensor<*xi1> -> tensor<*xi1>
  %r = snn.conv2d %p, @r.weight <kernel 3, stride 1, padding 1> : tensor<*xi1> -> tensor<*xf32>
  %i = snn.conv2d %x, @i.weight <kernel 3, stride 2, padding 1> : tensor<3x6x6xi1> -> tensor<*xf32>
  %j = snn.add %i, %r : tensor<*xf32>, tensor<*xf32> -> tensor<*xf32>
  %s = snn.lif %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<*xf32> -> tensor<*xi1>
  snn.return %s : tensor<*xi1>
}
// CHECK:      snn.network @recurrent(%x: tensor<3x6x6xi1>) -> tensor<4x3x3xi1> {
// CHECK-NEXT:   snn.parameter @i.weight : tensor<4x3x3x3xf32> fan_in 27
// CHECK-NEXT:   snn.parameter @r.weight : tensor<4x4x3x3xf32> fan_in 36
// CHECK-NEXT:   %p = snn.previous %s : tensor<4x3x3xi1> -> tensor<4x3x3xi1>
// CHECK-NEXT:   %r = snn.conv2d %p, @r.weight <kernel 3, stride 1, padding 1> : tensor<4x3x3xi1> -> tensor<4x3x3xf32>

// -----

// A reshape is known before what it reads.
snn.network @reshaped(%x: tensor<8xi1>) -> tensor<*xi1> {
  snn.parameter @w : tensor<8x?xf32>
  %p = snn.previous %s : tensor<*xi1> -> tensor<*xi1>
  %q = snn.reshape %p : tensor<*xi1> -> tensor<2x4xi1>
  %f = snn.flatten %q : tensor<2x4xi1> -> tensor<*xi1>
  %y = snn.linear %f, @w : tensor<*xi1> -> tensor<*xf32>
  %z = snn.add %y, %x : tensor<*xf32>, tensor<8xi1> -> tensor<*xf32>
  %s = snn.lif %z <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<*xf32> -> tensor<*xi1>
  snn.return %s : tensor<*xi1>
}
// CHECK:      snn.network @reshaped(%x: tensor<8xi1>) -> tensor<8xi1> {
// CHECK-NEXT:   snn.parameter @w : tensor<8x8xf32> fan_in 8
// CHECK-NEXT:   %p = snn.previous %s : tensor<8xi1> -> tensor<8xi1>
// CHECK-NEXT:   %q = snn.reshape %p : tensor<8xi1> -> tensor<2x4xi1>

// -----

snn.network @too_small(%x: tensor<2x4x4xi1>) -> tensor<*xi1> {
  %p = snn.pool2d max %x <kernel 2, stride 2, padding 0> : tensor<2x4x4xi1> -> tensor<*xi1>
  %q = snn.pool2d max %p <kernel 3, stride 1, padding 0> : tensor<*xi1> -> tensor<*xi1>
  snn.return %q : tensor<*xi1>
}
// CHECK: error: a window of 3 x 3 does not fit into the image [2, 2, 2] [E0105]
// CHECK: help: choose a smaller window

// -----

snn.network @too_large(%x: tensor<3x4096x4096xi1>) -> tensor<*xf32> {
  %p = snn.pool2d sum %x <kernel 1, stride 1, padding 0> : tensor<3x4096x4096xi1> -> tensor<*xf32>
  snn.return %p : tensor<*xf32>
}
// CHECK: error: a value may have at most 16777216 units, and [3, 4096, 4096] has 50331648 [E0106]

// -----

// Statistics over time cannot be taken inside a cycle.
snn.network @cycle(%x: tensor<4xf32>) -> tensor<4xf32> {
  snn.parameter @scale : tensor<4xf32> constant 1.0
  snn.parameter @shift : tensor<4xf32> constant 0.0
  snn.parameter @mean : tensor<4xf32> constant 0.0 running
  snn.parameter @variance : tensor<4xf32> constant 1.0 running
  %p = snn.previous %n : tensor<4xf32> -> tensor<4xf32>
  %s = snn.add %p, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %n = snn.batchnorm %s, @scale, @shift, @mean, @variance momentum 0.1, epsilon 1.0e-05 : tensor<4xf32> -> tensor<4xf32>
  snn.return %n : tensor<4xf32>
}
// CHECK: error: batchnorm stands in a cycle through `previous`: its statistics over time are not known before the cycle has run [E0111]
