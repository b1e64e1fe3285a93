"""Placement on a mesh, and the search for a binding around it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from dataflow_graphs import SHARED, layers, lenet, needs_graphs

from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.dataflow.platform import Tile, mesh
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.frontend.sdf3_platform import parse_sdf3_platform, parse_tile_binding
from spikeloom.passes.binding.application import prepare
from spikeloom.passes.binding.load_balance import Weights, balanced_binding
from spikeloom.passes.binding.pipeline import pipelined
from spikeloom.passes.binding.placement import place
from spikeloom.passes.binding.resources import Infeasible, check_binding
from spikeloom.passes.binding.search import best_binding, placed


def hops(rows: int, columns: int) -> np.ndarray:
    return np.array([[d or 0 for d in row] for row in mesh(rows, columns, Tile("t")).delays])


def cost(traffic: np.ndarray, distance: np.ndarray, position: tuple[int, ...]) -> int:
    off = traffic - np.diag(np.diag(traffic))
    return int((off * distance[np.ix_(position, position)]).sum())


def test_no_exchange_of_two_positions_improves_a_finished_placement():
    draw = np.random.default_rng(5)
    for _ in range(25):
        groups = int(draw.integers(1, 10))
        traffic = draw.integers(0, 50, (groups, groups)) * (draw.random((groups, groups)) < 0.4)
        distance = hops(3, 3)
        found = place(traffic, distance)
        assert found.complete
        assert len(set(found.position)) == groups
        assert found.cost == cost(traffic, distance, found.position)
        everywhere = [*found.position, *(set(range(9)) - set(found.position))]
        for i, j in itertools.combinations(range(9), 2):
            other = list(everywhere)
            other[i], other[j] = other[j], other[i]
            assert cost(traffic, distance, tuple(other[:groups])) >= found.cost


def test_small_placements_are_close_to_the_best_of_all():
    draw = np.random.default_rng(6)
    ratio: list[float] = []
    for _ in range(20):
        traffic = draw.integers(0, 20, (6, 6))
        distance = hops(2, 3)
        best = min(cost(traffic, distance, each) for each in itertools.permutations(range(6)))
        ratio.append(place(traffic, distance).cost / best)
    assert max(ratio) < 1.1
    assert sum(ratio) / len(ratio) < 1.02


def test_a_chain_lies_along_the_mesh():
    traffic = np.diag(np.full(15, 10), 1)
    assert place(traffic, hops(4, 4)).cost <= 170


def test_a_placement_that_was_cut_says_so():
    draw = np.random.default_rng(7)
    traffic = draw.integers(0, 20, (16, 16))
    assert not place(traffic, hops(4, 4), rounds=0).complete
    with pytest.raises(ValueError, match="16 groups do not fit on 9 positions"):
        place(traffic, hops(3, 3))


def test_placing_keeps_the_groups_and_shortens_the_ways():
    application = prepare(layers(7))
    platform = mesh(3, 3, Tile("t"))
    binding = balanced_binding(application, platform, Weights())
    found = placed(application, binding, platform)
    assert len(set(zip(binding, found, strict=True))) == len(set(binding)) == len(set(found))

    def distance(tiles: tuple[int, ...]) -> int:
        return sum(
            platform.delays[tiles[c.source]][tiles[c.target]] or 0
            for c in application.graph.channels
        )

    assert distance(found) < distance(binding)


def test_the_search_is_never_worse_than_load_balancing_and_says_when_it_was_cut():
    for seed in range(3):
        graph = layers(seed, width=5, depth=3)
        application = prepare(pipelined(graph, repetition_vector(graph)).graph)
        platform = mesh(2, 2, Tile("t", connections=40), 3, 4)
        balanced = balanced_binding(application, platform)
        first = application.guarantee(balanced, platform).period
        found = best_binding(application, platform, evaluations=200)
        check_binding(application, found.binding, platform)
        assert found.throughput == application.guarantee(found.binding, platform)
        assert found.throughput.period <= first
        assert not best_binding(application, platform, evaluations=1).complete


def test_the_search_refuses_what_no_weights_can_bind():
    with pytest.raises(Infeasible, match="none of them can take one more actor"):
        best_binding(prepare(layers(1)), mesh(1, 1, Tile("t", actors=3)))


@needs_graphs
def test_the_published_platform_and_bindings_of_lenet():
    data = (SHARED / "lenet" / "neuromorphic.4.xml").read_bytes()
    platform = parse_sdf3_platform(data, "neuromorphic.4.xml")
    assert [(t.wheel, t.memory, t.connections, t.bandwidth_in) for t in platform.tiles] == [
        (8, 1048576, 8, 96)
    ] * 4
    assert platform.delays[0] == (None, 3, 3, 4)
    graph = lenet()
    names = [actor.name for actor in graph.actors]
    application = prepare(graph, states=[1] * 7)
    for file, whole, half in (("tile_binding_1.txt", 112, 224), ("tile_binding_2.txt", 64, 128)):
        text = (SHARED / "lenet" / file).read_text(encoding="utf-8")
        binding = parse_tile_binding(text, file, names, 4)
        check_binding(application, binding, platform)
        assert application.guarantee(binding, platform).period == whole
        shared = platform.with_slices([4] * 4)
        assert application.guarantee(binding, shared).period == half
    # Published for the second binding: 1/103.5 with buffers that its flow had chosen, and 1/86 for
    # its own load-balanced one.
    assert best_binding(application, platform).throughput.period <= 48


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<sdf3", "this is no XML"),
        ("<sdf3/>", "no <sdf3> with an <architectureGraph>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><sdf3/>', "the XML is refused"),
        ("<sdf3><architectureGraph/></sdf3>", "has 0 tiles"),
        ("<sdf3><architectureGraph><tile/></architectureGraph></sdf3>", "has no `name`"),
        (
            "<sdf3><architectureGraph><tile name='a'/><connection srcTile='a' dstTile='b'/>"
            "</architectureGraph></sdf3>",
            "names `b`, which is no tile",
        ),
        (
            "<sdf3><architectureGraph><tile name='a'/><tile name='a'/></architectureGraph></sdf3>",
            "two tiles have the same name",
        ),
        (
            "<sdf3><architectureGraph><tile name='a'><memory size='-1'/></tile>"
            "</architectureGraph></sdf3>",
            "`size` must be an integer",
        ),
    ],
)
def test_what_is_no_architecture_is_refused(text: str, words: str):
    with pytest.raises(DiagnosticError, match=words):
        parse_sdf3_platform(text.encode(), "platform.xml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 1 x", "expected a number, got 'x'"),
        ("4 0 1", "tile 4 is none of the 4 tiles"),
        ("0 0 1 7", "0 actors have the number 7"),
        ("0 0 1\n1 1", "actor `a_1` is bound twice"),
        ("0 0", "actor `a_1` is bound to no tile"),
    ],
)
def test_a_tile_binding_binds_every_actor_once(text: str, words: str):
    with pytest.raises(DiagnosticError, match=words):
        parse_tile_binding(text, "binding.txt", ["a_0", "a_1"], 4)


def test_a_platform_file_need_not_name_every_limit(tmp_path: Path):
    text = "<sdf3><architectureGraph name='p'><tile name='a'/></architectureGraph></sdf3>"
    found = parse_sdf3_platform(text.encode(), "platform.xml")
    assert (found.name, found.tiles, found.delays) == ("p", (Tile("a"),), ((None,),))
