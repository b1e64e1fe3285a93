// RUN: spikeloom-opt %s -p 'analyze-sparsity{input=0.125}' --split-input-file --verify-diagnostics | filecheck %s

// One layer without a bias, fed with a sparse input: a neuron with a reset to zero spikes only at
// currents, which exist only where one of the two inputs spikes.
bptt.step @sparse steps 4 batch 2 (%x: tensor<?x?x2xi1>, %label: tensor<?xi32>) {
  snn.parameter @output.weight : tensor<3x2xf32> fan_in 2
  %i = bptt.synapse %x, @output.weight : tensor<?x?x2xi1> -> tensor<?x?x3xf32>
  %s, %m = bptt.fire %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.25, 1.0), detach_reset> layer "output" saving mask : tensor<?x?x3xf32>
  bptt.report %s as "spikes" of "output" : tensor<?x?x3xi1>
  %r = bptt.readout sum %s : tensor<?x?x3xi1> -> tensor<?x3xf32>
  %loss, %correct, %g = bptt.loss cross_entropy %r, %label with_gradient : tensor<?x3xf32>, tensor<?xi32>
  %gr = bptt.readout_gradient sum %g : tensor<?x3xf32> -> tensor<?x?x3xf32>
  %gu = bptt.fire_gradient %gr from spikes %s, mask %m <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.25, 1.0), detach_reset> layer "output" : tensor<?x?x3xf32>
  %gw = bptt.synapse_weight_gradient %gu, %x : tensor<?x?x3xf32>, tensor<?x?x2xi1> -> tensor<3x2xf32>
  bptt.report %gw as "gradient" of "output.weight" : tensor<3x2xf32>
}
// CHECK: bptt.step @sparse steps 4 batch 2 (%x: tensor<?x?x2xi1>, %label: tensor<?xi32>) attributes {input_density = #bptt.density<at_least 0.0, at_most 0.125>} {
// CHECK: %i = bptt.synapse %x, @output.weight {density = #bptt.density<at_least 0.0, at_most 0.25>} : tensor<?x?x2xi1> -> tensor<?x?x3xf32>
// CHECK: %s, %m = bptt.fire %i <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.25, 1.0), detach_reset> layer "output" saving mask {density = [#bptt.density<at_least 0.0, at_most 0.25>, #bptt.density<at_least 0.0, at_most 1.0>]} : tensor<?x?x3xf32>
// CHECK: %r = bptt.readout sum %s {density = #bptt.density<at_least 0.0, at_most 1.0>} : tensor<?x?x3xi1> -> tensor<?x3xf32>
// CHECK: %loss, %correct, %g = bptt.loss cross_entropy %r, %label with_gradient {density = [#bptt.density<at_least 0.0, at_most 1.0>, #bptt.density<at_least 0.0, at_most 1.0>, #bptt.density<at_least 0.0, at_most 1.0>], demand = [#bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 1.0>]} : tensor<?x3xf32>, tensor<?xi32>
// CHECK: %gr = bptt.readout_gradient sum %g {density = #bptt.density<at_least 0.0, at_most 1.0>} : tensor<?x3xf32> -> tensor<?x?x3xf32>
// CHECK: %gu = bptt.fire_gradient %gr from spikes %s, mask %m <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.25, 1.0), detach_reset> layer "output" {density = #bptt.density<at_least 0.0, at_most 1.0>} : tensor<?x?x3xf32>
// CHECK: %gw = bptt.synapse_weight_gradient %gu, %x {density = #bptt.density<at_least 0.0, at_most 1.0>} : tensor<?x?x3xf32>, tensor<?x?x2xi1> -> tensor<3x2xf32>

// -----

