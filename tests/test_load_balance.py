"""Load-balanced binding: every limit is kept, the load is even, refusals say why."""

from __future__ import annotations

import random

import pytest
from dataflow_graphs import layers, live_graphs

from spikeloom.dialects.dataflow.platform import Platform, Tile, mesh
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.binding.application import Application, prepare
from spikeloom.passes.binding.load_balance import Weights, balanced_binding
from spikeloom.passes.binding.pipeline import pipelined
from spikeloom.passes.binding.resources import Infeasible, check_binding, tile_use
from spikeloom.passes.dataflow.throughput import throughput_of

EVERYTHING = Weights(1, 0.5, 2, 0.5, 1)


def test_no_limit_is_exceeded_on_random_platforms():
    draw = random.Random(4)
    bound = refused = 0
    for _, graph in live_graphs(150):
        application = prepare(graph, states=[draw.randint(0, 5) for _ in graph.actors])
        tiles = tuple(
            Tile(
                f"t{number}",
                4,
                draw.randint(1, 4),
                memory=draw.choice([None, draw.randint(10, 200)]),
                connections=draw.choice([None, draw.randint(0, 6)]),
                bandwidth_in=draw.choice([None, 8]),
                actors=draw.choice([None, 3]),
            )
            for number in range(draw.randint(1, 4))
        )
        delays = tuple(tuple(draw.choice([1, 2, None]) for _ in tiles) for _ in tiles)
        platform = Platform(tiles, delays)
        try:
            binding = balanced_binding(application, platform, draw.choice([Weights(), EVERYTHING]))
        except Infeasible:
            refused += 1
            continue
        check_binding(application, binding, platform)
        application.guarantee(binding, platform)
        bound += 1
    assert min(bound, refused) > 20


def test_the_bookkeeping_of_moves_is_that_of_the_finished_binding():
    application = prepare(layers(1))
    platform = mesh(2, 3, Tile("t", connections=60, memory=400))
    for moves in (0, 5, 60):
        binding = balanced_binding(application, platform, EVERYTHING, moves=moves)
        check_binding(application, binding, platform)
        assert balanced_binding(application, platform, EVERYTHING, moves=moves) == binding


def test_equal_tiles_get_equal_work():
    for seed in range(10):
        application = prepare(layers(seed))
        work = [
            use.work
            for use in tile_use(
                application,
                balanced_binding(application, mesh(2, 2, Tile("t")), Weights()),
                mesh(2, 2, Tile("t")),
            )
        ]
        assert max(work) - min(work) <= 20


def test_a_tile_with_a_small_slice_gets_little_work():
    platform = Platform((Tile("full", 8, 8), Tile("quarter", 8, 2)), ((0, 1), (1, 0)))
    application = prepare(layers(2))
    full, quarter = tile_use(
        application, balanced_binding(application, platform, Weights()), platform
    )
    assert full.actors > 3 * quarter.actors
    assert abs(full.work - quarter.work) < 80


def test_tiles_that_are_not_usable_get_nothing():
    application = prepare(layers(3))
    binding = balanced_binding(
        application, mesh(2, 2, Tile("t")), usable=[True, False, True, False]
    )
    assert set(binding) == {0, 2}


@pytest.mark.parametrize(
    ("tile", "words"),
    [
        (Tile("t", actors=14), "fits on none of 4 tiles: none of them can take one more actor"),
        (Tile("t", memory=3), "fits on none of 4 tiles: none of them has memory left"),
        (Tile("t", actors=15, connections=2), "fits on no"),
    ],
)
def test_what_fits_nowhere_is_refused_with_the_reason(tile: Tile, words: str):
    with pytest.raises(Infeasible, match=words):
        balanced_binding(prepare(layers(4)), mesh(2, 2, tile))


def period_on_four_tiles(application: Application) -> float:
    platform = mesh(2, 2, Tile("t"), 1, 8)
    return float(application.guarantee(balanced_binding(application, platform), platform).period)


def test_a_prologue_takes_the_period_from_the_latency_to_the_work_of_the_fullest_tile():
    for seed in range(5):
        graph = layers(seed)
        work = sum(actor.time for actor in graph.actors)
        plain = period_on_four_tiles(prepare(graph))
        ahead = period_on_four_tiles(prepare(pipelined(graph, repetition_vector(graph)).graph))
        assert ahead <= 1.1 * work / 4 < plain


def test_a_prologue_is_an_execution_of_the_graph():
    for _, graph in live_graphs(100):
        counts = repetition_vector(graph)
        found = pipelined(graph, counts)
        assert min(found.ahead) == 0
        for before, after in zip(graph.channels, found.graph.channels, strict=True):
            moved = before.production * counts.counts[before.source] * found.ahead[before.source]
            taken = before.consumption * counts.counts[before.target] * found.ahead[before.target]
            assert after.tokens == before.tokens + moved - taken >= 0
        assert throughput_of(found.graph).period == throughput_of(graph).period


def test_a_binding_is_refused_exactly_where_a_tile_gives_more_than_it_has():
    draw = random.Random(8)
    refused = 0
    for seed, graph in live_graphs(60):
        sizes = [draw.randint(1, 9) for _ in graph.channels]
        states = [draw.randint(0, 30) for _ in graph.actors]
        application = prepare(graph, sizes=sizes, states=states)
        for _ in range(5):
            tiles = tuple(
                Tile(f"t{number}", memory=draw.randint(20, 200), connections=draw.randint(2, 9))
                for number in range(3)
            )
            platform = Platform(tiles, ((1,) * 3,) * 3)
            binding = [draw.randrange(3) for _ in graph.actors]
            too_much = [
                f"tile {tile.name} has {limit} {what}, but needs {value}"
                for tile, use in zip(tiles, tile_use(application, binding, platform), strict=True)
                for what, value, limit in (
                    ("memory", use.memory, tile.memory or 0),
                    ("connections", use.connections, tile.connections or 0),
                )
                if value > limit
            ]
            if not too_much:
                check_binding(application, binding, platform)
                continue
            refused += 1
            with pytest.raises(Infeasible) as problem:
                check_binding(application, binding, platform)
            assert str(problem.value) == too_much[0], seed
    assert 50 < refused < 290
