// RUN: spikeloom-opt %s -p expand-bptt --split-input-file --verify-diagnostics | filecheck %s
// RUN: spikeloom-opt %s -p 'expand-bptt{training=false steps=3 batch=2}' --split-input-file --verify-diagnostics | filecheck %s --check-prefix FORWARD

// One layer: forward, loss, backward, gradients and updates, each an operation of its own.
snn.network @feedforward(%image: tensor<4xi1>) -> tensor<2xi1> {
  snn.parameter @output.weight : tensor<2x4xf32> fan_in 4
  snn.parameter @output.bias : tensor<2xf32> fan_in 4
  %i = snn.linear %image, @output.weight, @output.bias : tensor<4xi1> -> tensor<2xf32>
  %s = snn.lif %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<2xf32> -> tensor<2xi1>
  snn.return %s : tensor<2xi1>
}
snn.train @feedforward steps 16 batch 64 epochs 1 seed 1 loss cross_entropy optimizer <adam, rate 0.002> data <digits {}>
// CHECK:      bptt.step @feedforward steps 16 batch 64 (%image: tensor<?x?x4xi1>, %label: tensor<?xi32>) {
// CHECK-NEXT:   snn.parameter @output.weight : tensor<2x4xf32> fan_in 4
// CHECK-NEXT:   snn.parameter @output.bias : tensor<2xf32> fan_in 4
// CHECK-NEXT:   %i = bptt.synapse %image, @output.weight, @output.bias : tensor<?x?x4xi1> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %s, %0, %1 = bptt.fire %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" saving mask, potential : tensor<?x?x2xf32>
// CHECK-NEXT:   bptt.report %s as "spikes" of "output" : tensor<?x?x2xi1>
// CHECK-NEXT:   %2 = bptt.readout sum %s : tensor<?x?x2xi1> -> tensor<?x2xf32>
// CHECK-NEXT:   bptt.report %2 as "readout" of "" : tensor<?x2xf32>
// CHECK-NEXT:   %loss, %correct, %3 = bptt.loss cross_entropy %2, %label with_gradient : tensor<?x2xf32>, tensor<?xi32>
// CHECK-NEXT:   bptt.report %loss as "loss" of "" : tensor<f32>
// CHECK-NEXT:   bptt.report %correct as "correct" of "" : tensor<i32>
// CHECK-NEXT:   %4 = bptt.readout_gradient sum %3 : tensor<?x2xf32> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %5 = bptt.fire_gradient %4 from spikes %s, mask %0, potential %1 <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<?x?x2xf32>
// CHECK-NEXT:   %6 = bptt.synapse_weight_gradient %5, %image : tensor<?x?x2xf32>, tensor<?x?x4xi1> -> tensor<2x4xf32>
// CHECK-NEXT:   %7 = bptt.bias_gradient %5 : tensor<?x?x2xf32> -> tensor<2xf32>
// CHECK-NEXT:   bptt.report %6 as "gradient" of "output.weight" : tensor<2x4xf32>
// CHECK-NEXT:   bptt.optimize @output.weight, %6 <adam, rate 0.002> : tensor<2x4xf32>
// CHECK-NEXT:   bptt.report %7 as "gradient" of "output.bias" : tensor<2xf32>
// CHECK-NEXT:   bptt.optimize @output.bias, %7 <adam, rate 0.002> : tensor<2xf32>
// CHECK-NEXT: }
// CHECK-NEXT: snn.train @feedforward steps 16 batch 64
// FORWARD:      bptt.step @feedforward steps 3 batch 2 (%image: tensor<?x?x4xi1>, %label: tensor<?xi32>) {
// FORWARD-NEXT:   snn.parameter @output.weight : tensor<2x4xf32> fan_in 4
// FORWARD-NEXT:   snn.parameter @output.bias : tensor<2xf32> fan_in 4
// FORWARD-NEXT:   %i = bptt.synapse %image, @output.weight, @output.bias : tensor<?x?x4xi1> -> tensor<?x?x2xf32>
// FORWARD-NEXT:   %s = bptt.fire %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "output" : tensor<?x?x2xf32>
// FORWARD-NEXT:   bptt.report %s as "spikes" of "output" : tensor<?x?x2xi1>
// FORWARD-NEXT:   %0 = bptt.readout sum %s : tensor<?x?x2xi1> -> tensor<?x2xf32>
// FORWARD-NEXT:   bptt.report %0 as "readout" of "" : tensor<?x2xf32>
// FORWARD-NEXT:   %loss, %correct = bptt.loss cross_entropy %0, %label : tensor<?x2xf32>, tensor<?xi32>
// FORWARD-NEXT:   bptt.report %loss as "loss" of "" : tensor<f32>
// FORWARD-NEXT:   bptt.report %correct as "correct" of "" : tensor<i32>
// FORWARD-NEXT: }

