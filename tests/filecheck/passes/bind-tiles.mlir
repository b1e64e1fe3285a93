// RUN: spikeloom-opt %s -p 'bind-tiles{rows=1 columns=2 delay=3}' | filecheck %s
// RUN: spikeloom-opt %s -p 'bind-tiles{rows=1 columns=2 pipeline=true}' | filecheck %s --check-prefix AHEAD
// RUN: spikeloom-opt %s -p 'bind-tiles{rows=1 columns=2 delay=3},bind-tiles{delay=3},analyze-throughput' | filecheck %s

// Two tiles: three firings of 4, and one of 12 after a connection.
sdf.graph @free {
  sdf.actor @load time 4
  sdf.actor @compute time 12
  sdf.channel @tile : @load[1] -> [3]@compute tokens 0 size 8
}
// CHECK:       sdf.graph @free attributes
// CHECK-SAME:    guarantee = #sdf.ratio<12>
// CHECK:         sdf.channel @tile : @load[1] -> [3]@compute tokens 0 size 8 {buffers = array<i64: 4, 6>}
// CHECK:         sdf.bind @load on @[[LOAD:tile_.]]
// CHECK-NEXT:    sdf.bind @compute on @[[COMPUTE:tile_.]]
// CHECK-DAG:     sdf.order on @[[LOAD]] [@load, @load, @load]
// CHECK-DAG:     sdf.order on @[[COMPUTE]] [@compute]

// AHEAD:         sdf.actor @load time 4 {ahead = 1 : i64}
// AHEAD-NEXT:    sdf.actor @compute time 12 {ahead = 0 : i64}
// AHEAD-NEXT:    sdf.channel @tile : @load[1] -> [3]@compute tokens 3

// One tile with half of its time: twice 4 + 6 cycles, as the graph's own binding wants it.
sdf.graph @bound {
  sdf.actor @a time 4
  sdf.actor @b time 6
  sdf.channel @ab : @a[1] -> [1]@b tokens 0
  sdf.tile @left wheel 8 slice 4
  sdf.tile @right wheel 8 slice 8
  sdf.bind @a on @left
  sdf.bind @b on @left
}
// CHECK:       sdf.graph @bound attributes
// CHECK-SAME:    guarantee = #sdf.ratio<20>
// CHECK:         sdf.tile @left wheel 8 slice 4
// CHECK-NEXT:    sdf.tile @right wheel 8 slice 8
// CHECK-NEXT:    sdf.bind @a on @left
// CHECK-NEXT:    sdf.bind @b on @left
// CHECK-NEXT:    sdf.order on @left [@a, @b]
