// RUN: spikeloom-opt %s | spikeloom-opt | filecheck %s
// RUN: spikeloom-opt %s --print-op-generic | spikeloom-opt | filecheck %s

// Windows over images, in whole sequences.
// CHECK:      bptt.step @images steps 4 batch 2 (%image: tensor<?x?x2x8x8xi1>) {
bptt.step @images steps 4 batch 2 (%image: tensor<?x?x2x8x8xi1>) {
  // CHECK-NEXT: snn.parameter @a.weight : tensor<6x2x3x3xf32> fan_in 18
  snn.parameter @a.weight : tensor<6x2x3x3xf32> fan_in 18
  // CHECK-NEXT: snn.parameter @a.bias : tensor<6xf32> fan_in 18
  snn.parameter @a.bias : tensor<6xf32> fan_in 18
  // CHECK-NEXT: snn.parameter @b.weight : tensor<3x6x2x2xf32> fan_in 24
  snn.parameter @b.weight : tensor<3x6x2x2xf32> fan_in 24
  // Padding on both sides, or as much as `same` needs: 7 / 2 rounded up.
  // CHECK-NEXT: %i = bptt.convolution %image, @a.weight, @a.bias <kernel 3, stride 1, padding 1> : tensor<?x?x2x8x8xi1> -> tensor<?x?x6x8x8xf32>
  %i = bptt.convolution %image, @a.weight, @a.bias <kernel 3, stride 1, padding 1> : tensor<?x?x2x8x8xi1> -> tensor<?x?x6x8x8xf32>
  // CHECK-NEXT: %n = bptt.pool max %i <kernel 2, stride 1, padding 0> : tensor<?x?x6x8x8xf32> -> tensor<?x?x6x7x7xf32>
  %n = bptt.pool max %i <kernel 2, stride 1, padding 0> : tensor<?x?x6x8x8xf32> -> tensor<?x?x6x7x7xf32>
  // CHECK-NEXT: %j = bptt.convolution %n, @b.weight <kernel 2, stride 2, padding 0> : tensor<?x?x6x7x7xf32> -> tensor<?x?x3x4x4xf32>
  %j = bptt.convolution %n, @b.weight <kernel 2, stride 2, padding 0> : tensor<?x?x6x7x7xf32> -> tensor<?x?x3x4x4xf32>
  // CHECK-NEXT: %k = bptt.convolution %n, @b.weight <kernel 2, stride 2, padding 1> : tensor<?x?x6x7x7xf32> -> tensor<?x?x3x4x4xf32>
  %k = bptt.convolution %n, @b.weight <kernel 2, stride 2, padding 1> : tensor<?x?x6x7x7xf32> -> tensor<?x?x3x4x4xf32>
  // CHECK-NEXT: %most = bptt.pool max %image <kernel 2, stride 2, padding 0> : tensor<?x?x2x8x8xi1> -> tensor<?x?x2x4x4xi1>
  %most = bptt.pool max %image <kernel 2, stride 2, padding 0> : tensor<?x?x2x8x8xi1> -> tensor<?x?x2x4x4xi1>
  // CHECK-NEXT: %total = bptt.pool sum %image <kernel 3, stride 2, padding 0> : tensor<?x?x2x8x8xi1> -> tensor<?x?x2x3x3xf32>
  %total = bptt.pool sum %image <kernel 3, stride 2, padding 0> : tensor<?x?x2x8x8xi1> -> tensor<?x?x2x3x3xf32>
  // CHECK-NEXT: %mean = bptt.pool avg %j <kernel 4, stride 4, padding 0> : tensor<?x?x3x4x4xf32> -> tensor<?x?x3x1x1xf32>
  %mean = bptt.pool avg %j <kernel 4, stride 4, padding 0> : tensor<?x?x3x4x4xf32> -> tensor<?x?x3x1x1xf32>
  // Gradients.
  // CHECK-NEXT: %gj = bptt.pool_gradient avg %mean <kernel 4, stride 4, padding 0> : tensor<?x?x3x1x1xf32> -> tensor<?x?x3x4x4xf32>
  %gj = bptt.pool_gradient avg %mean <kernel 4, stride 4, padding 0> : tensor<?x?x3x1x1xf32> -> tensor<?x?x3x4x4xf32>
  // CHECK-NEXT: %gn = bptt.convolution_input_gradient %gj, @b.weight <kernel 2, stride 2, padding 0> : tensor<?x?x3x4x4xf32> -> tensor<?x?x6x7x7xf32>
  %gn = bptt.convolution_input_gradient %gj, @b.weight <kernel 2, stride 2, padding 0> : tensor<?x?x3x4x4xf32> -> tensor<?x?x6x7x7xf32>
  // CHECK-NEXT: %gi = bptt.pool_gradient max %gn, %i, %n <kernel 2, stride 1, padding 0> : tensor<?x?x6x7x7xf32>, tensor<?x?x6x8x8xf32>, tensor<?x?x6x7x7xf32> -> tensor<?x?x6x8x8xf32>
  %gi = bptt.pool_gradient max %gn, %i, %n <kernel 2, stride 1, padding 0> : tensor<?x?x6x7x7xf32>, tensor<?x?x6x8x8xf32>, tensor<?x?x6x7x7xf32> -> tensor<?x?x6x8x8xf32>
  // CHECK-NEXT: %gt = bptt.pool_gradient sum %total <kernel 3, stride 2, padding 0> : tensor<?x?x2x3x3xf32> -> tensor<?x?x2x8x8xf32>
  %gt = bptt.pool_gradient sum %total <kernel 3, stride 2, padding 0> : tensor<?x?x2x3x3xf32> -> tensor<?x?x2x8x8xf32>
  // CHECK-NEXT: %gx = bptt.convolution_input_gradient %gi, @a.weight masked_by %image <kernel 3, stride 1, padding 1> : tensor<?x?x6x8x8xf32>, tensor<?x?x2x8x8xi1> -> tensor<?x?x2x8x8xf32>
  %gx = bptt.convolution_input_gradient %gi, @a.weight masked_by %image <kernel 3, stride 1, padding 1> : tensor<?x?x6x8x8xf32>, tensor<?x?x2x8x8xi1> -> tensor<?x?x2x8x8xf32>
  // CHECK-NEXT: %gw = bptt.convolution_weight_gradient %gi, %image <kernel 3, stride 1, padding 1> : tensor<?x?x6x8x8xf32>, tensor<?x?x2x8x8xi1> -> tensor<6x2x3x3xf32>
  %gw = bptt.convolution_weight_gradient %gi, %image <kernel 3, stride 1, padding 1> : tensor<?x?x6x8x8xf32>, tensor<?x?x2x8x8xi1> -> tensor<6x2x3x3xf32>
  // CHECK-NEXT: %gb = bptt.bias_gradient %gi : tensor<?x?x6x8x8xf32> -> tensor<6xf32>
  %gb = bptt.bias_gradient %gi : tensor<?x?x6x8x8xf32> -> tensor<6xf32>
  // Channels, and spikes beside currents.
  // CHECK-NEXT: %both = bptt.concatenate %most, %most : tensor<?x?x2x4x4xi1>, tensor<?x?x2x4x4xi1> -> tensor<?x?x4x4x4xi1>
  %both = bptt.concatenate %most, %most : tensor<?x?x2x4x4xi1>, tensor<?x?x2x4x4xi1> -> tensor<?x?x4x4x4xi1>
  // CHECK-NEXT: %part = bptt.slice %gi from 2 : tensor<?x?x6x8x8xf32> -> tensor<?x?x3x8x8xf32>
  %part = bptt.slice %gi from 2 : tensor<?x?x6x8x8xf32> -> tensor<?x?x3x8x8xf32>
  // CHECK-NEXT: %plus = bptt.add %image, %gx : tensor<?x?x2x8x8xi1>, tensor<?x?x2x8x8xf32>
  %plus = bptt.add %image, %gx : tensor<?x?x2x8x8xi1>, tensor<?x?x2x8x8xf32>
  // CHECK-NEXT: %twice = bptt.add %image, %image : tensor<?x?x2x8x8xi1>
  %twice = bptt.add %image, %image : tensor<?x?x2x8x8xi1>
  // CHECK-NEXT: %sum = bptt.add %plus, %twice : tensor<?x?x2x8x8xf32>
  %sum = bptt.add %plus, %twice : tensor<?x?x2x8x8xf32>
// CHECK-NEXT: }
}

