// RUN: spikeloom-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

// --- steps

bptt.step @n steps 0 batch 2 (%x: tensor<?x?x4xi1>) {
}
// CHECK: error: `bptt.step` is not well formed: steps must lie in [1, 16777216], got 0 [E0202]

// -----

bptt.step @n steps 4 batch 16777217 (%x: tensor<?x?x4xi1>) {
}
// CHECK: error: `bptt.step` is not well formed: batch must lie in [1, 16777216], got 16777217 [E0202]

// -----

bptt.step @n steps 99999999999999999999 batch 1 (%x: tensor<?x?x4xi1>) {
}
// CHECK: error: integer does not fit into 64 bits [E0201]

// -----

bptt.step @n steps 4 batch 2 () {
}
// CHECK: error: `bptt.step` is not well formed: a step takes the input and, for a loss, the labels [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi32>) {
}
// CHECK: error: `bptt.step` is not well formed: the input is a tensor of i1 or f32, got tensor<?x?x4xi32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x4x4xi1>) {
}
// CHECK: error: `bptt.step` is not well formed: the input has the shape tensor<?x?x...>, got tensor<?x4x4xi1> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x?xi1>) {
}
// CHECK: error: `bptt.step` is not well formed: the input has the shape tensor<?x?x...>, got tensor<?x?x?xi1> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %l: tensor<4xi32>) {
}
// CHECK: error: `bptt.step` is not well formed: labels are a tensor<?xi32>, got tensor<4xi32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x?xf32>
}
// CHECK: error: `bptt.step` is not well formed: a parameter of a step is [out], [out, in] or [out, in, height, width], got tensor<3x?xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x2x2xf32>
}
// CHECK: error: `bptt.step` is not well formed: a parameter of a step is [out], [out, in] or [out, in, height, width], got tensor<3x2x2xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  snn.parameter @w : tensor<3x4xf32>
}
// CHECK: error: `bptt.step` is not well formed: Redefinition of symbol "w" [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %b = bptt.delay %a : tensor<?x?x4xi1> -> tensor<?x?x4xi1>
  %a = bptt.delay %x : tensor<?x?x4xi1> -> tensor<?x?x4xi1>
}
// CHECK: error: `bptt.step` is not well formed: bptt.delay uses a value before it is defined [E0202]

// -----

// --- synapses and their gradients

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.synapse %x, @v : tensor<?x?x4xi1> -> tensor<?x?x3xf32>
}
// CHECK: error: `bptt.synapse` is not well formed: bptt.synapse names @v, which is no parameter of the step [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.synapse %x, @w : tensor<?x?x4xi1> -> tensor<?x?x4xf32>
}
// CHECK: error: `bptt.synapse` is not well formed: @w must have the shape [4, 4], got [3, 4] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.synapse %x, @w, @w : tensor<?x?x4xi1> -> tensor<?x?x3xf32>
}
// CHECK: error: `bptt.synapse` is not well formed: @w must have the shape [3], got [3, 4] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x2xi1>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.synapse %x, @w : tensor<?x?x2x2xi1> -> tensor<?x?x3xf32>
}
// CHECK: error: `bptt.synapse` is not well formed: the input of a synapse is a vector per sample, got tensor<?x?x2x2xi1> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.synapse %x, @w : tensor<?x?x4xi1> -> tensor<?x3xf32>
}
// CHECK: error: `bptt.synapse` is not well formed: the current of a synapse has the shape tensor<?x?x...>, got tensor<?x3xf32> [E0202]

// -----

%x = "test.op"() : () -> tensor<?x?x4xi1>
%y = bptt.synapse %x, @w : tensor<?x?x4xi1> -> tensor<?x?x3xf32>
// CHECK: error: `bptt.synapse` is not well formed: bptt.synapse must stand inside a bptt.step [E0202]

// -----

