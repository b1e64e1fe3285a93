// RUN: spikeloom-opt %s -p expand-bptt --split-input-file --verify-diagnostics | filecheck %s
// RUN: spikeloom-opt %s -p 'expand-bptt{training=false}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix FORWARD

// Convolution, batchnorm, neurons, pool, linear: in training the statistics are the batch's, and the
// running ones follow them; without training the running ones stand in.
snn.network @image(%image: tensor<2x8x8xi1>) -> tensor<3xi1> {
  snn.parameter @a.weight : tensor<4x2x3x3xf32> fan_in 18
  snn.parameter @a.scale : tensor<4xf32> constant 1.0
  snn.parameter @a.shift : tensor<4xf32> constant 0.0
  snn.parameter @a.mean : tensor<4xf32> constant 0.0 running
  snn.parameter @a.variance : tensor<4xf32> constant 1.0 running
  snn.parameter @output.weight : tensor<3x64xf32> fan_in 64
  %i = snn.conv2d %image, @a.weight <kernel 3, stride 1, padding 1> : tensor<2x8x8xi1> -> tensor<4x8x8xf32>
  %n = snn.batchnorm %i, @a.scale, @a.shift, @a.mean, @a.variance momentum 0.1, epsilon 1.0e-05 : tensor<4x8x8xf32> -> tensor<4x8x8xf32>
  %a = snn.lif %n <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<4x8x8xf32> -> tensor<4x8x8xi1>
  %p = snn.pool2d max %a <kernel 2, stride 2, padding 0> : tensor<4x8x8xi1> -> tensor<4x4x4xi1>
  %f = snn.flatten %p : tensor<4x4x4xi1> -> tensor<64xi1>
  %j = snn.linear %f, @output.weight : tensor<64xi1> -> tensor<3xf32>
  %o = snn.lif %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<3xf32> -> tensor<3xi1>
  snn.return %o : tensor<3xi1>
}
snn.train @image steps 4 batch 2 epochs 1 seed 1 loss cross_entropy optimizer <adam, rate 0.002> data <digits {}>
// CHECK:      bptt.step @image steps 4 batch 2 (%image: tensor<?x?x2x8x8xi1>, %label: tensor<?xi32>) {
// CHECK-NEXT:   snn.parameter @a.weight : tensor<4x2x3x3xf32> fan_in 18
// CHECK-NEXT:   snn.parameter @a.scale : tensor<4xf32> constant 1.0
// CHECK-NEXT:   snn.parameter @a.shift : tensor<4xf32> constant 0.0
// CHECK-NEXT:   snn.parameter @a.mean : tensor<4xf32> constant 0.0 running
// CHECK-NEXT:   snn.parameter @a.variance : tensor<4xf32> constant 1.0 running
// CHECK-NEXT:   snn.parameter @output.weight : tensor<3x64xf32> fan_in 64
// CHECK-NEXT:   %i = bptt.convolution %image, @a.weight <kernel 3, stride 1, padding 1> : tensor<?x?x2x8x8xi1> -> tensor<?x?x4x8x8xf32>
// CHECK-NEXT:   %mean, %variance = bptt.moments %i : tensor<?x?x4x8x8xf32>
// CHECK-NEXT:   %n = bptt.normalize %i, %mean, %variance, @a.scale, @a.shift epsilon 1.0e-05 : tensor<?x?x4x8x8xf32>
// CHECK-NEXT:   %a, %0, %1 = bptt.fire %n <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" saving mask, potential : tensor<?x?x4x8x8xf32>
// CHECK-NEXT:   %p = bptt.pool max %a <kernel 2, stride 2, padding 0> : tensor<?x?x4x8x8xi1> -> tensor<?x?x4x4x4xi1>
// CHECK-NEXT:   %f = bptt.reshape %p : tensor<?x?x4x4x4xi1> -> tensor<?x?x64xi1>
// CHECK-NEXT:   %j = bptt.synapse %f, @output.weight : tensor<?x?x64xi1> -> tensor<?x?x3xf32>
// CHECK-NEXT:   %o, %2, %3 = bptt.fire %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" saving mask, potential : tensor<?x?x3xf32>
// CHECK-NEXT:   bptt.report %a as "spikes" of "a" : tensor<?x?x4x8x8xi1>
// CHECK-NEXT:   bptt.report %o as "spikes" of "output" : tensor<?x?x3xi1>
// CHECK-NEXT:   %4 = bptt.readout sum %o : tensor<?x?x3xi1> -> tensor<?x3xf32>
// CHECK-NEXT:   bptt.report %4 as "readout" of "" : tensor<?x3xf32>
// CHECK-NEXT:   %loss, %correct, %5 = bptt.loss cross_entropy %4, %label with_gradient : tensor<?x3xf32>, tensor<?xi32>
// CHECK-NEXT:   bptt.report %loss as "loss" of "" : tensor<f32>
// CHECK-NEXT:   bptt.report %correct as "correct" of "" : tensor<i32>
// CHECK-NEXT:   %6 = bptt.readout_gradient sum %5 : tensor<?x3xf32> -> tensor<?x?x3xf32>
// CHECK-NEXT:   %7 = bptt.fire_gradient %6 from spikes %o, mask %2, potential %3 <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<?x?x3xf32>
// CHECK-NEXT:   %8 = bptt.synapse_input_gradient %7, @output.weight : tensor<?x?x3xf32> -> tensor<?x?x64xf32>
// CHECK-NEXT:   %9 = bptt.synapse_weight_gradient %7, %f : tensor<?x?x3xf32>, tensor<?x?x64xi1> -> tensor<3x64xf32>
// CHECK-NEXT:   %10 = bptt.reshape %8 : tensor<?x?x64xf32> -> tensor<?x?x4x4x4xf32>
// CHECK-NEXT:   %11 = bptt.pool_gradient max %10, %a, %p <kernel 2, stride 2, padding 0> : tensor<?x?x4x4x4xf32>, tensor<?x?x4x8x8xi1>, tensor<?x?x4x4x4xi1> -> tensor<?x?x4x8x8xf32>
// CHECK-NEXT:   %12 = bptt.fire_gradient %11 from spikes %a, mask %0, potential %1 <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x4x8x8xf32>
// CHECK-NEXT:   %13 = bptt.scale_gradient %12, %i, %mean, %variance epsilon 1.0e-05 : tensor<?x?x4x8x8xf32>
// CHECK-NEXT:   %14 = bptt.bias_gradient %12 : tensor<?x?x4x8x8xf32> -> tensor<4xf32>
// CHECK-NEXT:   %15 = bptt.normalize_gradient %12, %i, %mean, %variance, %13, %14, @a.scale epsilon 1.0e-05 : tensor<?x?x4x8x8xf32>
// CHECK-NEXT:   %16 = bptt.convolution_weight_gradient %15, %image <kernel 3, stride 1, padding 1> : tensor<?x?x4x8x8xf32>, tensor<?x?x2x8x8xi1> -> tensor<4x2x3x3xf32>
// CHECK-NEXT:   bptt.report %16 as "gradient" of "a.weight" : tensor<4x2x3x3xf32>
// CHECK-NEXT:   bptt.optimize @a.weight, %16 <adam, rate 0.002> : tensor<4x2x3x3xf32>
// CHECK-NEXT:   bptt.report %13 as "gradient" of "a.scale" : tensor<4xf32>
// CHECK-NEXT:   bptt.optimize @a.scale, %13 <adam, rate 0.002> : tensor<4xf32>
// CHECK-NEXT:   bptt.report %14 as "gradient" of "a.shift" : tensor<4xf32>
// CHECK-NEXT:   bptt.optimize @a.shift, %14 <adam, rate 0.002> : tensor<4xf32>
// CHECK-NEXT:   bptt.update_running @a.mean, %mean momentum 0.1 : tensor<4xf32>
// CHECK-NEXT:   bptt.update_running @a.variance, %variance momentum 0.1 unbiased : tensor<4xf32>
// CHECK-NEXT:   bptt.report %9 as "gradient" of "output.weight" : tensor<3x64xf32>
// CHECK-NEXT:   bptt.optimize @output.weight, %9 <adam, rate 0.002> : tensor<3x64xf32>
// CHECK-NEXT: }
// FORWARD:      bptt.step @image steps 4 batch 2 (%image: tensor<?x?x2x8x8xi1>, %label: tensor<?xi32>) {
// FORWARD-NEXT:   snn.parameter @a.weight : tensor<4x2x3x3xf32> fan_in 18
// FORWARD-NEXT:   snn.parameter @a.scale : tensor<4xf32> constant 1.0
// FORWARD-NEXT:   snn.parameter @a.shift : tensor<4xf32> constant 0.0
// FORWARD-NEXT:   snn.parameter @a.mean : tensor<4xf32> constant 0.0 running
// FORWARD-NEXT:   snn.parameter @a.variance : tensor<4xf32> constant 1.0 running
// FORWARD-NEXT:   snn.parameter @output.weight : tensor<3x64xf32> fan_in 64
// FORWARD-NEXT:   %i = bptt.convolution %image, @a.weight <kernel 3, stride 1, padding 1> : tensor<?x?x2x8x8xi1> -> tensor<?x?x4x8x8xf32>
// FORWARD-NEXT:   %n = bptt.normalize %i, @a.mean, @a.variance, @a.scale, @a.shift epsilon 1.0e-05 : tensor<?x?x4x8x8xf32>
// FORWARD-NEXT:   %a = bptt.fire %n <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x4x8x8xf32>
// FORWARD-NEXT:   %p = bptt.pool max %a <kernel 2, stride 2, padding 0> : tensor<?x?x4x8x8xi1> -> tensor<?x?x4x4x4xi1>
// FORWARD-NEXT:   %f = bptt.reshape %p : tensor<?x?x4x4x4xi1> -> tensor<?x?x64xi1>
// FORWARD-NEXT:   %j = bptt.synapse %f, @output.weight : tensor<?x?x64xi1> -> tensor<?x?x3xf32>
// FORWARD-NEXT:   %o = bptt.fire %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<?x?x3xf32>
// FORWARD-NEXT:   bptt.report %a as "spikes" of "a" : tensor<?x?x4x8x8xi1>
// FORWARD-NEXT:   bptt.report %o as "spikes" of "output" : tensor<?x?x3xi1>
// FORWARD-NEXT:   %0 = bptt.readout sum %o : tensor<?x?x3xi1> -> tensor<?x3xf32>
// FORWARD-NEXT:   bptt.report %0 as "readout" of "" : tensor<?x3xf32>
// FORWARD-NEXT:   %loss, %correct = bptt.loss cross_entropy %0, %label : tensor<?x3xf32>, tensor<?xi32>
// FORWARD-NEXT:   bptt.report %loss as "loss" of "" : tensor<f32>
// FORWARD-NEXT:   bptt.report %correct as "correct" of "" : tensor<i32>
// FORWARD-NEXT: }

