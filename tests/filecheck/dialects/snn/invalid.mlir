// RUN: spikeloom-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// --- parameters

snn.network @n(%x: tensor<4xi1>) -> tensor<4xi1> {
  snn.parameter @w : tensor<4x4xf32> fan_in 0
  snn.return %x : tensor<4xi1>
}
// CHECK: error: `snn.parameter` is not well formed: fan_in must be at least 1, got 0 [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xi1> {
  snn.parameter @w : tensor<4x4xf32> fan_in 4 constant 1.0
  snn.return %x : tensor<4xi1>
}
// CHECK: error: `snn.parameter` is not well formed: a parameter starts with `fan_in` or as a `constant` [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xi1> {
  snn.parameter @w : tensor<4xf32> running
  snn.return %x : tensor<4xi1>
}
// CHECK: error: `snn.parameter` is not well formed: a running parameter starts as a `constant` [E0202]

// -----

snn.parameter @w : tensor<4xi1>
// CHECK: error: expected a tensor of f32 [E0201]

// -----

"snn.parameter"() <{sym_name = "w", type = tensor<4xi1>}> : () -> ()
// CHECK: error: `snn.parameter` is not well formed: Expected attribute f32 but got i1 [E0202]

// -----

// --- networks

"snn.network"() <{sym_name = "n", function_type = (tensor<4xi1>) -> tensor<4xi1>}> ({
^bb0(%x: tensor<8xi1>):
  "snn.return"(%x) : (tensor<8xi1>) -> ()
}) : () -> ()
// CHECK: error: `snn.network` is not well formed: the block's arguments differ from the network's inputs [E0202]

// -----

snn.network @n(%x: tensor<4xi1>, %y: tensor<4xi1>) -> tensor<4xi1> {
  snn.return %x : tensor<4xi1>
}
// CHECK: error: `snn.network` is not well formed: a network has exactly one input and one output [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xi1> {
  %y = snn.previous %x : tensor<4xi1> -> tensor<4xi1>
}
// CHECK: error: `snn.network` is not well formed: a network must end with snn.return [E0202]

// -----

snn.network @n(%x: tensor<4xi32>) -> tensor<4xi32> {
  snn.return %x : tensor<4xi32>
}
// CHECK: error: cannot parse this: values are tensors of i1 or f32 [E0201]

// -----

snn.network @n(%x: tensor<4xi32>) -> tensor<4xi1> {
  %y = "test.op"() : () -> tensor<4xi1>
  snn.return %y : tensor<4xi1>
}
// CHECK: error: `snn.network` is not well formed: inputs and outputs are tensors of i1 or f32, got tensor<4xi32> [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xi1> {
  snn.parameter @w : tensor<4x4xf32>
  snn.parameter @w : tensor<4x4xf32>
  snn.return %x : tensor<4xi1>
}
// CHECK: error: `snn.network` is not well formed: Redefinition of symbol "w" [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<8xi1> {
  snn.return %x : tensor<4xi1>
}
// CHECK: error: `snn.return` is not well formed: the network is declared to yield tensor<8xi1>, but returns tensor<4xi1> [E0202]

// -----

%x = "test.op"() : () -> tensor<4xi1>
snn.return %x : tensor<4xi1>
// CHECK: error: `snn.return` is not well formed: 'snn.return' expects parent op 'snn.network' [E0202]

// -----

%x = "test.op"() : () -> tensor<4xi1>
%y = snn.previous %x : tensor<4xi1> -> tensor<4xi1>
// CHECK: error: `snn.previous` is not well formed: 'snn.previous' expects parent op 'snn.network' [E0202]

// -----

// --- linear

