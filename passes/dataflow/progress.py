"""Self-timed execution of a graph for a few iterations: when each firing finishes.

Unlike the period this includes the beginning: the first iteration's latency, and how fast the
execution settles. A channel's initial tokens are there in cycle 0.
"""

from __future__ import annotations

from fractions import Fraction

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
    schedule = _Schedule(graph)
    found: list[list[int]] = []
    for _ in range(iterations):
        found.append(schedule.next_iteration(found))
    return np.array(found, np.int64).reshape(iterations, schedule.firings)


def guaranteed_delay(graph: Graph, period: Fraction) -> Fraction:
    """The least d so that iteration n, counted from 0, is over by d + n x period, for every n.

    It is the longest path when every token takes `period` away; no cycle is left to lengthen it.

    Args:
        period: of the graph, or a longer one.

    Raises:
        ValueError: the graph is slower than `period`.
        InconsistentRates, Deadlock, TooManyFirings: as `finishes`.
    """
    schedule = _Schedule(graph)
    ends = [0] * schedule.firings
    for _ in range(schedule.firings + 1):
        later = schedule.later_ends(ends, period)
        if later == ends:
            return Fraction(max(ends, default=0), period.denominator)
        ends = later
    raise ValueError(f"the graph is slower than {period} cycles per iteration")


class _Schedule:
    """The firings of an iteration in an order in which they can happen, and what each waits for."""

    def __init__(self, graph: Graph):
        expanded = expand(graph, repetition_vector(graph))
        self.firings = expanded.nodes
        self._order = _order(graph, expanded)
        numbers: list[int] = expanded.actor.tolist()
        self._times = [graph.actors[number].time for number in numbers]
        self._waits: list[list[tuple[int, int]]] = [[] for _ in numbers]
        targets: list[int] = expanded.target.tolist()
        edges = np.stack([expanded.source, expanded.tokens], axis=1)
        for target, (source, tokens) in zip(targets, edges.tolist(), strict=True):
            self._waits[target].append((source, tokens))

    def next_iteration(self, before: list[list[int]]) -> list[int]:
        """When the firings finish, after the iterations before."""
        now = [0] * self.firings
        known = [*before, now]
        for node in self._order:
            ready = [
                known[-1 - ago][source] for source, ago in self._waits[node] if ago < len(known)
            ]
            now[node] = max(ready, default=0) + self._times[node]
        return now

    def later_ends(self, ends: list[int], period: Fraction) -> list[int]:
        """One more round of the longest path where every token takes `period` away.

        Times are in parts of a cycle, as many as the period's denominator.
        """
        now = list(ends)
        for node in self._order:
            ready = [now[source] - ago * period.numerator for source, ago in self._waits[node]]
            now[node] = max([0, *ready]) + self._times[node] * period.denominator
        return now


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
