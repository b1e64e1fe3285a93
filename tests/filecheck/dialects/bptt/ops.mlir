// RUN: spikeloom-opt %s | spikeloom-opt | filecheck %s
// RUN: spikeloom-opt %s --print-op-generic | spikeloom-opt | filecheck %s

// A feed-forward step: whole sequences everywhere.
// CHECK:      builtin.module {
// CHECK-NEXT: bptt.step @feedforward steps 16 batch 64 (%image: tensor<?x?x2x4xi1>, %label: tensor<?xi32>) {
bptt.step @feedforward steps 16 batch 64 (%image: tensor<?x?x2x4xi1>, %label: tensor<?xi32>) {
  // CHECK-NEXT: snn.parameter @a.weight : tensor<16x8xf32> fan_in 8
  snn.parameter @a.weight : tensor<16x8xf32> fan_in 8
  // CHECK-NEXT: snn.parameter @a.bias : tensor<16xf32> fan_in 8
  snn.parameter @a.bias : tensor<16xf32> fan_in 8
  // CHECK-NEXT: snn.parameter @b.weight : tensor<3x16xf32> fan_in 16
  snn.parameter @b.weight : tensor<3x16xf32> fan_in 16
  // CHECK-NEXT: %flat = bptt.reshape %image : tensor<?x?x2x4xi1> -> tensor<?x?x8xi1>
  %flat = bptt.reshape %image : tensor<?x?x2x4xi1> -> tensor<?x?x8xi1>
  // CHECK-NEXT: %i = bptt.synapse %flat, @a.weight, @a.bias : tensor<?x?x8xi1> -> tensor<?x?x16xf32>
  %i = bptt.synapse %flat, @a.weight, @a.bias : tensor<?x?x8xi1> -> tensor<?x?x16xf32>
  // CHECK-NEXT: %j = bptt.add %i, %i : tensor<?x?x16xf32>
  %j = bptt.add %i, %i : tensor<?x?x16xf32>
  // CHECK-NEXT: %s, %mask, %potential = bptt.fire %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" saving mask, potential : tensor<?x?x16xf32>
  %s, %mask, %potential = bptt.fire %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" saving mask, potential : tensor<?x?x16xf32>
  // CHECK-NEXT: %t, %tm = bptt.fire %j <decay 0.5, threshold 0.5, reset subtract, surrogate rectangle(0.5, 1.0)> layer "t" saving mask : tensor<?x?x16xf32>
  %t, %tm = bptt.fire %j <decay 0.5, threshold 0.5, reset subtract, surrogate rectangle(0.5, 1.0)> layer "t" saving mask : tensor<?x?x16xf32>
  // CHECK-NEXT: %u, %up = bptt.fire %j <decay 0.5, threshold 0.5, reset none, surrogate atan(2.0)> layer "u" saving potential : tensor<?x?x16xf32>
  %u, %up = bptt.fire %j <decay 0.5, threshold 0.5, reset none, surrogate atan(2.0)> layer "u" saving potential : tensor<?x?x16xf32>
  // CHECK-NEXT: %v = bptt.fire %j <decay 0.5, threshold 0.5, reset none, surrogate triangle(0.5, 1.0)> layer "v" : tensor<?x?x16xf32>
  %v = bptt.fire %j <decay 0.5, threshold 0.5, reset none, surrogate triangle(0.5, 1.0)> layer "v" : tensor<?x?x16xf32>
  // CHECK-NEXT: %late = bptt.delay %s : tensor<?x?x16xi1> -> tensor<?x?x16xi1>
  %late = bptt.delay %s : tensor<?x?x16xi1> -> tensor<?x?x16xi1>
  // CHECK-NEXT: %k = bptt.synapse %late, @b.weight : tensor<?x?x16xi1> -> tensor<?x?x3xf32>
  %k = bptt.synapse %late, @b.weight : tensor<?x?x16xi1> -> tensor<?x?x3xf32>
  // CHECK-NEXT: %y = bptt.integrate %k decay 0.9 layer "b" : tensor<?x?x3xf32>
  %y = bptt.integrate %k decay 0.9 layer "b" : tensor<?x?x3xf32>
  // CHECK-NEXT: %r = bptt.readout mean %y : tensor<?x?x3xf32> -> tensor<?x3xf32>
  %r = bptt.readout mean %y : tensor<?x?x3xf32> -> tensor<?x3xf32>
  // CHECK-NEXT: %total = bptt.readout sum %s : tensor<?x?x16xi1> -> tensor<?x16xf32>
  %total = bptt.readout sum %s : tensor<?x?x16xi1> -> tensor<?x16xf32>
  // CHECK-NEXT: %loss, %correct, %gr = bptt.loss mse %r, %label with_gradient : tensor<?x3xf32>, tensor<?xi32>
  %loss, %correct, %gr = bptt.loss mse %r, %label with_gradient : tensor<?x3xf32>, tensor<?xi32>
  // CHECK-NEXT: %loss2, %correct2 = bptt.loss cross_entropy %total, %label : tensor<?x16xf32>, tensor<?xi32>
  %loss2, %correct2 = bptt.loss cross_entropy %total, %label : tensor<?x16xf32>, tensor<?xi32>
  // CHECK-NEXT: bptt.report %loss as "loss" of "" : tensor<f32>
  bptt.report %loss as "loss" of "" : tensor<f32>
  // CHECK-NEXT: bptt.report %s as "spikes" of "a" : tensor<?x?x16xi1>
  bptt.report %s as "spikes" of "a" : tensor<?x?x16xi1>
  // CHECK-NEXT: %gy = bptt.readout_gradient mean %gr : tensor<?x3xf32> -> tensor<?x?x3xf32>
  %gy = bptt.readout_gradient mean %gr : tensor<?x3xf32> -> tensor<?x?x3xf32>
  // CHECK-NEXT: %gk = bptt.integrate_gradient %gy decay 0.9 layer "b" : tensor<?x?x3xf32>
  %gk = bptt.integrate_gradient %gy decay 0.9 layer "b" : tensor<?x?x3xf32>
  // CHECK-NEXT: %gl = bptt.synapse_input_gradient %gk, @b.weight : tensor<?x?x3xf32> -> tensor<?x?x16xf32>
  %gl = bptt.synapse_input_gradient %gk, @b.weight : tensor<?x?x3xf32> -> tensor<?x?x16xf32>
  // CHECK-NEXT: %gs = bptt.advance %gl : tensor<?x?x16xf32> -> tensor<?x?x16xf32>
  %gs = bptt.advance %gl : tensor<?x?x16xf32> -> tensor<?x?x16xf32>
  // CHECK-NEXT: %gj = bptt.fire_gradient %gs from spikes %s, mask %mask, potential %potential <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x16xf32>
  %gj = bptt.fire_gradient %gs from spikes %s, mask %mask, potential %potential <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" : tensor<?x?x16xf32>
  // CHECK-NEXT: %gm = bptt.fire_gradient %gs from mask %tm <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.5, 1.0), detach_reset> layer "t" : tensor<?x?x16xf32>
  %gm = bptt.fire_gradient %gs from mask %tm <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.5, 1.0), detach_reset> layer "t" : tensor<?x?x16xf32>
  // CHECK-NEXT: %gu = bptt.fire_gradient %gs from potential %up <decay 0.5, threshold 0.5, reset none, surrogate atan(2.0)> layer "u" : tensor<?x?x16xf32>
  %gu = bptt.fire_gradient %gs from potential %up <decay 0.5, threshold 0.5, reset none, surrogate atan(2.0)> layer "u" : tensor<?x?x16xf32>
  // CHECK-NEXT: %gw = bptt.synapse_weight_gradient %gj, %flat : tensor<?x?x16xf32>, tensor<?x?x8xi1> -> tensor<16x8xf32>
  %gw = bptt.synapse_weight_gradient %gj, %flat : tensor<?x?x16xf32>, tensor<?x?x8xi1> -> tensor<16x8xf32>
  // CHECK-NEXT: %gb = bptt.bias_gradient %gj : tensor<?x?x16xf32> -> tensor<16xf32>
  %gb = bptt.bias_gradient %gj : tensor<?x?x16xf32> -> tensor<16xf32>
  // CHECK-NEXT: bptt.optimize @a.weight, %gw <adam, rate 0.002> : tensor<16x8xf32>
  bptt.optimize @a.weight, %gw <adam, rate 0.002> : tensor<16x8xf32>
  // CHECK-NEXT: bptt.optimize @a.bias, %gb <sgd, rate 0.1, momentum 0.9> {note = "discardable"} : tensor<16xf32>
  bptt.optimize @a.bias, %gb <sgd, rate 0.1, momentum 0.9> {note = "discardable"} : tensor<16xf32>
