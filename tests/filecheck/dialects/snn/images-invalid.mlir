// RUN: spikeloom-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// --- convolutions

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<4x8x8xf32> {
  snn.parameter @w : tensor<4x2x5x5xf32>
  %y = snn.conv2d %x, @w <kernel 3, stride 1, padding 1> : tensor<2x8x8xi1> -> tensor<4x8x8xf32>
  snn.return %y : tensor<4x8x8xf32>
}
// CHECK: error: `snn.conv2d` is not well formed: the weight of a conv2d with kernel 3 has the shape [out, in, 3, 3], got [4, 2, 5, 5] [E0202]

// -----

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<4x8x8xf32> {
  snn.parameter @w : tensor<4x3x3x3xf32>
  %y = snn.conv2d %x, @w <kernel 3, stride 1, padding 1> : tensor<2x8x8xi1> -> tensor<4x8x8xf32>
  snn.return %y : tensor<4x8x8xf32>
}
// CHECK: error: `snn.conv2d` is not well formed: the weight @w expects 3 channels, but the input has 2 [E0202]

// -----

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<4x8x8xf32> {
  snn.parameter @w : tensor<4x2x3x3xf32>
  %y = snn.conv2d %x, @w <kernel 3, stride 2, padding 1> : tensor<2x8x8xi1> -> tensor<4x8x8xf32>
  snn.return %y : tensor<4x8x8xf32>
}
// CHECK: error: `snn.conv2d` is not well formed: snn.conv2d yields tensor<4x4x4xf32>, but its result is declared as tensor<4x8x8xf32> [E0202]

// -----

