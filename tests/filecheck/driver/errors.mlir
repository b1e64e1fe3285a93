// RUN: not spikeloom-opt %s 2>&1 | filecheck %s
// RUN: spikeloom-opt %s --verify-diagnostics | filecheck %s
// RUN: not spikeloom-opt %s --split-input-file 2>&1 | filecheck %s
// RUN: spikeloom-opt %s --disable-verify | filecheck %s --check-prefix UNVERIFIED
// RUN: not spikeloom-opt %t.missing.mlir 2>&1 | filecheck %s --check-prefix MISSING
// RUN: not spikeloom-opt %s -f snn 2>&1 | filecheck %s --check-prefix LANGUAGE
// RUN: cp %s %t.txt
// RUN: not spikeloom-opt %t.txt 2>&1 | filecheck %s --check-prefix SUFFIX
// RUN: not spikeloom-opt %s --disable-verify -o %t.missing/out.mlir 2>&1 | filecheck %s --check-prefix OUTPUT

// An error is one headline, the line with a caret, and nothing else.
snn.network @n(%x: tensor<4xf32>) -> tensor<3xf32> {
  %y = snn.li %x decay 0.5 layer "y" : tensor<4xf32> -> tensor<3xf32>
  snn.return %y : tensor<3xf32>
}

// CHECK:      errors.mlir:13:3: error: `snn.li` is not well formed: snn.li yields tensor<4xf32>, but its result is declared as tensor<3xf32> [E0202]
// CHECK-NEXT:   %y = snn.li %x decay 0.5 layer "y" : tensor<4xf32> -> tensor<3xf32>
// CHECK-NEXT:   ^
// CHECK-NOT:  {{.}}

// UNVERIFIED: snn.return %y : tensor<3xf32>

// MISSING: error: cannot read `{{.*}}.missing.mlir`: No such file or directory [E0401]

// LANGUAGE: errors.mlir:1:1: error: {{.*}} [E0101]

// SUFFIX: error: `{{.*}}.txt` is neither .mlir nor .snn nor .xml [E0401]
// SUFFIX: help: name the language: -f mlir, -f snn or -f xml

// OUTPUT: error: cannot write `{{.*}}out.mlir`: No such file or directory [E0402]
