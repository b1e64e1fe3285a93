// RUN: spikeloom-opt %s -p 'mask-gradients' --split-input-file | filecheck %s
// RUN: spikeloom-opt %s -p 'mask-gradients{skip=output}' --split-input-file | filecheck %s --check-prefix OUTPUT
// RUN: spikeloom-opt %s -p 'mask-gradients,mask-gradients{skip=input}' --split-input-file | filecheck %s --check-prefix INPUT

// The gradient of the hidden layer's spikes is read where the hidden layer's mask is one.
bptt.step @plain steps 4 batch 2 (%g: tensor<?x?x3xf32>) {
  snn.parameter @output.weight : tensor<3x2xf32> fan_in 2
  snn.parameter @hidden.weight : tensor<2x4xf32> fan_in 4
  %i = bptt.synapse_input_gradient %g, @output.weight : tensor<?x?x3xf32> -> tensor<?x?x2xf32>
  %s, %m = bptt.fire %i <decay 0.5, threshold 0.5, reset subtract, surrogate rectangle(0.25, 1.0)> layer "hidden" saving mask : tensor<?x?x2xf32>
  %a = bptt.synapse_input_gradient %g, @output.weight : tensor<?x?x3xf32> -> tensor<?x?x2xf32>
  %b = bptt.synapse_input_gradient %g, @output.weight : tensor<?x?x3xf32> -> tensor<?x?x2xf32>
  %c = bptt.add %a, %b : tensor<?x?x2xf32>
  %gu = bptt.fire_gradient %c from mask %m <decay 0.5, threshold 0.5, reset subtract, surrogate rectangle(0.25, 1.0)> layer "hidden" : tensor<?x?x2xf32>
  bptt.report %gu as "spikes" of "hidden" : tensor<?x?x2xf32>
}
// CHECK: bptt.step @plain
// CHECK: %a = bptt.synapse_input_gradient %g, @output.weight masked_by %m {skip = #bptt<skip dual>} : tensor<?x?x3xf32>, tensor<?x?x2xi1> -> tensor<?x?x2xf32>
// CHECK-NEXT: %b = bptt.synapse_input_gradient %g, @output.weight masked_by %m {skip = #bptt<skip dual>} : tensor<?x?x3xf32>, tensor<?x?x2xi1> -> tensor<?x?x2xf32>
// OUTPUT: %a = bptt.synapse_input_gradient %g, @output.weight masked_by %m {skip = #bptt<skip output>} : tensor<?x?x3xf32>, tensor<?x?x2xi1> -> tensor<?x?x2xf32>
// INPUT: %a = bptt.synapse_input_gradient %g, @output.weight {skip = #bptt<skip input>} : tensor<?x?x3xf32> -> tensor<?x?x2xf32>

// -----

// A second reader, or a surrogate without edges, needs every cell.
bptt.step @everywhere steps 4 batch 2 (%g: tensor<?x?x3xf32>, %label: tensor<?xi32>) {
  snn.parameter @output.weight : tensor<3x2xf32> fan_in 2
  %i = bptt.synapse_input_gradient %g, @output.weight : tensor<?x?x3xf32> -> tensor<?x?x2xf32>
  %s, %m, %u = bptt.fire %i <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "hidden" saving mask, potential : tensor<?x?x2xf32>
  %a = bptt.synapse_input_gradient %g, @output.weight : tensor<?x?x3xf32> -> tensor<?x?x2xf32>
  %c = bptt.fire_gradient %a from mask %m <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "hidden" : tensor<?x?x2xf32>
  bptt.report %c as "spikes" of "c" : tensor<?x?x2xf32>
  bptt.report %a as "spikes" of "a" : tensor<?x?x2xf32>
  %b = bptt.synapse_input_gradient %g, @output.weight : tensor<?x?x3xf32> -> tensor<?x?x2xf32>
  %d = bptt.fire_gradient %b from mask %m, potential %u <decay 0.5, threshold 0.5, reset none, surrogate atan(2.0)> layer "hidden" : tensor<?x?x2xf32>
  bptt.report %d as "spikes" of "d" : tensor<?x?x2xf32>
}
// CHECK: bptt.step @everywhere
// CHECK: %a = bptt.synapse_input_gradient %g, @output.weight {skip = #bptt<skip dual>} : tensor<?x?x3xf32> -> tensor<?x?x2xf32>
// CHECK: %b = bptt.synapse_input_gradient %g, @output.weight {skip = #bptt<skip dual>} : tensor<?x?x3xf32> -> tensor<?x?x2xf32>

// -----