bptt.step @n steps 4 batch 2 (%g: tensor<?x?x3xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.synapse_input_gradient %g, @w : tensor<?x?x3xf32> -> tensor<?x?x3xf32>
}
// CHECK: error: `bptt.synapse_input_gradient` is not well formed: @w must have the shape [3, 3], got [3, 4] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%g: tensor<?x?x3xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.synapse_weight_gradient %g, %g : tensor<?x?x3xf32>, tensor<?x?x3xf32> -> tensor<3x4xf32>
}
// CHECK: error: `bptt.synapse_weight_gradient` is not well formed: the sum over time and batch is a tensor<3x3xf32>, got tensor<3x4xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%g: tensor<?x?x3xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.bias_gradient %g : tensor<?x?x3xf32> -> tensor<4xf32>
}
// CHECK: error: `bptt.bias_gradient` is not well formed: the sum over time and batch is a tensor<3xf32>, got tensor<4xf32> [E0202]

// -----

// --- sequences

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = "bptt.add"(%c, %c) : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x3xf32>
}
// CHECK: error: `bptt.add` is not well formed: bptt.add wants one shape, got tensor<?x?x3xf32>, tensor<?x?x4xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.delay %x : tensor<?x?x4xi1> -> tensor<?x?x4xf32>
}
// CHECK: error: `bptt.delay` is not well formed: bptt.delay wants one type, got tensor<?x?x4xf32>, tensor<?x?x4xi1> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.reshape %x : tensor<?x?x4xi1> -> tensor<?x?x3xi1>
}
// CHECK: error: `bptt.reshape` is not well formed: a reshape keeps the number of units [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.reshape %x : tensor<?x?x4xi1> -> tensor<?x?x2x2xf32>
}
// CHECK: error: `bptt.reshape` is not well formed: reshaped spikes are spikes, reshaped currents currents [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.reshape %x : tensor<?x?x4xi1> -> tensor<?x4xi1>
}
// CHECK: error: `bptt.reshape` is not well formed: an operand of bptt.reshape has the shape tensor<?x?x...>, got tensor<?x4xi1> [E0202]

// -----

// --- neurons

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.fire %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x4xi1>
}
// CHECK: error: expected a tensor of f32 [E0201]

// -----

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %s, %p = bptt.fire %c <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" saving potential, voltage : tensor<?x?x4xf32>
}
// CHECK: error: Expected one of 'mask', 'potential' [E0201]

// -----

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %s = "bptt.fire"(%c) <{neuron = #snn.neuron<decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)>, layer = "a", operandSegmentSizes = array<i32: 1, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>}> : (tensor<?x?x4xf32>) -> tensor<?x?x3xi1>
}
// CHECK: error: `bptt.fire` is not well formed: all operands and results of bptt.fire have one shape [E0202]

// -----

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %s = bptt.fire %c after potential %c <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x4xf32>
}
// CHECK: error: `bptt.fire` is not well formed: only a scan carries a state from one step to the next [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  %s = bptt.scan forward over (%c = %x : tensor<?x?x4xf32>) carrying (%u: tensor<?x4xf32>) -> (tensor<?x?x4xi1>) {
    %s, %v = bptt.fire %c after potential %u <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" saving potential : tensor<?x4xf32>
    bptt.yield next %v : tensor<?x4xf32> collect %s : tensor<?x4xi1>
  }
}
// CHECK: error: `bptt.fire` is not well formed: a reset needs the previous spikes beside the potential [E0202]

// -----

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.fire_gradient %c <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x4xf32>
}
// CHECK: error: `bptt.fire_gradient` is not well formed: the gradient of this surrogate needs the mask [E0202]

// -----

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.fire_gradient %c from mask %c <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x4xf32>
}
// CHECK: error: operand is used with type tensor<?x?x4xi1>, but has been previously used or defined with type tensor<?x?x4xf32> [E0201]

// -----

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %s, %m = bptt.fire %c <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" saving mask : tensor<?x?x4xf32>
  %y = bptt.fire_gradient %c from mask %m <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x4xf32>
}
// CHECK: error: `bptt.fire_gradient` is not well formed: the gradient of this neuron needs the potential [E0202]

// -----

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %s, %m, %u = bptt.fire %c <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" saving mask, potential : tensor<?x?x4xf32>
  %y = bptt.fire_gradient %c from mask %m, potential %u <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x4xf32>
}
// CHECK: error: `bptt.fire_gradient` is not well formed: the gradient of a reset to zero needs the spikes [E0202]

