// RUN: spikeloom-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

sdf.graph @stuck {
  sdf.actor @a time 1
  sdf.actor @b time 1
  sdf.channel @there : @a[1] -> [1]@b tokens 0
  sdf.channel @back : @b[1] -> [1]@a tokens 0
}
// CHECK: too few initial tokens on the cycle

// -----

sdf.graph @unbalanced {
  sdf.actor @a time 1
  sdf.channel @loop : @a[2] -> [1]@a tokens 1
}
// CHECK: no numbers of firings balance the rates of a -> a

// -----

sdf.graph @narrow {
  sdf.actor @a time 1
  sdf.actor @b time 1
  sdf.channel @c : @a[3] -> [2]@b tokens 0 capacity 2
}
// CHECK: channel @c has room for 2 tokens, but one firing moves 3

// -----

sdf.graph @full {
  sdf.actor @a time 1
  sdf.actor @b time 1
  sdf.channel @c : @a[1] -> [1]@b tokens 3 capacity 2
}
// CHECK: channel c holds 3 tokens initially, but has room for 2

// -----

// Room for 3 is enough for each firing, but not for both rates together.
sdf.graph @tight {
  sdf.actor @a time 1
  sdf.actor @b time 1
  sdf.channel @c : @a[2] -> [3]@b tokens 0 capacity 3
}
// CHECK: too few initial tokens on the cycle

// -----

sdf.graph @nobody {
  sdf.actor @a time 1
  sdf.channel @c : @a[1] -> [1]@b tokens 0
}
// CHECK: channel @c names @b, which is no actor

// -----

sdf.graph @elsewhere {
  sdf.actor @a time 1
  sdf.tile @t
  sdf.order on @t [@a]
}
// CHECK: @a stands in the order of @t, but is not bound to it

// -----

sdf.graph @backwards {
  sdf.actor @P time 2
  sdf.actor @F time 3
  sdf.channel @b : @P[1] -> [1]@F tokens 0
  sdf.tile @t
  sdf.bind @P on @t
  sdf.bind @F on @t
  sdf.order on @t [@F, @P]
}
// CHECK: tile @t waits for ever: @F is next in its order and lacks tokens of @P on the channel `b`

// -----

// Each order alone could be followed; the two wait for each other.
sdf.graph @crossed {
  sdf.actor @a time 1
  sdf.actor @b time 1
  sdf.actor @c time 1
  sdf.actor @d time 1
  sdf.channel @ab : @a[1] -> [1]@b tokens 0
  sdf.channel @cd : @c[1] -> [1]@d tokens 0
  sdf.tile @s
  sdf.tile @t
  sdf.bind @a on @s
  sdf.bind @d on @s
  sdf.bind @b on @t
  sdf.bind @c on @t
  sdf.order on @s [@d, @a]
  sdf.order on @t [@b, @c]
}
// CHECK: tile @s waits for ever: @d is next in its order and lacks tokens of @c on the channel `cd`

// -----

sdf.graph @uneven {
  sdf.actor @P time 2
  sdf.actor @F time 3
  sdf.channel @b : @P[1] -> [1]@F tokens 0
  sdf.tile @t
  sdf.bind @P on @t
  sdf.bind @F on @t
  sdf.order on @t [@P, @F, @P, @P]
}
// CHECK: the order of tile @t fires @F 1 x, but 3 x in 3 iterations of the graph