// -----

// A convolution of a layer's own past stands in the scans; its weight's gradient, a sum over time,
// behind them. A spike that is added to a current passes the gradient on, and what is joined
// gets its channels back.
snn.network @recurrent(%image: tensor<1x4x4xi1>) -> tensor<2xi1> {
  snn.parameter @a.weight : tensor<2x1x1x1xf32> fan_in 1
  snn.parameter @h.weight : tensor<2x2x3x3xf32> fan_in 18
  snn.parameter @output.weight : tensor<2x16xf32> fan_in 16
  %i = snn.conv2d %image, @a.weight <kernel 1, stride 1, padding 0> : tensor<1x4x4xi1> -> tensor<2x4x4xf32>
  %a = snn.lif %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<2x4x4xf32> -> tensor<2x4x4xi1>
  %before = snn.previous %h : tensor<2x4x4xi1> -> tensor<2x4x4xi1>
  %past = snn.conv2d %before, @h.weight <kernel 3, stride 1, padding 1> : tensor<2x4x4xi1> -> tensor<2x4x4xf32>
  %k = snn.add %a, %past : tensor<2x4x4xi1>, tensor<2x4x4xf32> -> tensor<2x4x4xf32>
  %h = snn.lif %k <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" : tensor<2x4x4xf32> -> tensor<2x4x4xi1>
  %both = snn.concat %a, %h : tensor<2x4x4xi1>, tensor<2x4x4xi1> -> tensor<4x4x4xi1>
  %p = snn.pool2d avg %both <kernel 3, stride 1, padding 0> : tensor<4x4x4xi1> -> tensor<4x2x2xf32>
  %f = snn.reshape %p : tensor<4x2x2xf32> -> tensor<16xf32>
  %j = snn.linear %f, @output.weight : tensor<16xf32> -> tensor<2xf32>
  %o = snn.lif %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<2xf32> -> tensor<2xi1>
  snn.return %o : tensor<2xi1>
}
snn.train @recurrent steps 4 batch 2 epochs 1 seed 1 loss cross_entropy optimizer <adam, rate 0.002> data <digits {}>
// CHECK:      bptt.step @recurrent steps 4 batch 2 (%image: tensor<?x?x1x4x4xi1>, %label: tensor<?xi32>) {
// CHECK-NEXT:   snn.parameter @a.weight : tensor<2x1x1x1xf32> fan_in 1
// CHECK-NEXT:   snn.parameter @h.weight : tensor<2x2x3x3xf32> fan_in 18
// CHECK-NEXT:   snn.parameter @output.weight : tensor<2x16xf32> fan_in 16
// CHECK-NEXT:   %i = bptt.convolution %image, @a.weight <kernel 1, stride 1, padding 0> : tensor<?x?x1x4x4xi1> -> tensor<?x?x2x4x4xf32>
// CHECK-NEXT:   %a, %0, %1 = bptt.fire %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" saving mask, potential : tensor<?x?x2x4x4xf32>
// CHECK-NEXT:   %h, %2, %3 = bptt.scan forward over (%4 = %a : tensor<?x?x2x4x4xi1>) carrying (%5: tensor<?x2x4x4xi1>, %6: tensor<?x2x4x4xf32>) -> (tensor<?x?x2x4x4xi1>, tensor<?x?x2x4x4xi1>, tensor<?x?x2x4x4xf32>) {
// CHECK-NEXT:     %past = bptt.convolution %5, @h.weight <kernel 3, stride 1, padding 1> : tensor<?x2x4x4xi1> -> tensor<?x2x4x4xf32>
// CHECK-NEXT:     %k = bptt.add %4, %past : tensor<?x2x4x4xi1>, tensor<?x2x4x4xf32>
// CHECK-NEXT:     %h_1, %7, %8 = bptt.fire %k after potential %6, spikes %5 <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" saving mask, potential : tensor<?x2x4x4xf32>
// CHECK-NEXT:     bptt.yield next %h_1, %8 : tensor<?x2x4x4xi1>, tensor<?x2x4x4xf32> collect %h_1, %7, %8 : tensor<?x2x4x4xi1>, tensor<?x2x4x4xi1>, tensor<?x2x4x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT:   %both = bptt.concatenate %a, %h : tensor<?x?x2x4x4xi1>, tensor<?x?x2x4x4xi1> -> tensor<?x?x4x4x4xi1>
// CHECK-NEXT:   %p = bptt.pool avg %both <kernel 3, stride 1, padding 0> : tensor<?x?x4x4x4xi1> -> tensor<?x?x4x2x2xf32>
// CHECK-NEXT:   %f = bptt.reshape %p : tensor<?x?x4x2x2xf32> -> tensor<?x?x16xf32>
// CHECK-NEXT:   %j = bptt.synapse %f, @output.weight : tensor<?x?x16xf32> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %o, %9, %10 = bptt.fire %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" saving mask, potential : tensor<?x?x2xf32>
// CHECK-NEXT:   bptt.report %a as "spikes" of "a" : tensor<?x?x2x4x4xi1>
// CHECK-NEXT:   bptt.report %h as "spikes" of "h" : tensor<?x?x2x4x4xi1>
// CHECK-NEXT:   bptt.report %o as "spikes" of "output" : tensor<?x?x2xi1>
// CHECK-NEXT:   %11 = bptt.readout sum %o : tensor<?x?x2xi1> -> tensor<?x2xf32>
// CHECK-NEXT:   bptt.report %11 as "readout" of "" : tensor<?x2xf32>
// CHECK-NEXT:   %loss, %correct, %12 = bptt.loss cross_entropy %11, %label with_gradient : tensor<?x2xf32>, tensor<?xi32>
// CHECK-NEXT:   bptt.report %loss as "loss" of "" : tensor<f32>
// CHECK-NEXT:   bptt.report %correct as "correct" of "" : tensor<i32>
// CHECK-NEXT:   %13 = bptt.readout_gradient sum %12 : tensor<?x2xf32> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %14 = bptt.fire_gradient %13 from spikes %o, mask %9, potential %10 <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<?x?x2xf32>
// CHECK-NEXT:   %15 = bptt.synapse_input_gradient %14, @output.weight : tensor<?x?x2xf32> -> tensor<?x?x16xf32>
// CHECK-NEXT:   %16 = bptt.synapse_weight_gradient %14, %f : tensor<?x?x2xf32>, tensor<?x?x16xf32> -> tensor<2x16xf32>
// CHECK-NEXT:   %17 = bptt.reshape %15 : tensor<?x?x16xf32> -> tensor<?x?x4x2x2xf32>
// CHECK-NEXT:   %18 = bptt.pool_gradient avg %17 <kernel 3, stride 1, padding 0> : tensor<?x?x4x2x2xf32> -> tensor<?x?x4x4x4xf32>
// CHECK-NEXT:   %19 = bptt.slice %18 from 0 : tensor<?x?x4x4x4xf32> -> tensor<?x?x2x4x4xf32>
// CHECK-NEXT:   %20 = bptt.slice %18 from 2 : tensor<?x?x4x4x4xf32> -> tensor<?x?x2x4x4xf32>
// CHECK-NEXT:   %21 = bptt.scan backward over (%22 = %20 : tensor<?x?x2x4x4xf32>, %23 = %h : tensor<?x?x2x4x4xi1>, %24 = %2 : tensor<?x?x2x4x4xi1>, %25 = %3 : tensor<?x?x2x4x4xf32>) carrying (%26: tensor<?x2x4x4xf32>, %27: tensor<?x2x4x4xf32>) -> (tensor<?x?x2x4x4xf32>) {
// CHECK-NEXT:     %28 = bptt.add %22, %26 : tensor<?x2x4x4xf32>
// CHECK-NEXT:     %29 = bptt.fire_gradient %28 from spikes %23, mask %24, potential %25 after gradient %27 <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" : tensor<?x2x4x4xf32>
// CHECK-NEXT:     %30 = bptt.convolution_input_gradient %29, @h.weight <kernel 3, stride 1, padding 1> : tensor<?x2x4x4xf32> -> tensor<?x2x4x4xf32>
// CHECK-NEXT:     bptt.yield next %30, %29 : tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32> collect %29 : tensor<?x2x4x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT:   %31 = bptt.delay %h : tensor<?x?x2x4x4xi1> -> tensor<?x?x2x4x4xi1>
// CHECK-NEXT:   %32 = bptt.convolution_weight_gradient %21, %31 <kernel 3, stride 1, padding 1> : tensor<?x?x2x4x4xf32>, tensor<?x?x2x4x4xi1> -> tensor<2x2x3x3xf32>
// CHECK-NEXT:   %33 = bptt.add %19, %21 : tensor<?x?x2x4x4xf32>
// CHECK-NEXT:   %34 = bptt.fire_gradient %33 from spikes %a, mask %0, potential %1 <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x2x4x4xf32>
// CHECK-NEXT:   %35 = bptt.convolution_weight_gradient %34, %image <kernel 1, stride 1, padding 0> : tensor<?x?x2x4x4xf32>, tensor<?x?x1x4x4xi1> -> tensor<2x1x1x1xf32>
// CHECK-NEXT:   bptt.report %35 as "gradient" of "a.weight" : tensor<2x1x1x1xf32>
// CHECK-NEXT:   bptt.optimize @a.weight, %35 <adam, rate 0.002> : tensor<2x1x1x1xf32>
// CHECK-NEXT:   bptt.report %32 as "gradient" of "h.weight" : tensor<2x2x3x3xf32>
// CHECK-NEXT:   bptt.optimize @h.weight, %32 <adam, rate 0.002> : tensor<2x2x3x3xf32>
// CHECK-NEXT:   bptt.report %16 as "gradient" of "output.weight" : tensor<2x16xf32>
// CHECK-NEXT:   bptt.optimize @output.weight, %16 <adam, rate 0.002> : tensor<2x16xf32>
// CHECK-NEXT: }
// FORWARD:      bptt.step @recurrent steps 4 batch 2 (%image: tensor<?x?x1x4x4xi1>, %label: tensor<?xi32>) {
// FORWARD-NEXT:   snn.parameter @a.weight : tensor<2x1x1x1xf32> fan_in 1
// FORWARD-NEXT:   snn.parameter @h.weight : tensor<2x2x3x3xf32> fan_in 18
// FORWARD-NEXT:   snn.parameter @output.weight : tensor<2x16xf32> fan_in 16
// FORWARD-NEXT:   %i = bptt.convolution %image, @a.weight <kernel 1, stride 1, padding 0> : tensor<?x?x1x4x4xi1> -> tensor<?x?x2x4x4xf32>
// FORWARD-NEXT:   %a = bptt.fire %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x2x4x4xf32>
// FORWARD-NEXT:   %h = bptt.scan forward over (%0 = %a : tensor<?x?x2x4x4xi1>) carrying (%1: tensor<?x2x4x4xi1>, %2: tensor<?x2x4x4xf32>) -> (tensor<?x?x2x4x4xi1>) {
// FORWARD-NEXT:     %past = bptt.convolution %1, @h.weight <kernel 3, stride 1, padding 1> : tensor<?x2x4x4xi1> -> tensor<?x2x4x4xf32>
// FORWARD-NEXT:     %k = bptt.add %0, %past : tensor<?x2x4x4xi1>, tensor<?x2x4x4xf32>
// FORWARD-NEXT:     %h_1, %3 = bptt.fire %k after potential %2, spikes %1 <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" saving potential : tensor<?x2x4x4xf32>
// FORWARD-NEXT:     bptt.yield next %h_1, %3 : tensor<?x2x4x4xi1>, tensor<?x2x4x4xf32> collect %h_1 : tensor<?x2x4x4xi1>
// FORWARD-NEXT:   }
// FORWARD-NEXT:   %both = bptt.concatenate %a, %h : tensor<?x?x2x4x4xi1>, tensor<?x?x2x4x4xi1> -> tensor<?x?x4x4x4xi1>
// FORWARD-NEXT:   %p = bptt.pool avg %both <kernel 3, stride 1, padding 0> : tensor<?x?x4x4x4xi1> -> tensor<?x?x4x2x2xf32>
// FORWARD-NEXT:   %f = bptt.reshape %p : tensor<?x?x4x2x2xf32> -> tensor<?x?x16xf32>
// FORWARD-NEXT:   %j = bptt.synapse %f, @output.weight : tensor<?x?x16xf32> -> tensor<?x?x2xf32>
// FORWARD-NEXT:   %o = bptt.fire %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<?x?x2xf32>
// FORWARD-NEXT:   bptt.report %a as "spikes" of "a" : tensor<?x?x2x4x4xi1>
// FORWARD-NEXT:   bptt.report %h as "spikes" of "h" : tensor<?x?x2x4x4xi1>
// FORWARD-NEXT:   bptt.report %o as "spikes" of "output" : tensor<?x?x2xi1>
// FORWARD-NEXT:   %4 = bptt.readout sum %o : tensor<?x?x2xi1> -> tensor<?x2xf32>
// FORWARD-NEXT:   bptt.report %4 as "readout" of "" : tensor<?x2xf32>
// FORWARD-NEXT:   %loss, %correct = bptt.loss cross_entropy %4, %label : tensor<?x2xf32>, tensor<?xi32>
// FORWARD-NEXT:   bptt.report %loss as "loss" of "" : tensor<f32>
// FORWARD-NEXT:   bptt.report %correct as "correct" of "" : tensor<i32>
// FORWARD-NEXT: }