snn.network @n(%x: tensor<4xi1>) -> tensor<4xf32> {
  %y = snn.linear %x, @w : tensor<4xi1> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.linear` is not well formed: the network has no parameter @w [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xf32> {
  snn.parameter @w : tensor<4x2x2xf32>
  %y = snn.linear %x, @w : tensor<4xi1> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.linear` is not well formed: a linear weight has the shape [out, in], got [4, 2, 2] [E0202]

// -----

snn.network @n(%x: tensor<2x2xi1>) -> tensor<4xf32> {
  snn.parameter @w : tensor<4x4xf32>
  %y = snn.linear %x, @w : tensor<2x2xi1> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.linear` is not well formed: linear takes a vector, but its input has the shape [2, 2] [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xf32> {
  snn.parameter @w : tensor<4x5xf32>
  %y = snn.linear %x, @w : tensor<4xi1> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.linear` is not well formed: the weight @w expects 5 inputs, but the input has 4 [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xf32> {
  snn.parameter @w : tensor<4x4xf32>
  snn.parameter @b : tensor<3xf32>
  %y = snn.linear %x, @w, @b : tensor<4xi1> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.linear` is not well formed: the bias @b must have the shape [4], got [3] [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<5xf32> {
  snn.parameter @w : tensor<4x4xf32>
  %y = snn.linear %x, @w : tensor<4xi1> -> tensor<5xf32>
  snn.return %y : tensor<5xf32>
}
// CHECK: error: `snn.linear` is not well formed: snn.linear yields tensor<4xf32>, but its result is declared as tensor<5xf32> [E0202]

// -----

// --- sums, neurons, previous and flatten

snn.network @n(%x: tensor<4xf32>) -> tensor<4xf32> {
  snn.parameter @w : tensor<3x4xf32>
  %y = snn.linear %x, @w : tensor<4xf32> -> tensor<3xf32>
  %z = snn.add %x, %y : tensor<4xf32>, tensor<3xf32> -> tensor<4xf32>
  snn.return %z : tensor<4xf32>
}
// CHECK: error: `snn.add` is not well formed: only values of one shape can be added, got [4] and [3] [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xi1> {
  %z = snn.add %x, %x : tensor<4xi1>, tensor<4xi1> -> tensor<4xi1>
  snn.return %z : tensor<4xi1>
}
// CHECK: error: cannot parse this: currents are a tensor of f32 [E0201]

// -----

snn.network @n(%x: tensor<4xf32>) -> tensor<5xi1> {
  %s = snn.lif %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<4xf32> -> tensor<5xi1>
  snn.return %s : tensor<5xi1>
}
// CHECK: error: `snn.lif` is not well formed: snn.lif yields tensor<4xi1>, but its result is declared as tensor<5xi1> [E0202]

// -----

snn.network @n(%x: tensor<4xf32>) -> tensor<4xi1> {
  %s = snn.lif %x <decay 1.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<4xf32> -> tensor<4xi1>
  snn.return %s : tensor<4xi1>
}
// CHECK: error: cannot parse this: decay must lie in [0, 1], got 1.5 [E0201]

// -----

snn.network @n(%x: tensor<4xf32>) -> tensor<4xi1> {
  %s = snn.lif %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.0, 1.0)> layer "s" : tensor<4xf32> -> tensor<4xi1>
  snn.return %s : tensor<4xi1>
}
// CHECK: error: cannot parse this: a surrogate's half width or slope must be above 0, got 0.0 [E0201]

// -----

snn.network @n(%x: tensor<4xf32>) -> tensor<4xi1> {
  %s = snn.lif %x <decay 0.5, threshold 1.0e+999, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<4xf32> -> tensor<4xi1>
  snn.return %s : tensor<4xi1>
}
// CHECK: error: expected a finite number [E0201]

// -----

snn.network @n(%x: tensor<4xf32>) -> tensor<4xi1> {
  %s = snn.lif %x <decay 0.5, threshold 0.5, reset half, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<4xf32> -> tensor<4xi1>
  snn.return %s : tensor<4xi1>
}
// CHECK: error: Expected `zero`, `subtract`, or `none` [E0201]

// -----

snn.network @n(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = snn.li %x decay -0.5 layer "y" : tensor<4xf32> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.li` is not well formed: decay must lie in [0, 1], got -0.5 [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xf32> {
  %y = snn.previous %x : tensor<4xi1> -> tensor<4xf32>
  snn.return %y : tensor<4xf32>
}
// CHECK: error: `snn.previous` is not well formed: snn.previous yields tensor<4xi1>, but its result is declared as tensor<4xf32> [E0202]

// -----

snn.network @n(%x: tensor<*xi1>) -> tensor<*xf32> {
  %y = snn.previous %x : tensor<*xi1> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
// CHECK: error: `snn.previous` is not well formed: the previous value of spikes are spikes, of currents currents [E0202]

// -----

snn.network @n(%x: tensor<2x2xi1>) -> tensor<3xi1> {
  %y = snn.flatten %x : tensor<2x2xi1> -> tensor<3xi1>
  snn.return %y : tensor<3xi1>
}
// CHECK: error: `snn.flatten` is not well formed: snn.flatten yields tensor<4xi1>, but its result is declared as tensor<3xi1> [E0202]

// -----

snn.network @n(%x: tensor<*xi1>) -> tensor<*xf32> {
  %y = snn.flatten %x : tensor<*xi1> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
// CHECK: error: `snn.flatten` is not well formed: flattened spikes are spikes, flattened currents currents [E0202]

// -----

// --- training

snn.train @n steps 0 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <digits {}>
// CHECK: error: `snn.train` is not well formed: steps must lie in [1, 16777216], got 0 [E0202]

// -----

snn.train @n steps 1 batch 16777217 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <digits {}>
// CHECK: error: `snn.train` is not well formed: batch must lie in [1, 16777216], got 16777217 [E0202]

// -----

snn.train @n steps 1 batch 1 epochs 1 seed -1 loss mse optimizer <adam, rate 0.1> data <digits {}>
// CHECK: error: `snn.train` is not well formed: seed must not be negative, got -1 [E0202]

// -----

snn.train @n steps 1 batch 1 epochs 1 seed 99999999999999999999 loss mse optimizer <adam, rate 0.1> data <digits {}>
// CHECK: error: integer does not fit into 64 bits [E0201]

// -----

snn.train @n steps 1 batch 1 epochs 1 seed 1 loss hinge optimizer <adam, rate 0.1> data <digits {}>
// CHECK: error: Expected `cross_entropy`, or `mse` [E0201]

// -----

snn.train @n steps 1 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.0> data <digits {}>
// CHECK: error: cannot parse this: the optimizer's rate must be above 0, got 0.0 [E0201]

// -----

snn.train @n steps 1 batch 1 epochs 1 seed 1 loss mse optimizer <sgd, rate 0.1, momentum 1.0> data <digits {}>
// CHECK: error: cannot parse this: the optimizer's momentum must lie in [0, 1), got 1.0 [E0201]

// -----

snn.train @n steps 1 batch 1 epochs 1 seed 1 loss mse optimizer <adamw, rate 0.1, decay -1.0> data <digits {}>
// CHECK: error: cannot parse this: the optimizer's decay must not be negative, got -1.0 [E0201]

// -----

snn.train @n steps 1 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <faces {}>
// CHECK: error: cannot parse this: unknown data source 'faces', expected one of digits, file, random, delayed_match [E0201]

// -----

snn.train @n steps 1 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <digits {path = "x"}>
// CHECK: error: cannot parse this: data source 'digits' takes no argument 'path' [E0201]

// -----

snn.train @n steps 1 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <digits {encode = 1 : i64}>
// CHECK: error: cannot parse this: argument 'encode' of data source 'digits' must be of type str [E0201]

// -----

snn.train @n steps 1 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <digits {}>
// CHECK: error: `snn.train` is not well formed: there is no network @n in this module [E0202]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xi1> {
  snn.return %x : tensor<4xi1>
}
snn.train @n steps 1 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <digits {}>
snn.train @n steps 1 batch 1 epochs 1 seed 1 loss mse optimizer <adam, rate 0.1> data <digits {}>
// CHECK: error: `snn.train` is not well formed: the network @n is trained twice [E0202]

// -----

snn.interface @n : (tensor<4xi1>) -> tensor<4xi1> {
}
// CHECK: error: `snn.interface` is not well formed: there is no network @n in this module [E0202]

// -----

snn.interface @n : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1> {
}
// CHECK: error: `snn.interface` is not well formed: a network has one input and one output, tensors of i1 or f32 [E0202]

// -----

snn.interface @n : (tensor<4xi1>) -> tensor<?xi1> {
}
// CHECK: error: `snn.interface` is not well formed: the shape of tensor<?xi1> is open [E0202]

// -----

snn.interface @n : (tensor<4xi1>) -> tensor<4xi1> {
  snn.neurons "a" : tensor<4xi1>
  snn.neurons "a" : tensor<4xi1>
}
// CHECK: error: `snn.interface` is not well formed: there are two layers "a" [E0202]

// -----

snn.interface @n : (tensor<4xi1>) -> tensor<4xi1> {
  "test.op"() : () -> ()
}
// CHECK: error: `snn.interface` is not well formed: test.op is no part of an interface [E0202]

// -----

snn.interface @n : tensor<4xi1> {
}
// CHECK: error: expected (input) -> output [E0201]