// -----

// A cycle through `previous`: a scan forward in time, and one backward.
snn.network @recurrent(%x: tensor<4xf32>) -> tensor<2xf32> {
  snn.parameter @hidden.weight : tensor<4x4xf32> fan_in 4
  snn.parameter @output.weight : tensor<2x4xf32> fan_in 4
  %p = snn.previous %s : tensor<4xi1> -> tensor<4xi1>
  %r = snn.linear %p, @hidden.weight : tensor<4xi1> -> tensor<4xf32>
  %i = snn.add %x, %r : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %s = snn.lif %i <decay 0.5, threshold 0.5, reset subtract, surrogate atan(2.0)> layer "hidden" : tensor<4xf32> -> tensor<4xi1>
  %o = snn.linear %s, @output.weight : tensor<4xi1> -> tensor<2xf32>
  %y = snn.li %o decay 0.9 layer "output" : tensor<2xf32> -> tensor<2xf32>
  snn.return %y : tensor<2xf32>
}
snn.train @recurrent steps 4 batch 1 epochs 1 seed 1 loss mse optimizer <sgd, rate 0.1, momentum 0.0> data <digits {encode = "direct"}>
// CHECK:      bptt.step @recurrent steps 4 batch 1 (%x: tensor<?x?x4xf32>, %label: tensor<?xi32>) {
// CHECK-NEXT:   snn.parameter @hidden.weight : tensor<4x4xf32> fan_in 4
// CHECK-NEXT:   snn.parameter @output.weight : tensor<2x4xf32> fan_in 4
// CHECK-NEXT:   %s, %0 = bptt.scan forward over (%1 = %x : tensor<?x?x4xf32>) carrying (%2: tensor<?x4xi1>, %3: tensor<?x4xf32>) -> (tensor<?x?x4xi1>, tensor<?x?x4xf32>) {
// CHECK-NEXT:     %r = bptt.synapse %2, @hidden.weight : tensor<?x4xi1> -> tensor<?x4xf32>
// CHECK-NEXT:     %i = bptt.add %1, %r : tensor<?x4xf32>
// CHECK-NEXT:     %s_1, %4 = bptt.fire %i after potential %3, spikes %2 <decay 0.5, threshold 0.5, reset subtract, surrogate atan(2.0)> layer "hidden" saving potential : tensor<?x4xf32>
// CHECK-NEXT:     bptt.yield next %s_1, %4 : tensor<?x4xi1>, tensor<?x4xf32> collect %s_1, %4 : tensor<?x4xi1>, tensor<?x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT:   %o = bptt.synapse %s, @output.weight : tensor<?x?x4xi1> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %y = bptt.integrate %o decay 0.9 layer "output" : tensor<?x?x2xf32>
// CHECK-NEXT:   bptt.report %s as "spikes" of "hidden" : tensor<?x?x4xi1>
// CHECK-NEXT:   %5 = bptt.readout mean %y : tensor<?x?x2xf32> -> tensor<?x2xf32>
// CHECK-NEXT:   bptt.report %5 as "readout" of "" : tensor<?x2xf32>
// CHECK-NEXT:   %loss, %correct, %6 = bptt.loss mse %5, %label with_gradient : tensor<?x2xf32>, tensor<?xi32>
// CHECK-NEXT:   bptt.report %loss as "loss" of "" : tensor<f32>
// CHECK-NEXT:   bptt.report %correct as "correct" of "" : tensor<i32>
// CHECK-NEXT:   %7 = bptt.readout_gradient mean %6 : tensor<?x2xf32> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %8 = bptt.integrate_gradient %7 decay 0.9 layer "output" : tensor<?x?x2xf32>
// CHECK-NEXT:   %9 = bptt.synapse_input_gradient %8, @output.weight : tensor<?x?x2xf32> -> tensor<?x?x4xf32>
// CHECK-NEXT:   %10 = bptt.synapse_weight_gradient %8, %s : tensor<?x?x2xf32>, tensor<?x?x4xi1> -> tensor<2x4xf32>
// CHECK-NEXT:   %11 = bptt.scan backward over (%12 = %9 : tensor<?x?x4xf32>, %13 = %0 : tensor<?x?x4xf32>) carrying (%14: tensor<?x4xf32>, %15: tensor<?x4xf32>) -> (tensor<?x?x4xf32>) {
// CHECK-NEXT:     %16 = bptt.add %12, %14 : tensor<?x4xf32>
// CHECK-NEXT:     %17 = bptt.fire_gradient %16 from potential %13 after gradient %15 <decay 0.5, threshold 0.5, reset subtract, surrogate atan(2.0)> layer "hidden" : tensor<?x4xf32>
// CHECK-NEXT:     %18 = bptt.synapse_input_gradient %17, @hidden.weight : tensor<?x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT:     bptt.yield next %18, %17 : tensor<?x4xf32>, tensor<?x4xf32> collect %17 : tensor<?x4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT:   %19 = bptt.delay %s : tensor<?x?x4xi1> -> tensor<?x?x4xi1>
// CHECK-NEXT:   %20 = bptt.synapse_weight_gradient %11, %19 : tensor<?x?x4xf32>, tensor<?x?x4xi1> -> tensor<4x4xf32>
// CHECK-NEXT:   bptt.report %20 as "gradient" of "hidden.weight" : tensor<4x4xf32>
// CHECK-NEXT:   bptt.optimize @hidden.weight, %20 <sgd, rate 0.1, momentum 0.0> : tensor<4x4xf32>
// CHECK-NEXT:   bptt.report %10 as "gradient" of "output.weight" : tensor<2x4xf32>
// CHECK-NEXT:   bptt.optimize @output.weight, %10 <sgd, rate 0.1, momentum 0.0> : tensor<2x4xf32>
// CHECK-NEXT: }
// FORWARD:      bptt.step @recurrent steps 3 batch 2 (%x: tensor<?x?x4xf32>, %label: tensor<?xi32>) {
// FORWARD-NEXT:   snn.parameter @hidden.weight : tensor<4x4xf32> fan_in 4
// FORWARD-NEXT:   snn.parameter @output.weight : tensor<2x4xf32> fan_in 4
// FORWARD-NEXT:   %s = bptt.scan forward over (%0 = %x : tensor<?x?x4xf32>) carrying (%1: tensor<?x4xi1>, %2: tensor<?x4xf32>) -> (tensor<?x?x4xi1>) {
// FORWARD-NEXT:     %r = bptt.synapse %1, @hidden.weight : tensor<?x4xi1> -> tensor<?x4xf32>
// FORWARD-NEXT:     %i = bptt.add %0, %r : tensor<?x4xf32>
// FORWARD-NEXT:     %s_1, %3 = bptt.fire %i after potential %2, spikes %1 <decay 0.5, threshold 0.5, reset subtract, surrogate atan(2.0)> layer "hidden" saving potential : tensor<?x4xf32>
// FORWARD-NEXT:     bptt.yield next %s_1, %3 : tensor<?x4xi1>, tensor<?x4xf32> collect %s_1 : tensor<?x4xi1>
// FORWARD-NEXT:   }
// FORWARD-NEXT:   %o = bptt.synapse %s, @output.weight : tensor<?x?x4xi1> -> tensor<?x?x2xf32>
// FORWARD-NEXT:   %y = bptt.integrate %o decay 0.9 layer "output" : tensor<?x?x2xf32>
// FORWARD-NEXT:   bptt.report %s as "spikes" of "hidden" : tensor<?x?x4xi1>
// FORWARD-NEXT:   %4 = bptt.readout mean %y : tensor<?x?x2xf32> -> tensor<?x2xf32>
// FORWARD-NEXT:   bptt.report %4 as "readout" of "" : tensor<?x2xf32>
// FORWARD-NEXT:   %loss, %correct = bptt.loss mse %4, %label : tensor<?x2xf32>, tensor<?xi32>
// FORWARD-NEXT:   bptt.report %loss as "loss" of "" : tensor<f32>
// FORWARD-NEXT:   bptt.report %correct as "correct" of "" : tensor<i32>
// FORWARD-NEXT: }

