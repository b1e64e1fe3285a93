"""The maximum cycle ratio in sweeps says what the plain one says, with a cycle that has it."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from spikeloom.passes.dataflow.cycle_ratio import CycleRatio, TokenFreeCycle, maximum_cycle_ratio
from spikeloom.passes.dataflow.swept_cycle_ratio import swept_cycle_ratio

Integers = NDArray[np.int64]


def random_edges(draw: random.Random, nodes: int, way_on: bool, free: bool) -> Integers:
    """Rows source, target, tokens and weight; `way_on`: of every node, `free`: without tokens."""
    ends = [(node, draw.randrange(nodes)) for node in range(nodes) if way_on]
    ends += [
        (draw.randrange(nodes), draw.randrange(nodes)) for _ in range(draw.randint(1, 3 * nodes))
    ]
    draw.shuffle(ends)
    edges: list[tuple[int, int, int, int]] = []
    for source, target in ends:
        least = 0 if source < target or (free and draw.random() < 0.3) else 1
        edges.append((source, target, draw.randint(least, 4), draw.randint(0, 9)))
    return np.array(edges, np.int64).T.copy()


def assert_is_cycle(found: CycleRatio, edges: Integers) -> None:
    source, target, tokens, weight = edges[:, list(found.cycle)]
    assert (np.roll(source, -1) == target).all()
    assert len(set(source.tolist())) == len(source)
    assert Fraction(int(weight.sum()), int(tokens.sum())) == found.ratio


def test_the_ratio_is_that_of_the_plain_one_and_the_cycle_has_it():
    draw = random.Random(1)
    found = none = stuck = 0
    for number in range(3000):
        nodes = draw.randint(1, 10 if number % 3 else 80)
        edges = random_edges(draw, nodes, number % 4 > 0, number % 5 == 0)
        columns = edges[0], edges[1], edges[3], edges[2]
        try:
            expected = maximum_cycle_ratio(nodes, *columns)
        except TokenFreeCycle:
            with pytest.raises(TokenFreeCycle) as problem:
                swept_cycle_ratio(nodes, edges[:3], edges[3])
            assert not edges[2, list(problem.value.cycle)].any()
            stuck += 1
            continue
        answer = swept_cycle_ratio(nodes, edges[:3], edges[3])
        if expected is None or answer is None:
            assert expected is answer
            none += 1
            continue
        assert answer.ratio == expected.ratio
        assert_is_cycle(answer, edges)
        found += 1
    assert found > 1000
    assert min(none, stuck) > 50


def test_several_parts_with_different_ratios_have_the_largest_one():
    """Rings without a way back to each other, in every order."""
    draw = random.Random(2)
    for _ in range(200):
        ratios = [draw.randint(1, 50) for _ in range(draw.randint(2, 6))]
        rows: list[tuple[int, int, int, int]] = []
        for number, ratio in enumerate(ratios):
            rows += [(2 * number, 2 * number + 1, 0, ratio), (2 * number + 1, 2 * number, 1, 0)]
            if number:
                rows.append((2 * number - 1, 2 * number, 0, 99))
        draw.shuffle(rows)
        edges = np.array(rows, np.int64).T.copy()
        answer = swept_cycle_ratio(2 * len(ratios), edges[:3], edges[3])
        assert answer is not None
        assert answer.ratio == max(ratios)
        assert_is_cycle(answer, edges)


def test_numbers_that_are_too_large_for_its_products_go_to_the_plain_one():
    edges = np.array([(0, 1, 0), (1, 0, 1)], np.int64).T.copy()
    weight = np.array([2**57, 2**57])
    assert swept_cycle_ratio(2, edges, weight) == CycleRatio(Fraction(2**58), (0, 1))
    edges = np.array([(0, 1, 2**40), (1, 0, 2**40)], np.int64).T.copy()
    with pytest.raises(OverflowError):
        swept_cycle_ratio(2, edges, np.array([2**40 - 1, 2**40]))
