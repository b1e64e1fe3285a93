"""Bound graphs: the promise against published answers and against a simulation of the tiles."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from dataflow_graphs import lenet, live_graphs, needs_graphs
from tile_simulation import TileSimulation

from spikeloom.dialects.dataflow.graph import Actor, Channel, Deadlock, Graph
from spikeloom.dialects.dataflow.platform import Platform, Tile, mesh
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.binding.application import prepare
from spikeloom.passes.binding.buffers import Room, room_for
from spikeloom.passes.binding.guarantee import guarantee, hardware_aware_graph
from spikeloom.passes.binding.orders import projection, single_tile_order
from spikeloom.passes.binding.transfers import Unconnected
from spikeloom.passes.dataflow.self_timed import self_timed_period
from spikeloom.passes.dataflow.throughput import throughput_of


def random_platform(draw: random.Random, shared: bool) -> Platform:
    tiles: list[Tile] = []
    for number in range(draw.randint(1, 4)):
        wheel = draw.randint(1, 9) if shared else 1
        tiles.append(Tile(f"t{number}", wheel, draw.randint(1, wheel)))
    delays = tuple(tuple(draw.randint(0, 6) for _ in tiles) for _ in tiles)
    return Platform(tuple(tiles), delays, draw.choice([None, 1, 3]))


@needs_graphs
@pytest.mark.parametrize(("slice", "period"), [(8, 112), (4, 224), (2, 448)])
def test_lenet_on_one_tile_keeps_the_published_period(slice: int, period: int):
    graph = lenet()
    order = single_tile_order(graph, repetition_vector(graph))
    platform = mesh(2, 2, Tile("t", 8, slice), 1, 96)
    binding = [0] * 7
    orders = projection(order, binding, 4)
    assert guarantee(graph, binding, platform, orders, room_for(graph, order)).period == period


@needs_graphs
@pytest.mark.parametrize("slice", [3, 5, 6, 7])
def test_a_slice_that_divides_nothing_gives_work_by_share(slice: int):
    """SDF3 publishes 280, 168, 140 and 123.2 here; it forgets the wait for a slice that a firing
    just misses, and promises more work than the slices hold: 280 cycles have 105 of 112."""
    graph = lenet()
    order = single_tile_order(graph, repetition_vector(graph))
    platform = mesh(1, 1, Tile("t", 8, slice))
    room = room_for(graph, order)
    found = guarantee(graph, [0] * 7, platform, [order], room)
    assert found.period == Fraction(112 * 8, slice)
    ends = TileSimulation(graph, [0] * 7, platform, [order], room, [0]).run(50, [1] * 7)
    assert abs(Fraction(ends[-1], 50) - found.period) < 8


def test_orders_made_for_one_tile_never_deadlock_on_any_binding():
    draw = random.Random(1)
    for seed, graph in live_graphs(150):
        counts = repetition_vector(graph)
        order = single_tile_order(graph, counts)
        assert sorted(order) == [
            actor for actor, times in enumerate(counts.counts) for _ in range(times)
        ]
        room = room_for(graph, order, spare=draw.choice([0, 0, 1]))
        platform = random_platform(draw, shared=True)
        tiles = len(platform.tiles)
        for _ in range(3):
            binding = [draw.randrange(tiles) for _ in graph.actors]
            orders = projection(order, binding, tiles)
            period = guarantee(graph, binding, platform, orders, room).period
            work = sum(
                Fraction(
                    actor.time * times * platform.tiles[tile].wheel, platform.tiles[tile].slice
                )
                for actor, times, tile in zip(graph.actors, counts.counts, binding, strict=True)
                if tile == binding[0]
            )
            assert period >= max(work, throughput_of(graph.without_self_overlap()).period), seed


def test_the_promise_is_what_tiles_of_our_own_do_to_the_cycle():
    draw = random.Random(2)
    for seed, graph in live_graphs(80):
        counts = repetition_vector(graph)
        order = single_tile_order(graph, counts)
        room = room_for(graph, order, spare=draw.choice([0, 1, 2]))
        platform = random_platform(draw, shared=False)
        binding = [draw.randrange(len(platform.tiles)) for _ in graph.actors]
        orders = projection(order, binding, len(platform.tiles))
        period = guarantee(graph, binding, platform, orders, room).period
        phases = [0] * len(platform.tiles)
        simulation = TileSimulation(graph, binding, platform, orders, room, phases)
        ends = simulation.run(120, counts.counts)
        assert len(ends) == 120
        assert any(ends[-1] - ends[-1 - n] == n * period for n in range(1, 60)), seed
        plain = hardware_aware_graph(graph, binding, platform, orders, room)
        assert throughput_of(plain).period == period
        assert self_timed_period(plain) == period


def test_the_promise_is_never_broken_on_shared_tiles():
    draw = random.Random(3)
    for seed, graph in live_graphs(60):
        counts = repetition_vector(graph)
        order = single_tile_order(graph, counts)
        room = room_for(graph, order, spare=draw.choice([0, 1]))
        platform = random_platform(draw, shared=True)
        binding = [draw.randrange(len(platform.tiles)) for _ in graph.actors]
        orders = projection(order, binding, len(platform.tiles))
        period = guarantee(graph, binding, platform, orders, room).period
        phases = [draw.randrange(tile.wheel) for tile in platform.tiles]
        simulation = TileSimulation(graph, binding, platform, orders, room, phases)
        ends = simulation.run(90, counts.counts)
        assert len(ends) == 90
        # The simulation is periodic only with the wheels, so that a wheel may be lost or won.
        slack = max(tile.wheel for tile in platform.tiles)
        assert ends[-1] - ends[29] <= 60 * period + slack * 8, seed


def two_actors() -> Graph:
    return Graph((Actor("a", 3), Actor("b", 4)), (Channel("ab", 0, 1, tokens=1),))


def test_a_channel_between_tiles_becomes_a_connection_with_two_buffers():
    platform = Platform((Tile("s"), Tile("t")), ((0, 5), (5, 0)), bandwidth=4)
    found = hardware_aware_graph(
        two_actors(), [0, 1], platform, [[0], [1]], [Room(2, 3, 2)], sizes=[10]
    )
    assert [(actor.name, actor.time) for actor in found.actors] == [
        *(("a", 3), ("b", 4), ("ab connection", 5 + 3))
    ]
    assert [(c.name, c.source, c.target, c.tokens) for c in found.channels] == [
        *(("a alone", 0, 0, 1), ("b alone", 1, 1, 1), ("ab connection alone", 2, 2, 1)),
        *(("ab sent", 0, 2, 1), ("ab", 2, 1, 0)),
        *(("ab input room", 1, 2, 2), ("ab output room", 2, 0, 2)),
        *(("a next", 0, 0, 1), ("b next", 1, 1, 1)),
    ]


def test_what_comes_to_a_shared_tile_waits_for_its_slice():
    platform = Platform((Tile("s", 6, 4), Tile("t", 8, 2)), ((0, 5), (5, 0)))
    found = hardware_aware_graph(two_actors(), [0, 1], platform, [[0], [1]], [Room(2, 3, 2)])
    ticks = 2
    assert {actor.name: Fraction(actor.time, ticks) for actor in found.actors} == {
        "a": Fraction(3 * 6, 4),
        "b": 4 * 8 // 2,
        "ab connection": 5,
        "ab waits": 6,
        "ab room waits": 2,
    }


def test_tiles_without_a_connection_and_orders_that_miss_a_firing_are_refused():
    apart = Platform((Tile("s"), Tile("t")), ((0, None), (5, 0)))
    with pytest.raises(Unconnected, match="channel ab joins s and t"):
        guarantee(two_actors(), [0, 1], apart, [[0], [1]])
    with pytest.raises(ValueError, match="fires b 0 times per iteration, not 1"):
        guarantee(two_actors(), [0, 0], apart, [[0], []])
    with pytest.raises(ValueError, match="buffer has room for 0"):
        guarantee(two_actors(), [0, 0], apart, [[0, 1], []], [Room(0, 0, 0)])


def test_an_order_that_waits_for_itself_is_a_deadlock_with_its_cycle():
    graph = Graph((Actor("a", 3), Actor("b", 4)), (Channel("ab", 0, 1),))
    platform = Platform((Tile("s"),), ((0,),))
    with pytest.raises(Deadlock) as stuck:
        guarantee(graph, [0, 0], platform, [[1, 0]])
    assert {step.channel for step in stuck.value.cycle} == {"ab", "b next"}


def test_a_connection_carries_the_tokens_of_a_firing_one_after_the_other():
    """Also where the target takes as many as the source puts: both fire once per iteration."""
    graph = Graph((Actor("a", 3), Actor("b", 4)), (Channel("ab", 0, 1, 6, 6, tokens=6),))
    platform = Platform((Tile("s"), Tile("t")), ((0, 5), (5, 0)))
    found = guarantee(graph, [0, 1], platform, [[0], [1]], [Room(12, 12, 12)])
    assert found.period == 6 * 5
    assert {step.source for step in found.critical_cycle} == {"ab connection"}
    whole = prepare(graph)
    assert whole.guarantee([0, 1], platform).period == 6 * 5
    assert whole.guarantee([0, 0], platform).period == 3 + 4


def test_what_an_application_keeps_leads_to_the_same_guarantee():
    draw = random.Random(4)
    for seed, graph in live_graphs(60):
        application = prepare(graph)
        platform = random_platform(draw, shared=bool(seed % 2))
        binding = [draw.randrange(len(platform.tiles)) for _ in graph.actors]
        orders = application.orders(binding, platform)
        plain = guarantee(graph, binding, platform, orders, application.room, application.sizes)
        found = application.guarantee(binding, platform)
        assert found == plain, seed
        assert application.load(binding, platform) <= found.period, seed


def test_times_that_a_wheel_makes_too_large_are_an_overflow():
    graph = Graph((Actor("a", 2**60),), ())
    platform = Platform((Tile("t", 8, 1),), ((0,),))
    with pytest.raises(OverflowError):
        guarantee(graph, [0], platform, [[0]])
    with pytest.raises(OverflowError):
        prepare(graph).load([0], platform)
