"""Self-timed execution of a graph for a few iterations: when each firing finishes.

Unlike the period this includes the beginning: the first iteration's latency, and how fast the
execution settles. A channel's initial tokens are there in cycle 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.graph import Deadlock, Graph
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.dataflow.cycle_ratio import find_cycle
from spikeloom.passes.dataflow.expansion import Precedences, expand
from spikeloom.passes.dataflow.throughput import steps_of

Integers = NDArray[np.int64]


def finishes(graph: Graph, iterations: int) -> Integers:
    """Cycles [iterations, firings] in which every firing finishes, in the expansion's order.

    Raises:
        InconsistentRates: there is no repetition vector.
        Deadlock: the execution comes to a halt.
        TooManyFirings: an iteration is too long to be expanded.
    """
    firings = expand(graph, repetition_vector(graph))
    order = _order(graph, firings)
    by_target = np.argsort(firings.target, kind="stable")
    first: list[int] = np.searchsorted(
        firings.target[by_target], np.arange(firings.nodes + 1)
    ).tolist()
    source: list[int] = firings.source[by_target].tolist()
    tokens: list[int] = firings.tokens[by_target].tolist()
    numbers: list[int] = firings.actor.tolist()
    times = [graph.actors[number].time for number in numbers]
    found: list[list[int]] = []
    for iteration in range(iterations):
        now = [0] * firings.nodes
        found.append(now)
        for node in order:
            start = 0
            for edge in range(first[node], first[node + 1]):
                if tokens[edge] <= iteration:
                    start = max(start, found[iteration - tokens[edge]][source[edge]])
            now[node] = start + times[node]
    return np.array(found, np.int64).reshape(iterations, firings.nodes)


def _order(graph: Graph, firings: Precedences) -> list[int]:
    """The firings of an iteration, each behind what it waits for in the same iteration."""
    free = np.flatnonzero(firings.tokens == 0)
    source, target = firings.source[free], firings.target[free]
    waiting: list[int] = np.bincount(target, minlength=firings.nodes).tolist()
    by_source = np.argsort(source, kind="stable")
    first: list[int] = np.searchsorted(source[by_source], np.arange(firings.nodes + 1)).tolist()
    onward: list[int] = target[by_source].tolist()
    order = [node for node in range(firings.nodes) if not waiting[node]]
    for node in order:
        for other in onward[first[node] : first[node + 1]]:
            waiting[other] -= 1
            if not waiting[other]:
                order.append(other)
    if len(order) < firings.nodes:
        cycle = find_cycle(firings.nodes, source, target)
        assert cycle is not None, "what cannot be ordered has a cycle"
        raise Deadlock(steps_of(graph, firings, tuple(int(free[edge]) for edge in cycle)))
    return order
