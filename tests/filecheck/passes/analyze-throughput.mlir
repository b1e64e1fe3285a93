// RUN: spikeloom-opt %s -p analyze-throughput | filecheck %s
// RUN: spikeloom-opt %s -p 'analyze-throughput{storage=true}' | filecheck %s --check-prefix STORAGE

// The example of Stuijk, Geilen and Basten (DAC 2006) with storage <7, 3>: one iteration in 4.
sdf.graph @example {
  sdf.actor @a time 1
  sdf.actor @b time 2
  sdf.actor @c time 2
  sdf.channel @alpha : @a[2] -> [3]@b tokens 0 capacity 7
  sdf.channel @beta : @b[1] -> [2]@c tokens 0 capacity 3
  sdf.channel @sa : @a[1] -> [1]@a tokens 1
  sdf.channel @sb : @b[1] -> [1]@b tokens 1
  sdf.channel @sc : @c[1] -> [1]@c tokens 1
}
// CHECK:      sdf.graph @example attributes {period = #sdf.ratio<4>, critical_cycle = ["beta", "beta room"], latency = {{.*}}} {
// CHECK-NEXT:   sdf.actor @a time 1 repetition 3
// CHECK-NEXT:   sdf.actor @b time 2 repetition 2
// CHECK-NEXT:   sdf.actor @c time 2 repetition 1

// Alone the two channels need room for 4 and 2 tokens: one iteration in 7.
sdf.graph @unbounded {
  sdf.actor @a time 1
  sdf.actor @b time 2
  sdf.actor @c time 2
  sdf.channel @alpha : @a[2] -> [3]@b tokens 0
  sdf.channel @beta : @b[1] -> [2]@c tokens 0
  sdf.channel @sa : @a[1] -> [1]@a tokens 1
  sdf.channel @sb : @b[1] -> [1]@b tokens 1
  sdf.channel @sc : @c[1] -> [1]@c tokens 1
}
// STORAGE: sdf.graph @unbounded
// STORAGE-SAME: storage = [{period = #sdf.ratio<7>, size = 6 : i64, capacities = array<i64: 4, 2, -1, -1, -1>}, {period = #sdf.ratio<6>, size = 8 : i64
// STORAGE-SAME: size = 9 : i64{{.*}}{period = #sdf.ratio<4>, size = 10 : i64, capacities = array<i64: 7, 3, -1, -1, -1>}]
// STORAGE-SAME: storage_complete = true