// -----

// `previous` outside of a cycle is a delay, and its gradient an advance.
snn.network @delayed(%x: tensor<2x2xi1>) -> tensor<2xf32> {
  snn.parameter @a.weight : tensor<2x4xf32> fan_in 4
  snn.parameter @b.weight : tensor<2x2xf32> fan_in 2
  %f = snn.flatten %x : tensor<2x2xi1> -> tensor<4xi1>
  %i = snn.linear %f, @a.weight : tensor<4xi1> -> tensor<2xf32>
  %p = snn.previous %i : tensor<2xf32> -> tensor<2xf32>
  %j = snn.linear %p, @b.weight : tensor<2xf32> -> tensor<2xf32>
  snn.return %j : tensor<2xf32>
}
snn.train @delayed steps 4 batch 1 epochs 1 seed 1 loss mse optimizer <sgd, rate 0.1, momentum 0.9> data <digits {}>
// CHECK:      bptt.step @delayed steps 4 batch 1 (%x: tensor<?x?x2x2xi1>, %label: tensor<?xi32>) {
// CHECK-NEXT:   snn.parameter @a.weight : tensor<2x4xf32> fan_in 4
// CHECK-NEXT:   snn.parameter @b.weight : tensor<2x2xf32> fan_in 2
// CHECK-NEXT:   %f = bptt.reshape %x : tensor<?x?x2x2xi1> -> tensor<?x?x4xi1>
// CHECK-NEXT:   %i = bptt.synapse %f, @a.weight : tensor<?x?x4xi1> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %p = bptt.delay %i : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %j = bptt.synapse %p, @b.weight : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %0 = bptt.readout mean %j : tensor<?x?x2xf32> -> tensor<?x2xf32>
// CHECK-NEXT:   bptt.report %0 as "readout" of "" : tensor<?x2xf32>
// CHECK-NEXT:   %loss, %correct, %1 = bptt.loss mse %0, %label with_gradient : tensor<?x2xf32>, tensor<?xi32>
// CHECK-NEXT:   bptt.report %loss as "loss" of "" : tensor<f32>
// CHECK-NEXT:   bptt.report %correct as "correct" of "" : tensor<i32>
// CHECK-NEXT:   %2 = bptt.readout_gradient mean %1 : tensor<?x2xf32> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %3 = bptt.synapse_input_gradient %2, @b.weight : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %4 = bptt.synapse_weight_gradient %2, %p : tensor<?x?x2xf32>, tensor<?x?x2xf32> -> tensor<2x2xf32>
// CHECK-NEXT:   %5 = bptt.advance %3 : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
// CHECK-NEXT:   %6 = bptt.synapse_weight_gradient %5, %f : tensor<?x?x2xf32>, tensor<?x?x4xi1> -> tensor<2x4xf32>
// CHECK-NEXT:   bptt.report %6 as "gradient" of "a.weight" : tensor<2x4xf32>
// CHECK-NEXT:   bptt.optimize @a.weight, %6 <sgd, rate 0.1, momentum 0.9> : tensor<2x4xf32>
// CHECK-NEXT:   bptt.report %4 as "gradient" of "b.weight" : tensor<2x2xf32>
// CHECK-NEXT:   bptt.optimize @b.weight, %4 <sgd, rate 0.1, momentum 0.9> : tensor<2x2xf32>
// CHECK-NEXT: }

