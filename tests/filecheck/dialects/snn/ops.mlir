// RUN: spikeloom-opt %s | spikeloom-opt | filecheck %s
// RUN: spikeloom-opt %s --print-op-generic | spikeloom-opt | filecheck %s

// Every operation of a network, every reset and every surrogate.
// CHECK:      builtin.module {
// CHECK-NEXT: snn.network @everything(%image: tensor<2x4xi1>) -> tensor<3xf32> {
snn.network @everything(%image: tensor<2x4xi1>) -> tensor<3xf32> {
  // CHECK-NEXT: snn.parameter @a.weight : tensor<16x8xf32> fan_in 8
  snn.parameter @a.weight : tensor<16x8xf32> fan_in 8
  // CHECK-NEXT: snn.parameter @a.bias : tensor<16xf32> fan_in 8
  snn.parameter @a.bias : tensor<16xf32> fan_in 8
  // CHECK-NEXT: snn.parameter @b.weight : tensor<16x16xf32> fan_in 16
  snn.parameter @b.weight : tensor<16x16xf32> fan_in 16
  // CHECK-NEXT: snn.parameter @c.weight : tensor<3x16xf32>
  snn.parameter @c.weight : tensor<3x16xf32>
  // CHECK-NEXT: snn.parameter @noted {note = "discardable"} : tensor<f32>
  snn.parameter @noted {note = "discardable"} : tensor<f32>
  // CHECK-NEXT: %flat = snn.flatten %image : tensor<2x4xi1> -> tensor<8xi1>
  %flat = snn.flatten %image : tensor<2x4xi1> -> tensor<8xi1>
  // CHECK-NEXT: %i = snn.linear %flat, @a.weight, @a.bias : tensor<8xi1> -> tensor<16xf32>
  %i = snn.linear %flat, @a.weight, @a.bias : tensor<8xi1> -> tensor<16xf32>
  // CHECK-NEXT: %before = snn.previous %s : tensor<16xi1> -> tensor<16xi1>
  %before = snn.previous %s : tensor<16xi1> -> tensor<16xi1>
  // CHECK-NEXT: %r = snn.linear %before, @b.weight : tensor<16xi1> -> tensor<16xf32>
  %r = snn.linear %before, @b.weight : tensor<16xi1> -> tensor<16xf32>
  // CHECK-NEXT: %j = snn.add %i, %r : tensor<16xf32>, tensor<16xf32> -> tensor<16xf32>
  %j = snn.add %i, %r : tensor<16xf32>, tensor<16xf32> -> tensor<16xf32>
  // CHECK-NEXT: %s = snn.lif %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<16xf32> -> tensor<16xi1>
  %s = snn.lif %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<16xf32> -> tensor<16xi1>
  // CHECK-NEXT: %t = snn.lif %j <decay 0.9, threshold -1.0, reset subtract, surrogate triangle(0.25, 2.0)> layer "t" : tensor<16xf32> -> tensor<16xi1>
  %t = snn.lif %j <decay 0.9, threshold -1.0, reset subtract, surrogate triangle(0.25, 2.0)> layer "t" : tensor<16xf32> -> tensor<16xi1>
  // CHECK-NEXT: %u = snn.lif %j <decay 1.0, threshold 1.0e-07, reset none, surrogate fast_sigmoid(10.0)> layer "u" : tensor<16xf32> -> tensor<16xi1>
  %u = snn.lif %j <decay 1.0, threshold 1.0e-07, reset none, surrogate fast_sigmoid(10.0)> layer "u" : tensor<16xf32> -> tensor<16xi1>
  // CHECK-NEXT: %v = snn.lif %j <decay 0.0, threshold 0.1, reset zero, surrogate atan(2.0), detach_reset> layer "v \22quoted\22" : tensor<16xf32> -> tensor<16xi1>
  %v = snn.lif %j <decay 0.0, threshold 0.1, reset zero, surrogate atan(2.0), detach_reset> layer "v \22quoted\22" : tensor<16xf32> -> tensor<16xi1>
  // CHECK-NEXT: %k = snn.linear %s, @c.weight {note = 1 : i64} : tensor<16xi1> -> tensor<3xf32>
  %k = snn.linear %s, @c.weight {note = 1 : i64} : tensor<16xi1> -> tensor<3xf32>
  // CHECK-NEXT: %p = snn.previous %k : tensor<3xf32> -> tensor<3xf32>
  %p = snn.previous %k : tensor<3xf32> -> tensor<3xf32>
  // CHECK-NEXT: %y = snn.li %p decay 0.9 layer "y" : tensor<3xf32> -> tensor<3xf32>
  %y = snn.li %p decay 0.9 layer "y" : tensor<3xf32> -> tensor<3xf32>
  // CHECK-NEXT: snn.return %y : tensor<3xf32>
  snn.return %y : tensor<3xf32>
// CHECK-NEXT: }
}