// -----

// A variance needs more than one number.
snn.network @single(%x: tensor<3xf32>) -> tensor<3xf32> {
  snn.parameter @a.scale : tensor<3xf32> constant 1.0
  snn.parameter @a.shift : tensor<3xf32> constant 0.0
  snn.parameter @a.mean : tensor<3xf32> constant 0.0 running
  snn.parameter @a.variance : tensor<3xf32> constant 1.0 running
  %n = snn.batchnorm %x, @a.scale, @a.shift, @a.mean, @a.variance momentum 0.1, epsilon 1.0e-05 : tensor<3xf32> -> tensor<3xf32>
  snn.return %n : tensor<3xf32>
}
snn.train @single steps 1 batch 1 epochs 1 seed 1 loss cross_entropy optimizer <adam, rate 0.002> data <digits {}>
// CHECK: error: one step of one sample has a single number per channel here, which has no variance to normalize with [E0204]
// CHECK: help: train with more steps or a larger batch

// -----

// Statistics over time are no matter of a single step.
snn.network @cycle(%x: tensor<3xf32>) -> tensor<3xi1> {
  snn.parameter @a.scale : tensor<3xf32> constant 1.0
  snn.parameter @a.shift : tensor<3xf32> constant 0.0
  snn.parameter @a.mean : tensor<3xf32> constant 0.0 running
  snn.parameter @a.variance : tensor<3xf32> constant 1.0 running
  %p = snn.previous %s : tensor<3xi1> -> tensor<3xi1>
  %i = snn.add %x, %p : tensor<3xf32>, tensor<3xi1> -> tensor<3xf32>
  %n = snn.batchnorm %i, @a.scale, @a.shift, @a.mean, @a.variance momentum 0.1, epsilon 1.0e-05 : tensor<3xf32> -> tensor<3xf32>
  %s = snn.lif %n <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<3xf32> -> tensor<3xi1>
  snn.return %s : tensor<3xi1>
}
snn.train @cycle steps 4 batch 2 epochs 1 seed 1 loss cross_entropy optimizer <adam, rate 0.002> data <digits {}>
// CHECK: error: expand-bptt cannot normalize inside of a cycle through `previous`: the statistics over time would be known only after the cycle has run [E0111]
// CHECK: help: normalize what enters the cycle

// -----

// Updates name a parameter once.
snn.network @shared(%x: tensor<3xi1>) -> tensor<3xf32> {
  snn.parameter @w : tensor<3x3xf32> fan_in 3
  %i = snn.linear %x, @w : tensor<3xi1> -> tensor<3xf32>
  %j = snn.linear %i, @w : tensor<3xf32> -> tensor<3xf32>
  snn.return %j : tensor<3xf32>
}
snn.train @shared steps 4 batch 2 epochs 1 seed 1 loss cross_entropy optimizer <adam, rate 0.002> data <digits {}>
// CHECK: error: expand-bptt cannot train @w, which several operations share [E0204]
