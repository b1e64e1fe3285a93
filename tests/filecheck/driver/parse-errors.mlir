// RUN: spikeloom-opt %s --split-input-file --parsing-diagnostics | filecheck %s

// The first error of each part: place, line, caret.
"test.op"() : () -> (tensor<4xi1>
// CHECK:      parse-errors.mlir:7:1: error: ')' expected [E0201]

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xi1> {
  snn.retrun %x : tensor<4xi1>
}
// CHECK:      parse-errors.mlir:10:3: error: Operation snn.retrun is not registered [E0201]
// CHECK-NEXT:     snn.retrun %x : tensor<4xi1>
// CHECK-NEXT:     ^^^^^^^^^^
// CHECK-NEXT:   help: did you mean `snn.return`?

// -----

snn.network @n(%x: tensor<4xi1>) -> tensor<4xi1> {
  snn.return %y : tensor<4xi1>
}
// CHECK: error: values used but not defined: [%y] [E0201]

// -----

// What a dialect of xDSL raises while it parses is a diagnostic too.
%x = "test.op"() : () -> i16777216
// CHECK: error: an integer type has at most 16777215 bits [E0201]

// -----

// A string that never ends costs linear time, however long it is.
"test.op"() {text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
// CHECK: error: {{.*}} [E0201]

// -----

((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
// CHECK: error: nested deeper than 64 levels [E0201]