// Shapes that are not known yet: unranked values, and open extents of weights.
// CHECK-NEXT: snn.network @open(%x: tensor<64xf32>) -> tensor<*xi1> attributes {note = "discardable"} {
snn.network @open(%x: tensor<64xf32>) -> tensor<*xi1> attributes {note = "discardable"} {
  // CHECK-NEXT: snn.parameter @w : tensor<8x?xf32>
  snn.parameter @w : tensor<8x?xf32>
  // CHECK-NEXT: %i = snn.linear %x, @w : tensor<64xf32> -> tensor<*xf32>
  %i = snn.linear %x, @w : tensor<64xf32> -> tensor<*xf32>
  // CHECK-NEXT: %j = snn.add %i, %i : tensor<*xf32>, tensor<*xf32> -> tensor<*xf32>
  %j = snn.add %i, %i : tensor<*xf32>, tensor<*xf32> -> tensor<*xf32>
  // CHECK-NEXT: %s = snn.lif %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<*xf32> -> tensor<*xi1>
  %s = snn.lif %j <decay 0.5, threshold 0.5, reset zero, surrogate rectangle(0.5, 1.0)> layer "s" : tensor<*xf32> -> tensor<*xi1>
  // CHECK-NEXT: snn.return %s : tensor<*xi1>
  snn.return %s : tensor<*xi1>
// CHECK-NEXT: }
}

// CHECK-NEXT: snn.network @once(%x: tensor<4xi1>) -> tensor<4xi1> {
snn.network @once(%x: tensor<4xi1>) -> tensor<4xi1> {
  // CHECK-NEXT: snn.return %x : tensor<4xi1>
  snn.return %x : tensor<4xi1>
// CHECK-NEXT: }
}

// Every optimizer, loss and source of data.
// CHECK-NEXT: snn.train @everything steps 16 batch 64 epochs 20 seed 1 loss cross_entropy optimizer <adam, rate 0.002> data <digits {encode = "rate", test = 2.000000e-01 : f64}>
snn.train @everything steps 16 batch 64 epochs 20 seed 1 loss cross_entropy optimizer <adam, rate 0.002> data <digits {encode = "rate", test = 2.000000e-01 : f64}>
// CHECK-NEXT: snn.train @once steps 1 batch 1 epochs 1 seed 0 loss mse optimizer <sgd, rate 0.1, momentum 0.9> data <file {path = "spikes.npz"}>
snn.train @once steps 1 batch 1 epochs 1 seed 0 loss mse optimizer <sgd, rate 0.1, momentum 0.9> data <file {path = "spikes.npz"}>
// CHECK-NEXT: snn.train @open steps 400 batch 1024 epochs 3 seed 9223372036854775807 loss mse optimizer <adamw, rate 0.001, decay 0.01> data <random {rate = 1.000000e-01 : f64, classes = 4 : i64, samples = 32 : i64}>
snn.train @open steps 400 batch 1024 epochs 3 seed 9223372036854775807 loss mse optimizer <adamw, rate 0.001, decay 0.01> data <random {rate = 1.000000e-01 : f64, classes = 4 : i64, samples = 32 : i64}>

// What is left of a network beside its program.
// CHECK-NEXT: snn.interface @once : (tensor<2x4x4xf32>) -> tensor<3xi1> {
// CHECK-NEXT:   snn.parameter @output.weight : tensor<3x32xf32> fan_in 32
// CHECK-NEXT:   snn.parameter @a.mean : tensor<2xf32> constant 0.0 running
// CHECK-NEXT:   snn.neurons "output" : tensor<3xi1>
// CHECK-NEXT:   snn.neurons "a" : tensor<2x4x4xf32>
// CHECK-NEXT: }
snn.interface @once : (tensor<2x4x4xf32>) -> tensor<3xi1> {
  snn.parameter @output.weight : tensor<3x32xf32> fan_in 32
  snn.parameter @a.mean : tensor<2xf32> constant 0.0 running
  snn.neurons "output" : tensor<3xi1>
  snn.neurons "a" : tensor<2x4x4xf32>
}
// CHECK-NEXT: }
