"""Self-timed execution: every actor fires as soon as its tokens are there.

The states of a strongly connected graph recur (Ghamarian et al. 2006): from the first recurrence
one reads the period exactly. A graph of several strongly connected parts is as fast as the slowest.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from fractions import Fraction

from spikeloom.dialects.dataflow.firing_order import sequential_order
from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.dataflow.strong_components import strong_components

MAX_FIRINGS = 5_000_000


@dataclass(frozen=True)
class Cut(Exception):
    """The state did not recur within the allowed number of firings."""

    firings: int


def self_timed_period(graph: Graph, max_firings: int = MAX_FIRINGS) -> Fraction:
    """The period per iteration of the graph by simulation.

    Raises:
        InconsistentRates: there is no repetition vector.
        Deadlock: the execution comes to a halt.
        Cut: no state recurred within `max_firings`.
    """
    repetition = repetition_vector(graph)
    sequential_order(graph, repetition)
    edges = [(channel.source, channel.target) for channel in graph.channels]
    period = Fraction(0)
    for part in strong_components(len(graph.actors), edges):
        inner = graph.part(part)
        if inner.channels:
            counts = [repetition.counts[actor] for actor in part]
            period = max(period, _Simulation(inner, counts).period(max_firings))
    return period


class _Simulation:
    """A strongly connected graph that can complete its iterations."""

    def __init__(self, graph: Graph, counts: list[int]):
        self._graph = graph
        self._counts = counts
        self._tokens = [channel.tokens for channel in graph.channels]
        self._entering: list[list[int]] = [[] for _ in graph.actors]
        self._leaving: list[list[int]] = [[] for _ in graph.actors]
        for number, channel in enumerate(graph.channels):
            self._entering[channel.target].append(number)
            self._leaving[channel.source].append(number)
        self._running: list[tuple[int, int]] = []
        self._firings = 0

    def period(self, max_firings: int) -> Fraction:
        """Cycles per iteration after the transient."""
        if not any(actor.time for actor in self._graph.actors):
            return Fraction(0)
        # The actor that fires least often is the clock by which states are compared.
        clock = min(range(len(self._counts)), key=self._counts.__getitem__)
        seen: dict[tuple[tuple[int, ...], tuple[tuple[int, int], ...]], tuple[int, int]] = {}
        now = fired = 0
        for actor in range(len(self._counts)):
            self._start(actor, now)
        while True:
            now = self._running[0][0]
            ticked = self._finish(now, clock)
            fired += ticked
            if ticked:
                ahead = tuple(sorted((end - now, actor) for end, actor in self._running))
                state = (tuple(self._tokens), ahead)
                if state in seen:
                    then, fired_then = seen[state]
                    return Fraction(now - then, fired - fired_then) * self._counts[clock]
                seen[state] = (now, fired)
            if self._firings > max_firings:
                raise Cut(self._firings)

    def _start(self, actor: int, now: int) -> None:
        """Starts as many firings as the tokens allow."""
        channels = self._graph.channels
        entering = self._entering[actor]
        times = min(self._tokens[n] // channels[n].consumption for n in entering)
        for number in entering:
            self._tokens[number] -= times * channels[number].consumption
        for _ in range(times):
            heapq.heappush(self._running, (now + self._graph.actors[actor].time, actor))
        self._firings += times

    def _finish(self, now: int, clock: int) -> int:
        """Ends all firings that are due, also those that take no time; counts the clock's."""
        ticks = 0
        while self._running and self._running[0][0] == now:
            touched: set[int] = set()
            while self._running and self._running[0][0] == now:
                _, actor = heapq.heappop(self._running)
                ticks += actor == clock
                for number in self._leaving[actor]:
                    self._tokens[number] += self._graph.channels[number].production
                    touched.add(self._graph.channels[number].target)
            for actor in sorted(touched):
                self._start(actor, now)
        return ticks