// -----

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.integrate %c decay 1.5 layer "a" : tensor<?x?x4xf32>
}
// CHECK: error: `bptt.integrate` is not well formed: decay must lie in [0, 1], got 1.5 [E0202]

// -----

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.integrate_gradient %c after state %c decay 0.5 layer "a" : tensor<?x?x4xf32>
}
// CHECK: error: `bptt.integrate_gradient` is not well formed: only a scan carries a state from one step to the next [E0202]

// -----

// --- readout, loss, updates and reports

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.readout sum %x : tensor<?x?x4xi1> -> tensor<?x3xf32>
}
// CHECK: error: `bptt.readout` is not well formed: a readout has the output's shape [4] per sample, got [3] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.readout sum %x : tensor<?x?x4xi1> -> tensor<?x?x4xf32>
}
// CHECK: error: `bptt.readout` is not well formed: a readout has the shape tensor<?x...>, got tensor<?x?x4xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %y = bptt.readout median %x : tensor<?x?x4xi1> -> tensor<?x4xf32>
}
// CHECK: error: Expected `sum`, or `mean` [E0201]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %r = bptt.readout sum %x : tensor<?x?x4xi1> -> tensor<?x4xf32>
  %y = bptt.readout_gradient sum %r : tensor<?x4xf32> -> tensor<?x?x3xf32>
}
// CHECK: error: `bptt.readout_gradient` is not well formed: a readout has the output's shape [3] per sample, got [4] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x2x2xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %r = bptt.readout sum %x : tensor<?x?x2x2xi1> -> tensor<?x2x2xf32>
  %l, %c = bptt.loss mse %r, %i : tensor<?x2x2xf32>, tensor<?xi32>
}
// CHECK: error: `bptt.loss` is not well formed: the readout of a loss is a vector per sample, got tensor<?x2x2xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %r = bptt.readout sum %x : tensor<?x?x4xi1> -> tensor<?x4xf32>
  %l, %c = bptt.loss hinge %r, %i : tensor<?x4xf32>, tensor<?xi32>
}
// CHECK: error: Expected `cross_entropy`, or `mse` [E0201]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  %j = "test.op"() : () -> tensor<4xi32>
  %r = bptt.readout sum %x : tensor<?x?x4xi1> -> tensor<?x4xf32>
  %l, %c = bptt.loss mse %r, %j : tensor<?x4xf32>, tensor<4xi32>
}
// CHECK: error: `bptt.loss` is not well formed: labels are a tensor<?xi32>, got tensor<4xi32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%c: tensor<?x?x4xf32>) {
  snn.parameter @w : tensor<3x4xf32>
  %g = bptt.bias_gradient %c : tensor<?x?x4xf32> -> tensor<4xf32>
  bptt.optimize @w, %g <sgd, rate 0.1, momentum 0.0> : tensor<4xf32>
}
// CHECK: error: `bptt.optimize` is not well formed: @w must have the shape [4], got [3, 4] [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xi1>, %i: tensor<?xi32>) {
  snn.parameter @w : tensor<3x4xf32>
  bptt.report %x as "gossip" of "n" : tensor<?x?x4xi1>
}
// CHECK: error: `bptt.report` is not well formed: nothing is reported as 'gossip', expected one of loss, correct, readout, spikes, gradient [E0202]

// -----

bptt.step @updated steps 4 batch 8 (%x: tensor<?x?x8xf32>) {
  snn.parameter @b : tensor<8xf32>
  %g = bptt.bias_gradient %x : tensor<?x?x8xf32> -> tensor<8xf32>
  bptt.optimize @b, %g <adam, rate 0.1> : tensor<8xf32>
  bptt.optimize @b, %g <sgd, rate 0.1, momentum 0.5> : tensor<8xf32>
}
// CHECK: error: `bptt.step` is not well formed: @b is updated more than once [E0202]

// -----

