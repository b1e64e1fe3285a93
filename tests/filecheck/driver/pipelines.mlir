// RUN: not spikeloom-opt %s -p infer-shapes,expand-bpt 2>&1 | filecheck %s --check-prefix PASS
// RUN: not spikeloom-opt %s -p 'expand-bptt{step=4}' 2>&1 | filecheck %s --check-prefix OPTION
// RUN: not spikeloom-opt %s -p 'expand-bptt{steps=many}' 2>&1 | filecheck %s --check-prefix VALUE
// RUN: not spikeloom-opt %s -p 'infer-shapes{steps=4}' 2>&1 | filecheck %s --check-prefix NONE
// RUN: not spikeloom-opt %s -p 'expand-bptt{steps=4' 2>&1 | filecheck %s --check-prefix SYNTAX
// RUN: not spikeloom-opt %s -p 'infer-shapes,"' 2>&1 | filecheck %s --check-prefix QUOTE
// RUN: not spikeloom-opt %s -p 'mlir-opt{executable=touch}' 2>&1 | filecheck %s --check-prefix EXECUTE
// RUN: not spikeloom-opt %s -p convert-scf-to-cf,apply-pdl -t riscv-asm 2>&1 | filecheck %s --check-prefix TARGET
// RUN: spikeloom-opt %s -p '' | filecheck %s

"test.op"() : () -> ()

// CHECK: "test.op"() : () -> ()

// PASS:      <pipeline>:1:14: error: there is no pass `expand-bpt` [E0203]
// PASS-NEXT:   infer-shapes,expand-bpt
// PASS-NEXT:                ^^^^^^^^^^
// PASS-NEXT:   help: did you mean `expand-bptt`?

// OPTION: <pipeline>:1:13: error: the pass `expand-bptt` has no option `step` [E0203]
// OPTION: help: did you mean `steps`?

// VALUE: <pipeline>:1:13: error: the option `steps` of the pass `expand-bptt` cannot be `many` [E0203]
// VALUE: help: expected integer

// NONE: error: the pass `infer-shapes` has no option `steps` [E0203]
// NONE: help: it has no options

// SYNTAX: error: the pipeline cannot be read
// QUOTE: error: the pipeline cannot be read

// EXECUTE: error: there is no pass `mlir-opt` [E0203]

// TARGET: [E0204]
// TARGET-NOT: Traceback