// Time: a delay brings in a step of zeros, an advance another one at the end; two in opposite
// directions leave out the step that was lost. A sum is zero where both of its terms are.
bptt.step @time steps 4 batch 2 (%x: tensor<?x?x2xf32>) {
  %a = bptt.delay %x : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
  %b = bptt.delay %a : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
  %c = bptt.advance %b : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
  %d = bptt.advance %x : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
  %e = bptt.add %a, %b : tensor<?x?x2xf32>
  %f = bptt.add %a, %d : tensor<?x?x2xf32>
  %y = bptt.integrate %e decay 0.5 layer "y" : tensor<?x?x2xf32>
  %z = bptt.integrate_gradient %d decay 0.5 layer "z" : tensor<?x?x2xf32>
  %s = bptt.fire %b <decay 0.5, threshold 0.5, reset none, surrogate atan(2.0)> layer "s" : tensor<?x?x2xf32>
  %r = bptt.readout sum %s : tensor<?x?x2xi1> -> tensor<?x2xf32>
  bptt.report %r as "readout" of "" : tensor<?x2xf32>
}
// CHECK: bptt.step @time steps 4 batch 2 (%x: tensor<?x?x2xf32>) attributes {input_density = #bptt.density<at_least 0.0, at_most 0.125>} {
// CHECK: %a = bptt.delay %x {density = #bptt.density<at_least 0.0, at_most 0.125>, demand = #bptt.density<at_least 0.0, at_most 0.75>} : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
// CHECK: %b = bptt.delay %a {density = #bptt.density<at_least 0.0, at_most 0.125>} : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
// CHECK: %c = bptt.advance %b {density = #bptt.density<at_least 0.0, at_most 0.125>, demand = #bptt.density<at_least 0.0, at_most 0.0>} : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
// CHECK: %d = bptt.advance %x {density = #bptt.density<at_least 0.0, at_most 0.125>, demand = #bptt.density<at_least 0.0, at_most 0.0>} : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
// CHECK: %e = bptt.add %a, %b {density = #bptt.density<at_least 0.0, at_most 0.25>, demand = #bptt.density<at_least 0.0, at_most 0.0>} : tensor<?x?x2xf32>
// CHECK: %f = bptt.add %a, %d {density = #bptt.density<at_least 0.0, at_most 0.25>, demand = #bptt.density<at_least 0.0, at_most 0.0>} : tensor<?x?x2xf32>
// CHECK: %y = bptt.integrate %e decay 0.5 layer "y" {density = #bptt.density<at_least 0.0, at_most 0.75>, demand = #bptt.density<at_least 0.0, at_most 0.0>} : tensor<?x?x2xf32>
// CHECK: %z = bptt.integrate_gradient %d decay 0.5 layer "z" {density = #bptt.density<at_least 0.0, at_most 0.375>, demand = #bptt.density<at_least 0.0, at_most 0.0>} : tensor<?x?x2xf32>
// CHECK: %s = bptt.fire %b <decay 0.5, threshold 0.5, reset none, surrogate atan(2.0)> layer "s" {density = #bptt.density<at_least 0.0, at_most 0.25>} : tensor<?x?x2xf32>
// CHECK: %r = bptt.readout sum %s {density = #bptt.density<at_least 0.0, at_most 1.0>} : tensor<?x?x2xi1> -> tensor<?x2xf32>

// -----

// Neurons without current stay at zero: what they do follows from their constants alone.
bptt.step @silent steps 4 batch 2 (%x: tensor<?x?x2xf32>) attributes {input_density = #bptt.density<at_least 0.0, at_most 0.0>} {
  %a, %am, %au = bptt.fire %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" saving mask, potential : tensor<?x?x2xf32>
  %b, %bm, %bu = bptt.fire %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.75, 1.0)> layer "b" saving mask, potential : tensor<?x?x2xf32>
  %c, %cm, %cu = bptt.fire %x <decay 0.5, threshold -0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "c" saving mask, potential : tensor<?x?x2xf32>
  %d, %dm, %du = bptt.fire %x <decay 0.5, threshold -0.5, reset subtract, surrogate rectangle(0.5, 1.0)> layer "d" saving mask, potential : tensor<?x?x2xf32>
  %g = bptt.fire_gradient %x from spikes %b, mask %bm <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.75, 1.0), detach_reset> layer "b" : tensor<?x?x2xf32>
  bptt.report %a as "spikes" of "a" : tensor<?x?x2xi1>
}
// CHECK: bptt.step @silent steps 4 batch 2 (%x: tensor<?x?x2xf32>) attributes {input_density = #bptt.density<at_least 0.0, at_most 0.0>} {
// CHECK: %a, %am, %au = bptt.fire %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "a" saving mask, potential {density = [#bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 0.0>], demand = [#bptt.density<at_least 0.0, at_most 1.0>, #bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 1.0>]} : tensor<?x?x2xf32>
// CHECK: %b, %bm, %bu = bptt.fire %x <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.75, 1.0)> layer "b" saving mask, potential {density = [#bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 1.0, at_most 1.0>, #bptt.density<at_least 0.0, at_most 0.0>], demand = [#bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 0.0>]} : tensor<?x?x2xf32>
// CHECK: %c, %cm, %cu = bptt.fire %x <decay 0.5, threshold -0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "c" saving mask, potential {density = [#bptt.density<at_least 1.0, at_most 1.0>, #bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 0.0>], demand = [#bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 0.0>]} : tensor<?x?x2xf32>
// CHECK: %d, %dm, %du = bptt.fire %x <decay 0.5, threshold -0.5, reset subtract, surrogate rectangle(0.5, 1.0)> layer "d" saving mask, potential {density = [#bptt.density<at_least 1.0, at_most 1.0>, #bptt.density<at_least 0.0, at_most 0.75>, #bptt.density<at_least 0.0, at_most 0.75>], demand = [#bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 0.0>, #bptt.density<at_least 0.0, at_most 0.0>]} : tensor<?x?x2xf32>
// CHECK: %g = bptt.fire_gradient %x from spikes %b, mask %bm <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.75, 1.0), detach_reset> layer "b" {density = #bptt.density<at_least 0.0, at_most 0.0>, demand = #bptt.density<at_least 0.0, at_most 0.0>} : tensor<?x?x2xf32>

