// RUN: spikeloom-opt %s -p infer-shapes,canonicalize --print-ir-after-all -o %t.out 2>&1 | filecheck %s --check-prefix AFTER-ALL
// RUN: spikeloom-opt %s -p infer-shapes,canonicalize --print-ir-before-all -o %t.out 2>&1 | filecheck %s --check-prefix BEFORE-ALL
// RUN: spikeloom-opt %s -p infer-shapes,canonicalize --print-ir-before=canonicalize --print-ir-after=infer-shapes -o %t.out 2>&1 | filecheck %s --check-prefix SOME
// RUN: spikeloom-opt %s -p infer-shapes --print-ir-after-all --print-debuginfo -o %t.out 2>&1 | filecheck %s --check-prefix PLACES
// RUN: filecheck %s --input-file %t.out
// RUN: not spikeloom-opt %s --print-ir-after=infer-shape 2>&1 | filecheck %s --check-prefix UNKNOWN

snn.network @n(%x: tensor<4xf32>) -> tensor<*xf32> {
  %y = snn.li %x decay 0.5 layer "y" : tensor<4xf32> -> tensor<*xf32>
  snn.return %y : tensor<*xf32>
}
"test.op"() {values = array<i32: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16>} : () -> ()

// CHECK:     builtin.module {
// CHECK-NOT: IR Dump

// AFTER-ALL:      // -----// IR Dump After infer-shapes //----- //
// AFTER-ALL-NEXT: builtin.module {
// AFTER-ALL-NEXT:   snn.network @n(%x: tensor<4xf32>) -> tensor<4xf32> {
// AFTER-ALL:        "test.op"() {values = array<i32: __elided__>} : () -> ()
// AFTER-ALL:      // -----// IR Dump After canonicalize //----- //
// AFTER-ALL-NOT:  IR Dump

// BEFORE-ALL:      // -----// IR Dump Before infer-shapes //----- //
// BEFORE-ALL-NEXT: builtin.module {
// BEFORE-ALL-NEXT:   snn.network @n(%x: tensor<4xf32>) -> tensor<*xf32> {
// BEFORE-ALL:      // -----// IR Dump Before canonicalize //----- //
// BEFORE-ALL-NOT:  IR Dump

// SOME-NOT: IR Dump Before infer-shapes
// SOME:     // -----// IR Dump After infer-shapes //----- //
// SOME:     // -----// IR Dump Before canonicalize //----- //
// SOME-NOT: IR Dump

// PLACES: %y = snn.li {{.*}} loc("{{.*}}print-ir.mlir":9:3)

// UNKNOWN: error: there is no pass `infer-shape` [E0203]
// UNKNOWN: help: did you mean `infer-shapes`?
