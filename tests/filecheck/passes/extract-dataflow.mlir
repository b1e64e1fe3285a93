// RUN: spikeloom-opt %s -p extract-dataflow,analyze-throughput --split-input-file | filecheck %s
// RUN: spikeloom-opt %s -p extract-dataflow{limit=5} --split-input-file --verify-diagnostics | filecheck %s --check-prefix LIMIT

// A load takes 108 cycles, an addition 9, a store 112. Loads fill the two copies of @a in turns;
// @b has one, so that additions and stores follow each other: two times 9 + 112 cycles a pass.
engine.program @twice samples 2 steps 1 {
  engine.buffer @x : f32[1, 2, 1, 700] in dram at 0x00000000 role input
  engine.buffer @y : f32[1, 2, 1, 700] in dram at 0x00003000
  engine.buffer @a : f32[1, 1, 1, 700] in state_sram at 0x00000000 copies 2
  engine.buffer @b : f32[1, 1, 1, 700] in state_sram at 0x00004000
  engine.loop %sample = 0 to 2 step 1 {
    engine.load target @a, source @x[0, %sample, 0, 0] over planes 1, groups 1, rows 1, columns 700 layer "in"
    engine.add sum @b, left @a, right @a over steps 1, samples 1, positions 1, units 700 layer "twice"
    engine.store target @y[0, %sample, 0, 0], source @b over planes 1, groups 1, rows 1, columns 700 layer "twice"
  }
}
// CHECK:      sdf.graph @twice_dataflow attributes {passes = 1 : i64, first_pass = 350 : i64, times = "exact", period = #sdf.ratio<242>, critical_cycle = ["operand_5", "drain_11", "operand_12", "drain_4"], critical_work = ["twice dma_store {{.*}}extract-dataflow.mlir:14:5: 224 cycles", "twice nu {{.*}}extract-dataflow.mlir:13:5: 18 cycles"], latency = 350 : i64} {
// CHECK-NEXT:   sdf.actor @in_load_1_0 time 108 repetition 1 {engine = "dma", layer = "in", source = "{{.*}}extract-dataflow.mlir:12:5"}
// CHECK-NEXT:   sdf.actor @twice_add_2_0 time 9 repetition 1 {engine = "nu", layer = "twice", source = "{{.*}}extract-dataflow.mlir:13:5"}
// CHECK-NEXT:   sdf.actor @twice_store_3_0 time 112 repetition 1 {engine = "dma_store", layer = "twice", source = "{{.*}}extract-dataflow.mlir:14:5"}
// CHECK-NEXT:   sdf.actor @in_load_1_1 time 108 repetition 1 {engine = "dma", layer = "in", source = "{{.*}}extract-dataflow.mlir:12:5"}
// CHECK-NEXT:   sdf.actor @twice_add_2_1 time 9 repetition 1 {engine = "nu", layer = "twice", source = "{{.*}}extract-dataflow.mlir:13:5"}
// CHECK-NEXT:   sdf.actor @twice_store_3_1 time 112 repetition 1 {engine = "dma_store", layer = "twice", source = "{{.*}}extract-dataflow.mlir:14:5"}
// CHECK-NEXT:   sdf.actor @issue_0 time 6 repetition 1
// CHECK-NEXT:   sdf.channel @engine_0 : @in_load_1_1[1] -> [1]@in_load_1_0 tokens 1
// CHECK-NEXT:   sdf.channel @drain_1 : @twice_add_2_0[1] -> [1]@in_load_1_0 tokens 1
// CHECK-NEXT:   sdf.channel @operand_2 : @in_load_1_0[1] -> [1]@twice_add_2_0 tokens 0
// CHECK-NEXT:   sdf.channel @drain_3 : @twice_add_2_1[1] -> [1]@twice_add_2_0 tokens 1
// CHECK-NEXT:   sdf.channel @drain_4 : @twice_store_3_1[1] -> [1]@twice_add_2_0 tokens 1
// CHECK-NEXT:   sdf.channel @operand_5 : @twice_add_2_0[1] -> [1]@twice_store_3_0 tokens 0
// CHECK-NEXT:   sdf.channel @engine_6 : @twice_store_3_1[1] -> [1]@twice_store_3_0 tokens 1
// CHECK-NEXT:   sdf.channel @engine_7 : @in_load_1_0[1] -> [1]@in_load_1_1 tokens 0
// CHECK-NEXT:   sdf.channel @drain_8 : @twice_add_2_1[1] -> [1]@in_load_1_1 tokens 1
// CHECK-NEXT:   sdf.channel @operand_9 : @in_load_1_1[1] -> [1]@twice_add_2_1 tokens 0
// CHECK-NEXT:   sdf.channel @drain_10 : @twice_add_2_0[1] -> [1]@twice_add_2_1 tokens 0
// CHECK-NEXT:   sdf.channel @drain_11 : @twice_store_3_0[1] -> [1]@twice_add_2_1 tokens 0
// CHECK-NEXT:   sdf.channel @operand_12 : @twice_add_2_1[1] -> [1]@twice_store_3_1 tokens 0
// CHECK-NEXT:   sdf.channel @engine_13 : @twice_store_3_0[1] -> [1]@twice_store_3_1 tokens 0
// CHECK-NEXT:   sdf.channel @issue_14 : @issue_0[1] -> [1]@issue_0 tokens 1
// CHECK-NEXT: }
// LIMIT: error: @twice is too long for a graph of instructions: one iteration has 6 firings, more than the 5 supported [E0205]
// LIMIT: help: smaller steps or batch, loops=true, or extract-dataflow{limit=...}
