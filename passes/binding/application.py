"""What is known of an application before it meets a platform: made once, used for every binding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.graph import Graph, Repetition
from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.binding.buffers import Room, channel_table, room_for
from spikeloom.passes.binding.guarantee import projected_guarantee
from spikeloom.passes.binding.order_loops import fullest
from spikeloom.passes.binding.orders import projection, single_tile_order
from spikeloom.passes.dataflow.strong_components import strong_components
from spikeloom.passes.dataflow.throughput import Throughput, throughput_of

_LARGEST = 2**62


@dataclass(frozen=True)
class Columns:
    """An application as load balancing sees it.

    Attributes:
        work: cycles of an iteration, of every actor.
        states: memory of every actor.
        by_criticality: the actors in the order in which they are bound.
        first: where the links of every actor begin, and the end of the last ones.
        links: rows other, leaves, traffic, and the memory of buffers: of both ends on one tile,
            at this end, at the other.
    """

    work: NDArray[np.float64]
    states: NDArray[np.float64]
    by_criticality: NDArray[np.int64]
    first: NDArray[np.int64]
    links: NDArray[np.float64]


@dataclass(frozen=True)
class Application:
    """A dataflow graph with everything that does not depend on the binding.

    Attributes:
        order: firings of one iteration on a single tile.
        room: buffers of every channel.
        sizes: of one token of every channel, in the unit of the tiles' memories.
        states: memory that every actor needs on its tile.
        by_criticality: the actors in the order in which they are bound.
    """

    graph: Graph
    repetition: Repetition
    order: tuple[int, ...]
    room: tuple[Room, ...]
    sizes: tuple[int, ...]
    states: tuple[int, ...]
    by_criticality: tuple[int, ...]

    @cached_property
    def columns(self) -> Columns:
        """Work, states and channels as arrays; a self-loop once."""
        links: list[list[tuple[int, ...]]] = [[] for _ in self.states]
        counts = self.repetition.counts
        for number, channel in enumerate(self.graph.channels):
            source, target = channel.source, channel.target
            size, room = self.sizes[number], self.room[number]
            moved = size * channel.production * counts[source]
            local, out, into = (
                size * (each or 0) for each in (room.local, room.source, room.target)
            )
            links[source].append((target, 1, moved, local, out, into))
            if source != target:
                links[target].append((source, 0, moved, local, into, out))
        rows = [row for each in links for row in each]
        return Columns(
            np.array(self.works, np.float64),
            np.array(self.states, np.float64),
            np.array(self.by_criticality, np.int64),
            np.cumsum([0, *(len(each) for each in links)], dtype=np.int64),
            np.array(rows, np.float64).reshape(-1, 6).T.copy(),
        )

    @cached_property
    def channels(self) -> NDArray[np.int64]:
        """The `channel_table` of the graph with its buffers and sizes."""
        return channel_table(self.graph, self.room, self.sizes)

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.array(self.order, np.int64)

    @cached_property
    def works(self) -> NDArray[np.int64]:
        """Cycles of all firings of an iteration, of every actor."""
        counts = self.repetition.counts
        works = [a.time * times for a, times in zip(self.graph.actors, counts, strict=True)]
        return np.array(works, np.int64)

    @cached_property
    def work(self) -> int:
        """Cycles of all firings of an iteration."""
        return sum(self.works.tolist())

    @cached_property
    def busiest(self) -> int | None:
        """The first actor with most work; None where there is none."""
        return int(self.works.argmax()) if len(self.works) else None

    @cached_property
    def least_memory(self) -> int:
        """States and buffers of the binding that needs least memory, on all tiles together."""
        return sum(self.states) + sum(
            size * min(room.local or 0, (room.source or 0) + (room.target or 0))
            for size, room in zip(self.sizes, self.room, strict=True)
        )

    @cached_property
    def alone(self) -> Throughput:
        """The throughput without buffers and tiles; no binding has a shorter period."""
        return throughput_of(self.graph.without_self_overlap())

    def orders(self, binding: Sequence[int], platform: Platform) -> tuple[tuple[int, ...], ...]:
        """The static order of every tile."""
        return projection(self.order, binding, len(platform.tiles))

    def guarantee(self, binding: Sequence[int], platform: Platform) -> Throughput:
        """The period that a binding keeps.

        Raises:
            Unconnected: a channel joins tiles without a connection.
            TooManyFirings, OverflowError: the graph is too large.
        """
        tile = np.array(binding, np.int64)
        return projected_guarantee(
            self.graph, self.repetition, self.channels, self._order, tile, platform
        )

    def load(self, binding: Sequence[int], platform: Platform) -> Fraction:
        """The work of the tile with most of it, by its share of the wheel; no period is shorter.

        Raises:
            OverflowError: times are too large for 64-bit arithmetic.
        """
        if self.work * int(platform.pace.max()) >= _LARGEST:
            raise OverflowError("times are too large for 64-bit arithmetic")
        tile = np.array(binding, np.int64)
        return Fraction(fullest(self.works, tile, platform.pace), platform.ticks)


def prepare(
    graph: Graph,
    capacities: Sequence[int | None] = (),
    sizes: Sequence[int] = (),
    states: Sequence[int] = (),
    spare: int = 1,
) -> Application:
    """An application; token sizes are 1 and states 0 where left out.

    Args:
        capacities: of the channels; None lets the order decide (`room_for`).
        spare: firings for which such a channel has room beyond what the order needs.

    Raises:
        InconsistentRates, Deadlock, TooManyFirings: the graph cannot complete an iteration.
        ValueError: a capacity is smaller than the initial tokens.
    """
    bounded = graph.with_capacities(list(capacities) or [None] * len(graph.channels))
    order = single_tile_order(bounded, repetition_vector(graph))
    room = room_for(graph, order, capacities, spare)
    return ordered_application(
        graph,
        order,
        room,
        tuple(sizes) or (1,) * len(graph.channels),
        tuple(states) or (0,) * len(graph.actors),
    )


def ordered_application(
    graph: Graph,
    order: tuple[int, ...],
    room: tuple[Room, ...],
    sizes: tuple[int, ...],
    states: tuple[int, ...],
) -> Application:
    """An application of which order and buffers are known; see `prepare`.

    Raises:
        InconsistentRates, Deadlock, TooManyFirings: the graph cannot complete an iteration.
    """
    repetition = repetition_vector(graph)
    criticality = _by_criticality(graph, repetition)
    return Application(graph, repetition, order, room, sizes, states, criticality)


def _by_criticality(graph: Graph, repetition: Repetition) -> tuple[int, ...]:
    """Actors of the slowest strongly connected part first; in a part, those with most work."""
    alone = graph.without_self_overlap()
    edges = [(channel.source, channel.target) for channel in graph.channels]
    critical = [0.0] * len(graph.actors)
    for part in strong_components(len(graph.actors), edges):
        if len(part) > 1:
            period = float(throughput_of(alone.part(part)).period)
            for actor in part:
                critical[actor] = period
    work = [a.time * times for a, times in zip(graph.actors, repetition.counts, strict=True)]
    return tuple(sorted(range(len(work)), key=lambda a: (-max(critical[a], work[a]), -work[a], a)))
