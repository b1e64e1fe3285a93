"""The compiled maximum cycle ratio says what the plain one says: ratio, cycle and refusals."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from random_graphs import random_graph

from spikeloom.dialects.dataflow.graph import Deadlock, InconsistentRates
from spikeloom.passes.dataflow import cycle_ratio, throughput
from spikeloom.passes.dataflow.compiled_cycle_ratio import compiled_cycle_ratio
from spikeloom.passes.dataflow.cycle_ratio import CycleRatio, TokenFreeCycle, maximum_cycle_ratio

Integers = NDArray[np.int64]
Ratio = Callable[..., CycleRatio | None]


def answer(
    ratio: Ratio, nodes: int, columns: tuple[Integers, ...]
) -> CycleRatio | tuple[int, ...] | None:
    """What an implementation says; the edges of a cycle without tokens are a tuple."""
    try:
        return ratio(nodes, *columns)
    except TokenFreeCycle as stuck:
        return stuck.cycle


def test_ratio_cycle_and_token_free_cycles_are_the_same_on_random_graphs():
    draw = random.Random(1)
    kinds = {"ratio": 0, "none": 0, "stuck": 0}
    for number in range(1500):
        nodes = draw.randint(1, 12 if number % 3 else 60)
        edges = [
            (
                draw.randrange(nodes),
                draw.randrange(nodes),
                draw.randint(0, 9),
                draw.randint(1, 3) if number % 2 else draw.choice([0, 1, 1, 2, 3]),
            )
            for _ in range(draw.randint(1, 4 * nodes))
        ]
        columns = tuple(np.array(edges, np.int64).T.copy())
        expected, found = (
            answer(ratio, nodes, columns) for ratio in (maximum_cycle_ratio, compiled_cycle_ratio)
        )
        assert found == expected
        kind = {tuple: "stuck", CycleRatio: "ratio"}.get(type(expected), "none")
        kinds[kind] += 1
    assert min(kinds.values()) > 50


def test_numbers_that_might_be_too_large_for_its_products_go_to_the_plain_one():
    ends = np.array([0, 1]), np.array([1, 0])
    weight, tokens = np.array([2**57, 2**57]), np.array([0, 1])
    assert compiled_cycle_ratio(2, *ends, weight, tokens) == CycleRatio(Fraction(2**58), (0, 1))
    with pytest.raises(OverflowError):
        compiled_cycle_ratio(2, *ends, 8 * weight, tokens)


def test_a_large_graph_has_the_same_throughput_as_by_the_plain_one(monkeypatch):
    for seed in range(60):
        graph = random_graph(seed)
        answers = []
        for limit in (0, 10**9):
            monkeypatch.setattr(throughput, "MANY_PRECEDENCES", limit)
            answers.append(outcome(lambda graph=graph: throughput.throughput_of(graph)))
        assert answers[0] == answers[1]


def outcome(work):
    """What an analysis finds, or the words of its refusal."""
    try:
        return work()
    except (Deadlock, InconsistentRates) as refusal:
        return str(refusal)


@pytest.mark.parametrize("slowest", [0, 1_000, 1_999])
def test_a_gain_is_known_everywhere_at_once(slowest: int, monkeypatch: pytest.MonkeyPatch):
    """A pipeline of 2,000 stages, one of them slower: not an iteration for every stage."""
    evaluations = 0
    evaluate = cycle_ratio._Search._evaluate

    def counting(self: cycle_ratio._Search, policy: Integers) -> object:
        nonlocal evaluations
        evaluations += 1
        return evaluate(self, policy)

    monkeypatch.setattr(cycle_ratio._Search, "_evaluate", counting)
    stages = np.arange(2_000)
    source = np.concatenate([stages, stages[:-1], stages[1:]])
    target = np.concatenate([stages, stages[1:], stages[:-1]])
    tokens = np.repeat([1, 2, 3], [2_000, 1_999, 1_999])
    weight = np.where(source == slowest, 2, 1)
    found = maximum_cycle_ratio(2_000, source, target, weight, tokens)
    assert found == CycleRatio(Fraction(2), (slowest,))
    assert compiled_cycle_ratio(2_000, source, target, weight, tokens) == found
    assert evaluations < 10
