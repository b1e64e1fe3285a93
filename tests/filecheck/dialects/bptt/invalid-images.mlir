// RUN: spikeloom-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// --- windows

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %i = bptt.convolution %x, @w <kernel 3, stride 1, padding 1> : tensor<?x?x2x8x8xf32> -> tensor<?x?x6x7x8xf32>
}
// CHECK: error: `bptt.convolution` is not well formed: a window <kernel 3, stride 1, padding 1> over 8 pixels yields 8, not 7 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %i = bptt.convolution %x, @w <kernel 3, stride 2, padding 0> : tensor<?x?x2x8x8xf32> -> tensor<?x?x6x4x4xf32>
}
// CHECK: error: `bptt.convolution` is not well formed: a window <kernel 3, stride 2, padding 0> over 8 pixels yields 3, not 4 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %i = bptt.convolution %x, @w <kernel 2, stride 1, padding 0> : tensor<?x?x2x8x8xf32> -> tensor<?x?x6x7x7xf32>
}
// CHECK: error: `bptt.convolution` is not well formed: @w must have the shape [6, 2, 2, 2], got [6, 2, 3, 3] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %i = bptt.convolution %x, @w, @c <kernel 3, stride 1, padding 1> : tensor<?x?x2x8x8xf32> -> tensor<?x?x6x8x8xf32>
}
// CHECK: error: `bptt.convolution` is not well formed: @c must have the shape [6], got [2] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %i = bptt.convolution %x, @w <kernel 3, stride 1, padding 3> : tensor<?x?x2x8x8xf32> -> tensor<?x?x6x12x12xf32>
}
// CHECK: error: cannot parse this: padding must lie in [0, 2], got 3 [E0201]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %i = bptt.convolution %x, @v <kernel 3, stride 1, padding 1> : tensor<?x?x2x8x8xf32> -> tensor<?x?x6x8x8xf32>
}
// CHECK: error: `bptt.convolution` is not well formed: bptt.convolution names @v, which is no parameter of the step [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %r = bptt.reshape %x : tensor<?x?x2x8x8xf32> -> tensor<?x?x128xf32>
  %i = bptt.convolution %r, @w <kernel 3, stride 1, padding 1> : tensor<?x?x128xf32> -> tensor<?x?x6x8x8xf32>
}
// CHECK: error: `bptt.convolution` is not well formed: the input of a convolution is an image [channels, height, width], got tensor<?x?x128xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %g = bptt.convolution_input_gradient %x, @w <kernel 3, stride 1, padding 1> : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x8x8xf32>
}
// CHECK: error: `bptt.convolution_input_gradient` is not well formed: @w must have the shape [2, 2, 3, 3], got [6, 2, 3, 3] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %g = bptt.convolution_weight_gradient %x, %x <kernel 3, stride 1, padding 1> : tensor<?x?x2x8x8xf32>, tensor<?x?x2x8x8xf32> -> tensor<2x2x5x5xf32>
}
// CHECK: error: `bptt.convolution_weight_gradient` is not well formed: the sum over time and batch is a tensor<2x2x3x3xf32>, got tensor<2x2x5x5xf32> [E0202]

// -----