// The same at one step of a scan.
// CHECK-NEXT: bptt.step @recurrent steps 4 batch 2 (%image: tensor<?x?x2x4x4xi1>) {
bptt.step @recurrent steps 4 batch 2 (%image: tensor<?x?x2x4x4xi1>) {
  // CHECK-NEXT: snn.parameter @w : tensor<2x4x3x3xf32> fan_in 36
  snn.parameter @w : tensor<2x4x3x3xf32> fan_in 36
  // CHECK-NEXT: %s = bptt.scan forward over (%x = %image : tensor<?x?x2x4x4xi1>) carrying (%before: tensor<?x2x4x4xf32>) -> (tensor<?x?x2x4x4xf32>) {
  %s = bptt.scan forward over (%x = %image : tensor<?x?x2x4x4xi1>) carrying (%before: tensor<?x2x4x4xf32>) -> (tensor<?x?x2x4x4xf32>) {
    // CHECK-NEXT: %y = bptt.add %x, %before : tensor<?x2x4x4xi1>, tensor<?x2x4x4xf32>
    %y = bptt.add %x, %before : tensor<?x2x4x4xi1>, tensor<?x2x4x4xf32>
    // CHECK-NEXT: %both = bptt.concatenate %y, %before : tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32> -> tensor<?x4x4x4xf32>
    %both = bptt.concatenate %y, %before : tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32> -> tensor<?x4x4x4xf32>
    // CHECK-NEXT: %half = bptt.slice %both from 2 : tensor<?x4x4x4xf32> -> tensor<?x2x4x4xf32>
    %half = bptt.slice %both from 2 : tensor<?x4x4x4xf32> -> tensor<?x2x4x4xf32>
    // CHECK-NEXT: %i = bptt.convolution %both, @w <kernel 3, stride 1, padding 1> : tensor<?x4x4x4xf32> -> tensor<?x2x4x4xf32>
    %i = bptt.convolution %both, @w <kernel 3, stride 1, padding 1> : tensor<?x4x4x4xf32> -> tensor<?x2x4x4xf32>
    // CHECK-NEXT: %p = bptt.pool max %i <kernel 2, stride 2, padding 0> : tensor<?x2x4x4xf32> -> tensor<?x2x2x2xf32>
    %p = bptt.pool max %i <kernel 2, stride 2, padding 0> : tensor<?x2x4x4xf32> -> tensor<?x2x2x2xf32>
    // CHECK-NEXT: %q = bptt.pool_gradient max %p, %i, %p <kernel 2, stride 2, padding 0> : tensor<?x2x2x2xf32>, tensor<?x2x4x4xf32>, tensor<?x2x2x2xf32> -> tensor<?x2x4x4xf32>
    %q = bptt.pool_gradient max %p, %i, %p <kernel 2, stride 2, padding 0> : tensor<?x2x2x2xf32>, tensor<?x2x4x4xf32>, tensor<?x2x2x2xf32> -> tensor<?x2x4x4xf32>
    // CHECK-NEXT: %g = bptt.convolution_input_gradient %q, @w <kernel 3, stride 1, padding 1> : tensor<?x2x4x4xf32> -> tensor<?x4x4x4xf32>
    %g = bptt.convolution_input_gradient %q, @w <kernel 3, stride 1, padding 1> : tensor<?x2x4x4xf32> -> tensor<?x4x4x4xf32>
    // CHECK-NEXT: bptt.yield next %i : tensor<?x2x4x4xf32> collect %i : tensor<?x2x4x4xf32>
    bptt.yield next %i : tensor<?x2x4x4xf32> collect %i : tensor<?x2x4x4xf32>
  // CHECK-NEXT: }
  }
// CHECK-NEXT: }
}
