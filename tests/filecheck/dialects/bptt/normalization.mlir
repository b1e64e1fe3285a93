// RUN: spikeloom-opt %s | spikeloom-opt | filecheck %s
// RUN: spikeloom-opt %s --print-op-generic | spikeloom-opt | filecheck %s

// Statistics of the batch, what they normalize, their gradients, their running means.
// CHECK:      bptt.step @training steps 4 batch 2 (%x: tensor<?x?x6x8x8xf32>) {
bptt.step @training steps 4 batch 2 (%x: tensor<?x?x6x8x8xf32>) {
  // CHECK-NEXT: snn.parameter @a.scale : tensor<6xf32> constant 1.0
  snn.parameter @a.scale : tensor<6xf32> constant 1.0
  // CHECK-NEXT: snn.parameter @a.shift : tensor<6xf32> constant 0.0
  snn.parameter @a.shift : tensor<6xf32> constant 0.0
  // CHECK-NEXT: snn.parameter @a.mean : tensor<6xf32> constant 0.0 running
  snn.parameter @a.mean : tensor<6xf32> constant 0.0 running
  // CHECK-NEXT: snn.parameter @a.variance : tensor<6xf32> constant 1.0 running
  snn.parameter @a.variance : tensor<6xf32> constant 1.0 running
  // CHECK-NEXT: %mean, %variance = bptt.moments %x : tensor<?x?x6x8x8xf32>
  %mean, %variance = bptt.moments %x : tensor<?x?x6x8x8xf32>
  // CHECK-NEXT: %y = bptt.normalize %x, %mean, %variance, @a.scale, @a.shift epsilon 1.0e-05 : tensor<?x?x6x8x8xf32>
  %y = bptt.normalize %x, %mean, %variance, @a.scale, @a.shift epsilon 1.0e-05 : tensor<?x?x6x8x8xf32>
  // CHECK-NEXT: %gscale = bptt.scale_gradient %y, %x, %mean, %variance epsilon 1.0e-05 : tensor<?x?x6x8x8xf32>
  %gscale = bptt.scale_gradient %y, %x, %mean, %variance epsilon 1.0e-05 : tensor<?x?x6x8x8xf32>
  // CHECK-NEXT: %gshift = bptt.bias_gradient %y : tensor<?x?x6x8x8xf32> -> tensor<6xf32>
  %gshift = bptt.bias_gradient %y : tensor<?x?x6x8x8xf32> -> tensor<6xf32>
  // CHECK-NEXT: %gx = bptt.normalize_gradient %y, %x, %mean, %variance, %gscale, %gshift, @a.scale epsilon 1.0e-05 : tensor<?x?x6x8x8xf32>
  %gx = bptt.normalize_gradient %y, %x, %mean, %variance, %gscale, %gshift, @a.scale epsilon 1.0e-05 : tensor<?x?x6x8x8xf32>
  // CHECK-NEXT: bptt.update_running @a.mean, %mean momentum 0.1 : tensor<6xf32>
  bptt.update_running @a.mean, %mean momentum 0.1 : tensor<6xf32>
  // CHECK-NEXT: bptt.update_running @a.variance, %variance momentum 0.1 unbiased : tensor<6xf32>
  bptt.update_running @a.variance, %variance momentum 0.1 unbiased : tensor<6xf32>
// CHECK-NEXT: }
}

// Without training the statistics are parameters. A vector has its units for channels.
// CHECK-NEXT: bptt.step @inference steps 4 batch 2 (%x: tensor<?x?x6xf32>) {
bptt.step @inference steps 4 batch 2 (%x: tensor<?x?x6xf32>) {
  // CHECK-NEXT: snn.parameter @a.scale : tensor<6xf32> constant 1.0
  snn.parameter @a.scale : tensor<6xf32> constant 1.0
  // CHECK-NEXT: snn.parameter @a.shift : tensor<6xf32> constant 0.0
  snn.parameter @a.shift : tensor<6xf32> constant 0.0
  // CHECK-NEXT: snn.parameter @a.mean : tensor<6xf32> constant 0.0 running
  snn.parameter @a.mean : tensor<6xf32> constant 0.0 running
  // CHECK-NEXT: snn.parameter @a.variance : tensor<6xf32> constant 1.0 running
  snn.parameter @a.variance : tensor<6xf32> constant 1.0 running
  // CHECK-NEXT: %y = bptt.normalize %x, @a.mean, @a.variance, @a.scale, @a.shift epsilon 0.001 : tensor<?x?x6xf32>
  %y = bptt.normalize %x, @a.mean, @a.variance, @a.scale, @a.shift epsilon 0.001 : tensor<?x?x6xf32>
// CHECK-NEXT: }
}