// -----

// A scan: what it carries is silent at the first turn, and a fixpoint bounds the rest.
bptt.step @scan steps 4 batch 2 (%x: tensor<?x?x2xf32>) {
  snn.parameter @w : tensor<2x2xf32> fan_in 2
  %silent = bptt.delay %x : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
  %s = bptt.scan forward over (%now = %silent : tensor<?x?x2xf32>) carrying (%sp: tensor<?x2xi1>, %up: tensor<?x2xf32>) -> (tensor<?x?x2xi1>) {
    %r = bptt.synapse %sp, @w : tensor<?x2xi1> -> tensor<?x2xf32>
    %i = bptt.add %now, %r : tensor<?x2xf32>
    %t, %u = bptt.fire %i after potential %up, spikes %sp <decay 0.5, threshold 0.5, reset zero, surrogate atan(2.0)> layer "s" saving potential : tensor<?x2xf32>
    bptt.yield next %t, %u : tensor<?x2xi1>, tensor<?x2xf32> collect %t : tensor<?x2xi1>
  }
  bptt.report %s as "spikes" of "s" : tensor<?x?x2xi1>
}
// CHECK: bptt.step @scan steps 4 batch 2 (%x: tensor<?x?x2xf32>) attributes {input_density = #bptt.density<at_least 0.0, at_most 0.125>} {
// CHECK: %silent = bptt.delay %x {density = #bptt.density<at_least 0.0, at_most 0.125>} : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
// CHECK: %s = bptt.scan forward over (%now = %silent : tensor<?x?x2xf32>) carrying (%sp: tensor<?x2xi1>, %up: tensor<?x2xf32>) -> (tensor<?x?x2xi1>) attributes {density = #bptt.density<at_least 0.0, at_most 0.625>, carried_density = [#bptt.density<at_least 0.0, at_most 0.5>, #bptt.density<at_least 0.0, at_most 0.5>]} {
// CHECK: %r = bptt.synapse %sp, @w {density = #bptt.density<at_least 0.0, at_most 0.5>} : tensor<?x2xi1> -> tensor<?x2xf32>
// CHECK: %i = bptt.add %now, %r {density = #bptt.density<at_least 0.0, at_most 0.625>} : tensor<?x2xf32>
// CHECK: %t, %u = bptt.fire %i after potential %up, spikes %sp <decay 0.5, threshold 0.5, reset zero, surrogate atan(2.0)> layer "s" saving potential {density = [#bptt.density<at_least 0.0, at_most 0.625>, #bptt.density<at_least 0.0, at_most 0.75>]} : tensor<?x2xf32>

// -----