// -----

// Nothing to do: a module without a network stays what it is.
"test.op"() : () -> ()
// CHECK:      "test.op"() : () -> ()

// -----

// Errors: open shapes, a value that needs itself, a loss of something that is no vector.
snn.network @open(%x: tensor<4xf32>) -> tensor<*xf32> {
  %y = snn.li %x decay 0.5 layer "y" : tensor<4xf32> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
// CHECK: error: expand-bptt needs the shape of every value, but that of snn.li is open [E0204]
// CHECK: help: run infer-shapes first

// -----

snn.network @endless(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = snn.add %x, %z : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %z = snn.add %x, %y : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  snn.return %z : tensor<4xf32>
}
snn.train @endless steps 4 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <digits {}>
// CHECK: error: this value depends on itself within one time step [E0202]
// CHECK: help: use previous(x) for the value of one time step ago

// -----

snn.network @image(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  snn.return %x : tensor<2x4xf32>
}
snn.train @image steps 4 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <digits {}>
// CHECK: error: the loss needs a vector of classes, but the output has [2, 4] [E0204]
// CHECK: help: return a vector, for instance of lif(linear(flatten(x), classes))

// -----

snn.network @untrained(%x: tensor<4xf32>) -> tensor<4xf32> {
  snn.return %x : tensor<4xf32>
}
// CHECK: error: expand-bptt does not know how many steps and samples @untrained runs for [E0204]
// CHECK: help: add a `train` block, or write expand-bptt{steps=16 batch=64}
// FORWARD:      bptt.step @untrained steps 3 batch 2 (%x: tensor<?x?x4xf32>) {
// FORWARD-NEXT:   %0 = bptt.readout sum %x : tensor<?x?x4xf32> -> tensor<?x4xf32>
// FORWARD-NEXT:   bptt.report %0 as "readout" of "" : tensor<?x4xf32>
// FORWARD-NEXT: }

// -----

snn.network @foreign(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = "test.op"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
snn.train @foreign steps 4 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <digits {}>
// CHECK: error: expand-bptt has no rule for test.op in a network [E0204]