snn.network @n(%x: tensor<8x8xi1>) -> tensor<*xf32> {
  snn.parameter @w : tensor<4x2x3x3xf32>
  %y = snn.conv2d %x, @w <kernel 3, stride 1, padding 1> : tensor<8x8xi1> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
// CHECK: error: `snn.conv2d` is not well formed: conv2d takes an image [channels, rows, columns], but its input has the shape [8, 8] [E0202]

// -----

snn.network @n(%x: tensor<2x2x8xi1>) -> tensor<*xf32> {
  snn.parameter @w : tensor<4x2x3x3xf32>
  %y = snn.conv2d %x, @w <kernel 3, stride 1, padding 0> : tensor<2x2x8xi1> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
// CHECK: error: `snn.conv2d` is not well formed: a window of 3 x 3 does not fit into the image [2, 2, 8] [E0202]

// -----

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<4x8x8xf32> {
  snn.parameter @w : tensor<4x2x3x3xf32>
  %y = snn.conv2d %x, @w <kernel 3, stride 1, padding 0> same : tensor<2x8x8xi1> -> tensor<4x8x8xf32>
  snn.return %y : tensor<4x8x8xf32>
}
// CHECK: error: `snn.conv2d` is not well formed: `same` padding of kernel 3 has 1 rows before the image, got 0 [E0202]

// -----

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<4x8x8xf32> {
  snn.parameter @w : tensor<4x2x3x3xf32>
  snn.parameter @b : tensor<2xf32>
  %y = snn.conv2d %x, @w, @b <kernel 3, stride 1, padding 1> : tensor<2x8x8xi1> -> tensor<4x8x8xf32>
  snn.return %y : tensor<4x8x8xf32>
}
// CHECK: error: `snn.conv2d` is not well formed: the bias @b must have the shape [4], got [2] [E0202]

// -----

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<*xf32> {
  snn.parameter @w : tensor<4x2x3x3xf32>
  %y = snn.conv2d %x, @w <kernel 3, stride 0, padding 1> : tensor<2x8x8xi1> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
// CHECK: error: cannot parse this: kernel and stride are at least 1, got 3 and 0 [E0201]

// -----

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<*xf32> {
  snn.parameter @w : tensor<4x2x3x3xf32>
  %y = snn.conv2d %x, @w <kernel 3, stride 1, padding 3> : tensor<2x8x8xi1> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
// CHECK: error: cannot parse this: padding must lie in [0, 2], got 3 [E0201]

// -----

// --- pools

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<*xi1> {
  %y = snn.pool2d max %x <kernel 9, stride 1, padding 0> : tensor<2x8x8xi1> -> tensor<*xi1>
  snn.return %y : tensor<*xi1>
}
// CHECK: error: `snn.pool2d` is not well formed: a window of 9 x 9 does not fit into the image [2, 8, 8] [E0202]

// -----

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<2x4x4xi1> {
  %y = snn.pool2d max %x <kernel 2, stride 2, padding 1> : tensor<2x8x8xi1> -> tensor<2x4x4xi1>
  snn.return %y : tensor<2x4x4xi1>
}
// CHECK: error: `snn.pool2d` is not well formed: a pool has no padding [E0202]

// -----

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<*xi1> {
  %y = snn.pool2d avg %x <kernel 2, stride 2, padding 0> : tensor<2x8x8xi1> -> tensor<*xi1>
  snn.return %y : tensor<*xi1>
}
// CHECK: error: `snn.pool2d` is not well formed: sums and means are currents, the maximum of spikes is a spike [E0202]

// -----

snn.network @n(%x: tensor<64xi1>) -> tensor<*xf32> {
  %y = snn.pool2d sum %x <kernel 2, stride 2, padding 0> : tensor<64xi1> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
// CHECK: error: `snn.pool2d` is not well formed: sumpool2d takes an image [channels, rows, columns], but its input has the shape [64] [E0202]

// -----

// --- normalizations

snn.network @n(%x: tensor<4x2x2xf32>) -> tensor<4x2x2xf32> {
  snn.parameter @s : tensor<4xf32> constant 1.0
  snn.parameter @t : tensor<4xf32> constant 0.0
  snn.parameter @m : tensor<4xf32> constant 0.0 running
  %y = snn.batchnorm %x, @s, @t, @m, @v momentum 0.1, epsilon 1.0e-05 : tensor<4x2x2xf32> -> tensor<4x2x2xf32>
  snn.return %y : tensor<4x2x2xf32>
}
// CHECK: error: `snn.batchnorm` is not well formed: the network has no parameter @v [E0202]

// -----

snn.network @n(%x: tensor<5x2x2xf32>) -> tensor<5x2x2xf32> {
  snn.parameter @s : tensor<4xf32> constant 1.0
  snn.parameter @t : tensor<4xf32> constant 0.0
  snn.parameter @m : tensor<4xf32> constant 0.0 running
  snn.parameter @v : tensor<4xf32> constant 1.0 running
  %y = snn.batchnorm %x, @s, @t, @m, @v momentum 0.1, epsilon 1.0e-05 : tensor<5x2x2xf32> -> tensor<5x2x2xf32>
  snn.return %y : tensor<5x2x2xf32>
}
// CHECK: error: `snn.batchnorm` is not well formed: the scale @s must have the shape [5], got [4] [E0202]

// -----

snn.network @n(%x: tensor<4xf32>) -> tensor<4xf32> {
  snn.parameter @s : tensor<4xf32> constant 1.0
  snn.parameter @t : tensor<4xf32> constant 0.0
  snn.parameter @m : tensor<4xf32> constant 0.0 running
  snn.parameter @v : tensor<4xf32> constant 1.0 running
  %y = snn.batchnorm %x, @s, @t, @s, @v momentum 0.1, epsilon 1.0e-05 : tensor<4xf32> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.batchnorm` is not well formed: the mean @s must be a running parameter [E0202]

// -----

snn.network @n(%x: tensor<4xf32>) -> tensor<4xf32> {
  snn.parameter @s : tensor<4xf32> constant 1.0
  snn.parameter @t : tensor<4xf32> constant 0.0
  snn.parameter @m : tensor<4xf32> constant 0.0 running
  snn.parameter @v : tensor<4xf32> constant 1.0 running
  %y = snn.batchnorm %x, @m, @t, @m, @v momentum 0.1, epsilon 1.0e-05 : tensor<4xf32> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.batchnorm` is not well formed: the scale @m must not be a running parameter [E0202]

// -----

snn.network @n(%x: tensor<4xf32>) -> tensor<4xf32> {
  snn.parameter @s : tensor<4xf32> constant 1.0
  snn.parameter @t : tensor<4xf32> constant 0.0
  snn.parameter @m : tensor<4xf32> constant 0.0 running
  snn.parameter @v : tensor<4xf32> constant 1.0 running
  %y = snn.batchnorm %x, @s, @t, @m, @v momentum 1.1, epsilon 1.0e-05 : tensor<4xf32> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.batchnorm` is not well formed: momentum must lie in [0, 1], got 1.1 [E0202]

// -----

snn.network @n(%x: tensor<4xf32>) -> tensor<4xf32> {
  snn.parameter @s : tensor<4xf32> constant 1.0
  snn.parameter @t : tensor<4xf32> constant 0.0
  snn.parameter @m : tensor<4xf32> constant 0.0 running
  snn.parameter @v : tensor<4xf32> constant 1.0 running
  %y = snn.batchnorm %x, @s, @t, @m, @v momentum 0.1, epsilon 0.0 : tensor<4xf32> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.batchnorm` is not well formed: epsilon must be above 0, got 0.0 [E0202]

// -----

// --- arrangements

snn.network @n(%x: tensor<64xi1>) -> tensor<1x8x9xi1> {
  %y = snn.reshape %x : tensor<64xi1> -> tensor<1x8x9xi1>
  snn.return %y : tensor<1x8x9xi1>
}
// CHECK: error: `snn.reshape` is not well formed: reshape keeps the number of units, but its input [64] has 64 and [1, 8, 9] has 72 [E0202]

// -----

snn.network @n(%x: tensor<64xi1>) -> tensor<8x8xf32> {
  %y = snn.reshape %x : tensor<64xi1> -> tensor<8x8xf32>
  snn.return %y : tensor<8x8xf32>
}
// CHECK: error: `snn.reshape` is not well formed: reshaped spikes are spikes, reshaped currents currents [E0202]

// -----

snn.network @n(%x: tensor<64xi1>) -> tensor<8x?xi1> {
  %y = snn.reshape %x : tensor<64xi1> -> tensor<8x?xi1>
  snn.return %y : tensor<8x?xi1>
}
// CHECK: error: `snn.reshape` is not well formed: the shape that a reshape yields must be known [E0202]

// -----

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<*xi1> {
  %p = snn.pool2d max %x <kernel 2, stride 2, padding 0> : tensor<2x8x8xi1> -> tensor<2x4x4xi1>
  %y = snn.concat %x, %p : tensor<2x8x8xi1>, tensor<2x4x4xi1> -> tensor<*xi1>
  snn.return %y : tensor<*xi1>
}
// CHECK: error: `snn.concat` is not well formed: concat joins values that differ in the first extent only, got [2, 8, 8] and [2, 4, 4] [E0202]

// -----

snn.network @n(%x: tensor<2x8x8xi1>) -> tensor<*xf32> {
  %p = snn.pool2d avg %x <kernel 1, stride 1, padding 0> : tensor<2x8x8xi1> -> tensor<2x8x8xf32>
  %y = snn.concat %x, %p : tensor<2x8x8xi1>, tensor<2x8x8xf32> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
// CHECK: error: `snn.concat` is not well formed: concat joins spikes with spikes, or currents with currents [E0202]