// --- scans

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  %y = bptt.scan sideways over (%c = %x : tensor<?x?x4xf32>) carrying () -> (tensor<?x?x4xf32>) {
    bptt.yield collect %c : tensor<?x4xf32>
  }
}
// CHECK: error: Expected one of 'backward', 'forward' [E0201]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  %y = "bptt.scan"(%x) <{direction = "sideways"}> ({
  ^bb0(%c: tensor<?x4xf32>):
    "bptt.yield"(%c) <{operandSegmentSizes = array<i32: 0, 1>}> : (tensor<?x4xf32>) -> ()
  }) : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
}
// CHECK: error: `bptt.scan` is not well formed: a scan goes forward or backward, not 'sideways' [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  "bptt.scan"(%x) <{direction = "forward"}> ({
    "bptt.yield"() <{operandSegmentSizes = array<i32: 0, 0>}> : () -> ()
  }) : (tensor<?x?x4xf32>) -> ()
}
// CHECK: error: `bptt.scan` is not well formed: a scan's body has an argument for every sequence [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  "bptt.scan"(%x) <{direction = "forward"}> ({
  ^bb0(%c: tensor<?x3xf32>):
    "bptt.yield"() <{operandSegmentSizes = array<i32: 0, 0>}> : () -> ()
  }) : (tensor<?x?x4xf32>) -> ()
}
// CHECK: error: `bptt.scan` is not well formed: one step of tensor<?x?x4xf32> is tensor<?x4xf32>, not tensor<?x3xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  "bptt.scan"() <{direction = "forward"}> ({
  ^bb0:
  }) : () -> ()
}
// CHECK: error: `bptt.scan` is not well formed: 'bptt.scan' contains empty block instead of at least terminating with bptt.yield [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  %y = bptt.scan forward over (%c = %x : tensor<f32>) carrying () -> (tensor<?x?x4xf32>) {
    bptt.yield collect %c : tensor<?x4xf32>
  }
}
// CHECK: error: expected a tensor with a time dimension [E0201]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  %y = bptt.scan forward over (%c = %x : tensor<?x?x4xf32>) carrying (%u: tensor<?x4xf32>) -> (tensor<?x?x4xf32>) {
    bptt.yield collect %c : tensor<?x4xf32>
  }
}
// CHECK: error: `bptt.scan` is not well formed: `next` hands on one value of the right type per carried value [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  %y = bptt.scan forward over (%c = %x : tensor<?x?x4xf32>) carrying () -> (tensor<?x?x3xf32>) {
    bptt.yield collect %c : tensor<?x4xf32>
  }
}
// CHECK: error: `bptt.scan` is not well formed: a scan yields the sequences of what it collects [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  %y = bptt.scan forward over (%c = %x : tensor<?x?x4xf32>) carrying () -> (tensor<?x?x4xf32>) {
    %d = bptt.add %x, %x : tensor<?x?x4xf32>
    bptt.yield collect %c : tensor<?x4xf32>
  }
}
// CHECK: error: `bptt.add` is not well formed: an operand of bptt.add has the shape tensor<?x...>, got tensor<?x?x4xf32> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  bptt.yield collect %x : tensor<?x?x4xf32>
}
// CHECK: error: `bptt.yield` is not well formed: 'bptt.yield' expects parent op 'bptt.scan' [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) {
  snn.parameter @a.weight : tensor<4x4xf32> fan_in 4
  %s, %m = bptt.fire %x <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "s" saving mask : tensor<?x?x4xf32>
  %n = bptt.reshape %m : tensor<?x?x4xi1> -> tensor<?x?x2x2xi1>
  %g = bptt.synapse_input_gradient %x, @a.weight masked_by %n : tensor<?x?x4xf32>, tensor<?x?x2x2xi1> -> tensor<?x?x4xf32>
}
// CHECK: error: `bptt.synapse_input_gradient` is not well formed: a mask has the shape of its tensor<?x?x4xf32>, got tensor<?x?x2x2xi1> [E0202]

// -----

bptt.step @n steps 4 batch 2 (%x: tensor<?x?x4xf32>) attributes {accumulation = #bptt.accumulation<tables of 9, cycles 1, femtojoules 1>} {
}
// CHECK: error: cannot parse this: a table has 1 to 8 inputs, got 9 [E0201]