// Demands: a gradient of spikes is wanted where the mask is one, here at no more than 3 of 4 steps;
// one of currents where the weights' input spikes, and at all later steps, which lead to there.
bptt.step @demand steps 4 batch 2 (%x: tensor<?x?x2xi1>, %g: tensor<?xi32>) {
  snn.parameter @w : tensor<2x2xf32> fan_in 2
  %p = bptt.delay %x : tensor<?x?x2xi1> -> tensor<?x?x2xi1>
  %i = bptt.synapse %p, @w : tensor<?x?x2xi1> -> tensor<?x?x2xf32>
  %s, %m = bptt.fire %i <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "s" saving mask : tensor<?x?x2xf32>
  %r = bptt.readout sum %s : tensor<?x?x2xi1> -> tensor<?x2xf32>
  %gr = bptt.readout_gradient sum %r : tensor<?x2xf32> -> tensor<?x?x2xf32>
  %gi = bptt.synapse_input_gradient %gr, @w : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
  %gu = bptt.fire_gradient %gi from mask %m <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "s" : tensor<?x?x2xf32>
  %gw = bptt.synapse_weight_gradient %gu, %p : tensor<?x?x2xf32>, tensor<?x?x2xi1> -> tensor<2x2xf32>
  bptt.report %gw as "gradient" of "w" : tensor<2x2xf32>
}
// CHECK: bptt.step @demand steps 4 batch 2 (%x: tensor<?x?x2xi1>, %g: tensor<?xi32>) attributes {input_density = #bptt.density<at_least 0.0, at_most 0.125>} {
// CHECK: %p = bptt.delay %x {density = #bptt.density<at_least 0.0, at_most 0.125>} : tensor<?x?x2xi1> -> tensor<?x?x2xi1>
// CHECK: %i = bptt.synapse %p, @w {density = #bptt.density<at_least 0.0, at_most 0.25>} : tensor<?x?x2xi1> -> tensor<?x?x2xf32>
// CHECK: %s, %m = bptt.fire %i <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "s" saving mask {density = [#bptt.density<at_least 0.0, at_most 0.75>, #bptt.density<at_least 0.0, at_most 0.75>], demand = [#bptt.density<at_least 0.0, at_most 1.0>, #bptt.density<at_least 0.0, at_most 0.75>]} : tensor<?x?x2xf32>
// CHECK: %r = bptt.readout sum %s {density = #bptt.density<at_least 0.0, at_most 1.0>} : tensor<?x?x2xi1> -> tensor<?x2xf32>
// CHECK: %gr = bptt.readout_gradient sum %r {density = #bptt.density<at_least 0.0, at_most 1.0>, demand = #bptt.density<at_least 0.0, at_most 0.75>} : tensor<?x2xf32> -> tensor<?x?x2xf32>
// CHECK: %gi = bptt.synapse_input_gradient %gr, @w {density = #bptt.density<at_least 0.0, at_most 1.0>, demand = #bptt.density<at_least 0.0, at_most 0.75>} : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
// CHECK: %gu = bptt.fire_gradient %gi from mask %m <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "s" {density = #bptt.density<at_least 0.0, at_most 1.0>, demand = #bptt.density<at_least 0.0, at_most 0.75>} : tensor<?x?x2xf32>
// CHECK: %gw = bptt.synapse_weight_gradient %gu, %p {density = #bptt.density<at_least 0.0, at_most 1.0>} : tensor<?x?x2xf32>, tensor<?x?x2xi1> -> tensor<2x2xf32>

// -----

// A state that is not the neuron's own: a potential that the scan keeps silent for two turns.
bptt.step @foreign steps 4 batch 2 (%x: tensor<?x?x2xf32>) attributes {input_density = #bptt.density<at_least 0.0, at_most 0.0625>} {
  %s = bptt.scan forward over (%now = %x : tensor<?x?x2xf32>) carrying (%a: tensor<?x2xf32>, %b: tensor<?x2xf32>) -> (tensor<?x?x2xi1>) {
    %t = bptt.fire %now after potential %b <decay 0.5, threshold 0.5, reset none, surrogate atan(2.0)> layer "s" : tensor<?x2xf32>
    bptt.yield next %now, %a : tensor<?x2xf32>, tensor<?x2xf32> collect %t : tensor<?x2xi1>
  }
  bptt.report %s as "spikes" of "s" : tensor<?x?x2xi1>
}
// CHECK: bptt.step @foreign steps 4 batch 2 (%x: tensor<?x?x2xf32>) attributes {input_density = #bptt.density<at_least 0.0, at_most 0.0625>} {
// CHECK: %s = bptt.scan forward over (%now = %x : tensor<?x?x2xf32>) carrying (%a: tensor<?x2xf32>, %b: tensor<?x2xf32>) -> (tensor<?x?x2xi1>) attributes {density = #bptt.density<at_least 0.0, at_most 0.125>, carried_density = [#bptt.density<at_least 0.0, at_most 0.0625>, #bptt.density<at_least 0.0, at_most 0.0625>]} {
// CHECK: %t = bptt.fire %now after potential %b <decay 0.5, threshold 0.5, reset none, surrogate atan(2.0)> layer "s" {density = #bptt.density<at_least 0.0, at_most 0.125>} : tensor<?x2xf32>

// -----

// Nothing to do: a module without a step stays what it is.
"test.op"() : () -> ()
// CHECK: "test.op"() : () -> ()
