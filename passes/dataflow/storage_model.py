"""A dataflow graph whose channels have adjustable room: its period, and what would improve it.

Room is counted in steps of gcd(production, consumption) above the least that lets one firing of
each side through: other sizes behave like the next smaller one. A reverse channel says the same as
a bounded channel (`Graph.with_capacities`).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.graph import Channel, Graph
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.dataflow.cycle_ratio import TokenFreeCycle, maximum_cycle_ratio
from spikeloom.passes.dataflow.expansion import expand

Integers = NDArray[np.int64]
UNBOUNDED = -1
"""Stands for a channel without a bound in a distribution."""


@dataclass(frozen=True)
class Bottleneck:
    """What limits the graph under some distribution of storage.

    Attributes:
        period: cycles per iteration, None for a deadlock.
        weight, tokens: of the critical cycle, room left out; of a deadlocked cycle, too.
        room: how often the cycle runs backwards through each bounded channel (by its place among
            the bounded ones), i.e. the room that it needs.
    """

    period: Fraction | None
    weight: int
    tokens: int
    room: tuple[tuple[int, int], ...]

    def misses(self, target: Fraction | None) -> bool:
        """Whether the period is not below `target`; of a deadlock, where None is aimed at."""
        return self.period is None or (target is not None and self.period >= target)


class StorageModel:
    """The graph, with its bounded channels in `channels` (numbers of the graph).

    A distribution gives the steps above `least` of every bounded channel, or `UNBOUNDED`.
    `firings` are those of one iteration.
    """

    def __init__(self, graph: Graph, channels: tuple[int, ...]):
        self._repetition = repetition_vector(graph)
        fixed = expand(graph, self._repetition)
        self.firings = fixed.nodes
        self._fixed = np.stack([fixed.source, fixed.target, fixed.weight, fixed.tokens])
        self._graph = graph
        self._reverse: dict[tuple[int, int], Integers] = {}
        self.channels = channels
        bounded = [graph.channels[number] for number in channels]
        self.step = [math.gcd(each.production, each.consumption) for each in bounded]
        self.least = [
            max(each.tokens, each.production + each.consumption - step + each.tokens % step)
            for each, step in zip(bounded, self.step, strict=True)
        ]
        self.evaluations = 0

    def fires_once(self, place: int) -> bool:
        """Whether one step of room is exactly one more token on every cycle through it."""
        channel = self._graph.channels[self.channels[place]]
        counts = self._repetition.counts
        return counts[channel.source] == 1 == counts[channel.target]

    def capacities(self, steps: tuple[int, ...]) -> tuple[int, ...]:
        """Tokens for which each bounded channel has room."""
        return tuple(
            least + step * more
            for least, step, more in zip(self.least, self.step, steps, strict=True)
        )

    def bottleneck(self, steps: tuple[int, ...]) -> Bottleneck:
        """The period under a distribution, and the cycle that causes it.

        Raises:
            OverflowError: times and tokens are too large.
        """
        self.evaluations += 1
        parts = [self._fixed]
        owner = [np.full(self._fixed.shape[1], UNBOUNDED)]
        for place, more in enumerate(steps):
            if more != UNBOUNDED:
                edges = self._reverse_edges(place, more)
                parts.append(edges)
                owner.append(np.full(edges.shape[1], place))
        columns = np.concatenate(parts, axis=1)
        owners = np.concatenate(owner)
        source, target, weight, tokens = columns
        try:
            found = maximum_cycle_ratio(self.firings, source, target, weight, tokens)
        except TokenFreeCycle as stuck:
            return self._bottleneck(None, stuck.cycle, columns, owners, steps)
        if found is None:
            return Bottleneck(Fraction(0), 0, 0, ())
        return self._bottleneck(found.ratio, found.cycle, columns, owners, steps)

    def _bottleneck(
        self,
        period: Fraction | None,
        cycle: tuple[int, ...],
        columns: Integers,
        owners: Integers,
        steps: tuple[int, ...],
    ) -> Bottleneck:
        edges = list(cycle)
        room = Counter(int(owner) for owner in owners[edges] if owner != UNBOUNDED)
        tokens = int(columns[3, edges].sum())
        tokens -= sum(steps[place] * times for place, times in room.items())
        return Bottleneck(period, int(columns[2, edges].sum()), tokens, tuple(sorted(room.items())))

    def _reverse_edges(self, place: int, more: int) -> Integers:
        found = self._reverse.get((place, more))
        if found is None:
            channel = self._graph.channels[self.channels[place]]
            room = self.least[place] + self.step[place] * more - channel.tokens
            back = Channel(
                "", channel.target, channel.source, channel.consumption, channel.production, room
            )
            alone = expand(Graph(self._graph.actors, (back,)), self._repetition)
            found = np.stack([alone.source, alone.target, alone.weight, alone.tokens])
            self._reverse[place, more] = found
        return found
