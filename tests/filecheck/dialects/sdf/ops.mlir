// RUN: spikeloom-opt %s --split-input-file | spikeloom-opt --split-input-file | filecheck %s
// RUN: spikeloom-opt %s --split-input-file --print-op-generic | spikeloom-opt --split-input-file | filecheck %s

sdf.graph @pipeline {
  sdf.actor @load time 4
  sdf.actor @compute time 9 repetition 1
  sdf.channel @tile : @load[1] -> [2]@compute tokens 0 capacity 4 size 8
  sdf.channel @alone : @compute[1] -> [1]@compute tokens 1
  sdf.tile @left wheel 8 slice 4
  sdf.tile @right
  sdf.bind @load on @left
  sdf.bind @compute on @right
  sdf.order on @left [@load, @load]
}
// CHECK:       sdf.graph @pipeline {
// CHECK-NEXT:    sdf.actor @load time 4
// CHECK-NEXT:    sdf.actor @compute time 9 repetition 1
// CHECK-NEXT:    sdf.channel @tile : @load[1] -> [2]@compute tokens 0 capacity 4 size 8
// CHECK-NEXT:    sdf.channel @alone : @compute[1] -> [1]@compute tokens 1
// CHECK-NEXT:    sdf.tile @left wheel 8 slice 4
// CHECK-NEXT:    sdf.tile @right
// CHECK-NEXT:    sdf.bind @load on @left
// CHECK-NEXT:    sdf.bind @compute on @right
// CHECK-NEXT:    sdf.order on @left [@load, @load]
