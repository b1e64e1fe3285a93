// RUN: spikeloom-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics | filecheck %s
// RUN: spikeloom-opt %s --split-input-file --parsing-diagnostics --verify-diagnostics --print-op-generic | filecheck %s

// A density has two bounds, and beside them what was measured.
"test.op"() {density = #bptt.density<at_least 0.0, at_most 0.9375>} : () -> ()
// CHECK: #bptt.density<at_least 0.0, at_most 0.9375>
"test.op"() {density = #bptt.density<at_least 0.0, at_most 0.9375, expected 0.15>} : () -> ()
// CHECK: #bptt.density<at_least 0.0, at_most 0.9375, expected 0.15>
"test.op"() {density = #bptt.density<at_least 1.0, at_most 1.0, expected 1.0>} : () -> ()
// CHECK: #bptt.density<at_least 1.0, at_most 1.0, expected 1.0>

// -----

"test.op"() {density = #bptt.density<at_least 0.5, at_most 0.25>} : () -> ()
// CHECK: error: {{.*}}a density needs 0 <= at_least <= expected <= at_most <= 1, got 0.5, 0.25

// -----

"test.op"() {density = #bptt.density<at_least 0.0, at_most 0.25, expected 0.5>} : () -> ()
// CHECK: error: {{.*}}a density needs 0 <= at_least <= expected <= at_most <= 1, got 0.0, 0.5, 0.25

// -----

"test.op"() {density = #bptt.density<at_least -0.5, at_most 0.25>} : () -> ()
// CHECK: error: {{.*}}a density needs 0 <= at_least <= expected <= at_most <= 1, got -0.5, 0.25

// -----

"test.op"() {density = #bptt.density<at_least 0.0, at_most 1.5>} : () -> ()
// CHECK: error: {{.*}}a density needs 0 <= at_least <= expected <= at_most <= 1, got 0.0, 1.5
