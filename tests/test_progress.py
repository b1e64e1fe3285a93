"""Self-timed execution of the first iterations, against max-plus algebra and the period."""

from __future__ import annotations

from fractions import Fraction

import pytest
from random_graphs import random_graph

from spikeloom.dialects.dataflow.graph import Actor, Channel, Deadlock, Graph, InconsistentRates
from spikeloom.passes.dataflow.latency import latency_of
from spikeloom.passes.dataflow.max_plus import iteration_of
from spikeloom.passes.dataflow.progress import finishes, guaranteed_delay
from spikeloom.passes.dataflow.throughput import throughput_of


def graphs_that_run(count: int) -> list[tuple[Graph, Fraction]]:
    """Random graphs with a period, and it."""
    found: list[tuple[Graph, Fraction]] = []
    for seed in range(count):
        graph = random_graph(seed)
        try:
            found.append((graph, throughput_of(graph).period))
        except (Deadlock, InconsistentRates):
            continue
    return found


def test_the_latency_is_that_of_max_plus_algebra():
    graphs = graphs_that_run(300)
    assert len(graphs) > 80
    for graph, _ in graphs:
        latency = iteration_of(graph).latency
        assert latency_of(graph) == finishes(graph, 1).max() == latency


def test_every_iteration_is_over_when_it_is_guaranteed_and_one_of_them_not_earlier():
    for graph, period in graphs_that_run(300):
        delay = guaranteed_delay(graph, period)
        ends = finishes(graph, 40).max(axis=1).tolist()
        late = [end - number * period - delay for number, end in enumerate(ends)]
        assert max(late) == 0


def test_a_faster_guarantee_than_the_period_is_refused():
    loop = Graph((Actor("a", 5),), (Channel("loop", 0, 0, tokens=2),))
    assert guaranteed_delay(loop, Fraction(5, 2)) == 5
    with pytest.raises(ValueError, match="slower than 2 cycles"):
        guaranteed_delay(loop, Fraction(2))


def test_what_waits_for_itself_does_not_start():
    stuck = Graph((Actor("a", 1), Actor("b", 1)), (Channel("x", 0, 1), Channel("y", 1, 0)))
    with pytest.raises(Deadlock, match="a -> b -> a"):
        finishes(stuck, 1)