// Other shapes and shifts on the way to the reader are taken back on the way to the mask.
bptt.step @on_the_way steps 4 batch 2 (%g: tensor<?x?x3xf32>, %label: tensor<?xi32>) {
  snn.parameter @output.weight : tensor<3x4xf32> fan_in 4
  %i = bptt.synapse_input_gradient %g, @output.weight : tensor<?x?x3xf32> -> tensor<?x?x4xf32>
  %x = bptt.reshape %i : tensor<?x?x4xf32> -> tensor<?x?x1x2x2xf32>
  %s, %m = bptt.fire %x <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "hidden" saving mask : tensor<?x?x1x2x2xf32>
  %a = bptt.synapse_input_gradient %g, @output.weight : tensor<?x?x3xf32> -> tensor<?x?x4xf32>
  %b = bptt.advance %a : tensor<?x?x4xf32> -> tensor<?x?x4xf32>
  %c = bptt.reshape %b : tensor<?x?x4xf32> -> tensor<?x?x1x2x2xf32>
  %gu = bptt.fire_gradient %c from mask %m <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "hidden" : tensor<?x?x1x2x2xf32>
  bptt.report %gu as "spikes" of "hidden" : tensor<?x?x1x2x2xf32>
}
// CHECK: bptt.step @on_the_way
// CHECK: [[MOVED:%\d+]] = bptt.delay %m : tensor<?x?x1x2x2xi1> -> tensor<?x?x1x2x2xi1>
// CHECK-NEXT: [[FLAT:%\d+]] = bptt.reshape [[MOVED]] : tensor<?x?x1x2x2xi1> -> tensor<?x?x4xi1>
// CHECK-NEXT: %a = bptt.synapse_input_gradient %g, @output.weight masked_by [[FLAT]] {skip = #bptt<skip dual>} : tensor<?x?x3xf32>, tensor<?x?x4xi1> -> tensor<?x?x4xf32>

// -----

// What a backward scan hands on is read at the step before, so the mask is a step late.
bptt.step @recurrent steps 4 batch 2 (%x: tensor<?x?x2xf32>) {
  snn.parameter @hidden.weight : tensor<2x2xf32> fan_in 2
  %s, %m = bptt.fire %x <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "hidden" saving mask : tensor<?x?x2xf32>
  %y = bptt.scan backward over (%g = %x : tensor<?x?x2xf32>, %now = %m : tensor<?x?x2xi1>) carrying (%next: tensor<?x2xf32>, %state: tensor<?x2xf32>) -> (tensor<?x?x2xf32>) {
    %sum = bptt.add %g, %next : tensor<?x2xf32>
    %gu = bptt.fire_gradient %sum from mask %now after gradient %state <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "hidden" : tensor<?x2xf32>
    %gs = bptt.synapse_input_gradient %gu, @hidden.weight : tensor<?x2xf32> -> tensor<?x2xf32>
    bptt.yield next %gs, %gu : tensor<?x2xf32>, tensor<?x2xf32> collect %gu : tensor<?x2xf32>
  }
  bptt.report %y as "spikes" of "hidden" : tensor<?x?x2xf32>
}
// CHECK: bptt.step @recurrent
// CHECK: [[LATE:%\d+]] = bptt.delay %m : tensor<?x?x2xi1> -> tensor<?x?x2xi1>
// CHECK-NEXT: bptt.scan backward over (%g = %x : tensor<?x?x2xf32>, %now = %m : tensor<?x?x2xi1>, [[STEP:%\d+]] = [[LATE]] : tensor<?x?x2xi1>) carrying
// CHECK: %gs = bptt.synapse_input_gradient %gu, @hidden.weight masked_by [[STEP]] {skip = #bptt<skip dual>} : tensor<?x2xf32>, tensor<?x2xi1> -> tensor<?x2xf32>

// -----

// A pixel of a pooled gradient is read where the mask is one anywhere in its window.
bptt.step @pooled steps 4 batch 2 (%g: tensor<?x?x3x2x2xf32>, %label: tensor<?xi32>) {
  snn.parameter @a.weight : tensor<3x1x3x3xf32> fan_in 9
  %x = bptt.pool_gradient avg %g <kernel 2, stride 2, padding 0> : tensor<?x?x3x2x2xf32> -> tensor<?x?x3x4x4xf32>
  %z = bptt.slice %x from 0 : tensor<?x?x3x4x4xf32> -> tensor<?x?x1x4x4xf32>
  %s, %m = bptt.fire %z <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "hidden" saving mask : tensor<?x?x1x4x4xf32>
  %a = bptt.convolution_input_gradient %g, @a.weight <kernel 3, stride 1, padding 1> : tensor<?x?x3x2x2xf32> -> tensor<?x?x1x2x2xf32>
  %b = bptt.pool_gradient avg %a <kernel 2, stride 2, padding 0> : tensor<?x?x1x2x2xf32> -> tensor<?x?x1x4x4xf32>
  %gu = bptt.fire_gradient %b from mask %m <decay 0.5, threshold 0.5, reset none, surrogate rectangle(0.25, 1.0)> layer "hidden" : tensor<?x?x1x4x4xf32>
  bptt.report %gu as "spikes" of "hidden" : tensor<?x?x1x4x4xf32>
}
// CHECK: bptt.step @pooled
// CHECK: [[POOLED:%\d+]] = bptt.pool max %m <kernel 2, stride 2, padding 0> : tensor<?x?x1x4x4xi1> -> tensor<?x?x1x2x2xi1>
// CHECK-NEXT: %a = bptt.convolution_input_gradient %g, @a.weight masked_by [[POOLED]] <kernel 3, stride 1, padding 1> {skip = #bptt<skip dual>} : tensor<?x?x3x2x2xf32>, tensor<?x?x1x2x2xi1> -> tensor<?x?x1x2x2xf32>