// --- pools

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.pool sum %x <kernel 2, stride 2, padding 0> : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x5x4xf32>
}
// CHECK: error: `bptt.pool` is not well formed: a window <kernel 2, stride 2, padding 0> over 8 pixels yields 4, not 5 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.pool sum %x <kernel 9, stride 9, padding 0> : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x1x1xf32>
}
// CHECK: error: `bptt.pool` is not well formed: a window <kernel 9, stride 9, padding 0> does not fit into tensor<?x?x2x8x8xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.pool sum %x <kernel 2, stride 2, padding 1> : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x5x5xf32>
}
// CHECK: error: `bptt.pool` is not well formed: the windows of a pool lie inside the image, without padding [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.pool sum %x <kernel 2, stride 2, padding 0> : tensor<?x?x2x8x8xf32> -> tensor<?x?x3x4x4xf32>
}
// CHECK: error: `bptt.pool` is not well formed: a pool keeps the 2 channels, got 3 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.pool max %x <kernel 2, stride 2, padding 0> : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x4x4xi1>
}
// CHECK: error: `bptt.pool` is not well formed: the max pool of tensor<?x?x2x8x8xf32> yields f32 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.pool avg %x <kernel 2, stride 2, padding 0> : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x4x4xi1>
}
// CHECK: error: `bptt.pool` is not well formed: the avg pool of tensor<?x?x2x8x8xf32> yields f32 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.pool sum %x <kernel 2, stride 2, padding 0> : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x4x4xf32>
  %g = bptt.pool_gradient max %p <kernel 2, stride 2, padding 0> : tensor<?x?x2x4x4xf32> -> tensor<?x?x2x8x8xf32>
}
// CHECK: error: `bptt.pool_gradient` is not well formed: the gradient of a maximum, and of nothing else, reads operand and result [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.pool sum %x <kernel 2, stride 2, padding 0> : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x4x4xf32>
  %g = bptt.pool_gradient sum %p, %x, %p <kernel 2, stride 2, padding 0> : tensor<?x?x2x4x4xf32>, tensor<?x?x2x8x8xf32>, tensor<?x?x2x4x4xf32> -> tensor<?x?x2x8x8xf32>
}
// CHECK: error: `bptt.pool_gradient` is not well formed: the gradient of a maximum, and of nothing else, reads operand and result [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.pool max %x <kernel 2, stride 2, padding 0> : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x4x4xf32>
  %g = bptt.pool_gradient max %p, %p, %p <kernel 2, stride 2, padding 0> : tensor<?x?x2x4x4xf32>, tensor<?x?x2x4x4xf32>, tensor<?x?x2x4x4xf32> -> tensor<?x?x2x8x8xf32>
}
// CHECK: error: `bptt.pool_gradient` is not well formed: a gradient has the shape of the pool's operand [E0202]

// -----

// --- channels

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %j = bptt.concatenate %x, %x : tensor<?x?x2x8x8xf32>, tensor<?x?x2x8x8xf32> -> tensor<?x?x5x8x8xf32>
}
// CHECK: error: `bptt.concatenate` is not well formed: [2, 8, 8] and [2, 8, 8] do not join along the channels to [5, 8, 8] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %r = bptt.reshape %x : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x64xf32>
  %j = bptt.concatenate %x, %r : tensor<?x?x2x8x8xf32>, tensor<?x?x2x64xf32> -> tensor<?x?x4x8x8xf32>
}
// CHECK: error: `bptt.concatenate` is not well formed: only the channels of what is joined may differ [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %j = bptt.concatenate %x, %x : tensor<?x?x2x8x8xf32>, tensor<?x?x2x8x8xf32> -> tensor<?x?x4x8x8xi1>
}
// CHECK: error: `bptt.concatenate` is not well formed: all of bptt.concatenate are spikes or all are currents [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.slice %x from 1 : tensor<?x?x2x8x8xf32> -> tensor<?x?x2x8x8xf32>
}
// CHECK: error: `bptt.slice` is not well formed: there are no channels 1 to 2 of 2 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.slice %x from -1 : tensor<?x?x2x8x8xf32> -> tensor<?x?x1x8x8xf32>
}
// CHECK: error: `bptt.slice` is not well formed: there are no channels -1 to -1 of 2 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.slice %x from 0 : tensor<?x?x2x8x8xf32> -> tensor<?x?x1x8x7xf32>
}
// CHECK: error: `bptt.slice` is not well formed: a slice takes channels and leaves all else [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %p = bptt.slice %x from 0 : tensor<?x?x2x8x8xf32> -> tensor<?x?x1x8x8xi1>
}
// CHECK: error: `bptt.slice` is not well formed: all of bptt.slice are spikes or all are currents [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %b = bptt.bias_gradient %x : tensor<?x?x2x8x8xf32> -> tensor<8xf32>
}
// CHECK: error: `bptt.bias_gradient` is not well formed: the sum over time and batch is a tensor<2xf32>, got tensor<8xf32> [E0202]