// CHECK-NEXT: }
}

// A recurrent step: `previous` became scans, in which a value is one time step.
// CHECK-NEXT: bptt.step @recurrent steps 4 batch 1 (%input: tensor<?x?x8xf32>) attributes {note = "discardable"} {
bptt.step @recurrent steps 4 batch 1 (%input: tensor<?x?x8xf32>) attributes {note = "discardable"} {
  // CHECK-NEXT: snn.parameter @h.weight : tensor<8x8xf32> fan_in 8
  snn.parameter @h.weight : tensor<8x8xf32> fan_in 8
  // CHECK-NEXT: %h, %m, %p = bptt.scan forward over (%x = %input : tensor<?x?x8xf32>) carrying (%sp: tensor<?x8xi1>, %up: tensor<?x8xf32>) -> (tensor<?x?x8xi1>, tensor<?x?x8xi1>, tensor<?x?x8xf32>) {
  %h, %m, %p = bptt.scan forward over (%x = %input : tensor<?x?x8xf32>) carrying (%sp: tensor<?x8xi1>, %up: tensor<?x8xf32>) -> (tensor<?x?x8xi1>, tensor<?x?x8xi1>, tensor<?x?x8xf32>) {
    // CHECK-NEXT: %r = bptt.synapse %sp, @h.weight : tensor<?x8xi1> -> tensor<?x8xf32>
    %r = bptt.synapse %sp, @h.weight : tensor<?x8xi1> -> tensor<?x8xf32>
    // CHECK-NEXT: %i = bptt.add %x, %r : tensor<?x8xf32>
    %i = bptt.add %x, %r : tensor<?x8xf32>
    // CHECK-NEXT: %s, %sm, %u = bptt.fire %i after potential %up, spikes %sp <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" saving mask, potential : tensor<?x8xf32>
    %s, %sm, %u = bptt.fire %i after potential %up, spikes %sp <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" saving mask, potential : tensor<?x8xf32>
    // CHECK-NEXT: bptt.yield next %s, %u : tensor<?x8xi1>, tensor<?x8xf32> collect %s, %sm, %u : tensor<?x8xi1>, tensor<?x8xi1>, tensor<?x8xf32>
    bptt.yield next %s, %u : tensor<?x8xi1>, tensor<?x8xf32> collect %s, %sm, %u : tensor<?x8xi1>, tensor<?x8xi1>, tensor<?x8xf32>
  // CHECK-NEXT: }
  }
  // CHECK-NEXT: %g = bptt.scan backward over (%gx = %p : tensor<?x?x8xf32>, %sb = %h : tensor<?x?x8xi1>, %mb = %m : tensor<?x?x8xi1>, %ub = %p : tensor<?x?x8xf32>) carrying (%next: tensor<?x8xf32>, %state: tensor<?x8xf32>) -> (tensor<?x?x8xf32>) {
  %g = bptt.scan backward over (%gx = %p : tensor<?x?x8xf32>, %sb = %h : tensor<?x?x8xi1>, %mb = %m : tensor<?x?x8xi1>, %ub = %p : tensor<?x?x8xf32>) carrying (%next: tensor<?x8xf32>, %state: tensor<?x8xf32>) -> (tensor<?x?x8xf32>) {
    // CHECK-NEXT: %gs = bptt.fire_gradient %gx from spikes %sb, mask %mb, potential %ub after gradient %next <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" : tensor<?x8xf32>
    %gs = bptt.fire_gradient %gx from spikes %sb, mask %mb, potential %ub after gradient %next <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "h" : tensor<?x8xf32>
    // CHECK-NEXT: %li = bptt.integrate_gradient %gs after state %state decay 0.9 layer "l" : tensor<?x8xf32>
    %li = bptt.integrate_gradient %gs after state %state decay 0.9 layer "l" : tensor<?x8xf32>
    // CHECK-NEXT: bptt.yield next %gs, %li : tensor<?x8xf32>, tensor<?x8xf32> collect %gs : tensor<?x8xf32>
    bptt.yield next %gs, %li : tensor<?x8xf32>, tensor<?x8xf32> collect %gs : tensor<?x8xf32>
  // CHECK-NEXT: }
  }
  // CHECK-NEXT: %none = bptt.scan forward over (%z = %input : tensor<?x?x8xf32>) carrying () -> (tensor<?x?x8xf32>) attributes {note = "discardable"} {
  %none = bptt.scan forward over (%z = %input : tensor<?x?x8xf32>) carrying () -> (tensor<?x?x8xf32>) attributes {note = "discardable"} {
    // CHECK-NEXT: bptt.yield collect %z : tensor<?x8xf32>
    bptt.yield collect %z : tensor<?x8xf32>
  // CHECK-NEXT: }
  }
  // CHECK-NEXT: %free = bptt.scan forward over () carrying (%n: tensor<?x8xf32>) -> (tensor<?x?x8xf32>) {
  %free = bptt.scan forward over () carrying (%n: tensor<?x8xf32>) -> (tensor<?x?x8xf32>) {
    // CHECK-NEXT: %o = bptt.integrate %n after state %n decay 0.0 layer "o" : tensor<?x8xf32>
    %o = bptt.integrate %n after state %n decay 0.0 layer "o" : tensor<?x8xf32>
    // CHECK-NEXT: bptt.yield next %o : tensor<?x8xf32> collect %n : tensor<?x8xf32>
    bptt.yield next %o : tensor<?x8xf32> collect %n : tensor<?x8xf32>
  // CHECK-NEXT: }
  }
// CHECK-NEXT: }
}
// CHECK-NEXT: }