// -----

// --- normalization

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %m, %v = bptt.moments %x : tensor<?x?xf32>
}
// CHECK: error: expected time, batch and channels [E0201]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %m, %v = "bptt.moments"(%x) : (tensor<?x?x2x8x8xf32>) -> (tensor<8xf32>, tensor<2xf32>)
}
// CHECK: error: `bptt.moments` is not well formed: the sum over time and batch is a tensor<2xf32>, got tensor<8xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
  %y = bptt.normalize %x, %m, @c, @c epsilon 0.1 : tensor<?x?x2x8x8xf32>
}
// CHECK: error: expected a value, mean, variance, @scale and @shift [E0201]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
  %y = bptt.normalize %x, %m, %v, @c, @w epsilon 0.1 : tensor<?x?x2x8x8xf32>
}
// CHECK: error: `bptt.normalize` is not well formed: @w must have the shape [2], got [6, 2, 3, 3] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
  %y = bptt.normalize %x, %m, %v, @c, @c epsilon 0.0 : tensor<?x?x2x8x8xf32>
}
// CHECK: error: `bptt.normalize` is not well formed: epsilon must be above 0, got 0.0 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %y = bptt.normalize %x, @c, @c, @c epsilon 0.1 : tensor<?x?x2x8x8xf32>
}
// CHECK: error: expected a value, mean, variance, @scale and @shift [E0201]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
  %g = bptt.scale_gradient %x, %x, %m epsilon 0.1 : tensor<?x?x2x8x8xf32>
}
// CHECK: error: expected a gradient, a value, a mean and a variance [E0201]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
  %g = bptt.normalize_gradient %x, %x, %m, %v, %m, %m, @w epsilon 0.1 : tensor<?x?x2x8x8xf32>
}
// CHECK: error: `bptt.normalize_gradient` is not well formed: @w must have the shape [2], got [6, 2, 3, 3] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
  bptt.update_running @c, %m momentum 0.1 : tensor<2xf32>
}
// CHECK: error: `bptt.update_running` is not well formed: @c is no running statistic [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  snn.parameter @r : tensor<2xf32> constant 0.0 running
  %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
  bptt.update_running @r, %m momentum 0.1 unbiased : tensor<2xf32>
}
// CHECK: error: `bptt.update_running` is not well formed: only a variance of bptt.moments is made unbiased [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  snn.parameter @r : tensor<2xf32> constant 0.0 running
  %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
  bptt.update_running @r, %m momentum 1.5 : tensor<2xf32>
}
// CHECK: error: `bptt.update_running` is not well formed: momentum must lie in [0, 1], got 1.5 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  snn.parameter @r : tensor<2xf32> constant 0.0 running
  %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
  bptt.optimize @r, %m <sgd, rate 0.1, momentum 0.0> : tensor<2xf32>
}
// CHECK: error: `bptt.optimize` is not well formed: @r is a running statistic, which has no gradient [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  snn.parameter @r : tensor<2xf32> constant 0.0 running
  %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
  bptt.update_running @r, %m momentum 0.5 : tensor<2xf32>
  bptt.update_running @r, %v momentum 0.5 : tensor<2xf32>
}
// CHECK: error: `bptt.step` is not well formed: @r is updated more than once [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x8x8xf32>) {
  snn.parameter @w : tensor<6x2x3x3xf32>
  snn.parameter @c : tensor<2xf32>
  %y = bptt.scan forward over (%c = %x : tensor<?x?x2x8x8xf32>) carrying () -> (tensor<?x?x2x8x8xf32>) {
    %m, %v = bptt.moments %x : tensor<?x?x2x8x8xf32>
    bptt.yield collect %c : tensor<?x2x8x8xf32>
  }
}
// CHECK: error: `bptt.moments` is not well formed: bptt.moments needs all steps at once and cannot stand in a scan [E0202]
