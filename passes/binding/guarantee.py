"""The throughput that a bound and ordered graph is guaranteed, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.graph import Actor, Channel, Deadlock, Graph, Repetition, Step
from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.binding.buffers import Room
from spikeloom.passes.binding.hardware_graph import ORDER, HardwareGraph, hardware_graph
from spikeloom.passes.dataflow.compiled_cycle_ratio import compiled_cycle_ratio
from spikeloom.passes.dataflow.cycle_ratio import TokenFreeCycle
from spikeloom.passes.dataflow.expansion import expand
from spikeloom.passes.dataflow.throughput import Throughput

Integers = NDArray[np.int64]


def hardware_aware_graph(
    graph: Graph,
    binding: Sequence[int],
    platform: Platform,
    orders: Sequence[Sequence[int]],
    room: Sequence[Room] = (),
    sizes: Sequence[int] = (),
) -> Graph:
    """The graph of a bound application, its static orders included, as plain data.

    Times are in `1 / ticks` cycles where tiles have slices (`HardwareGraph.ticks`). Where an actor
    fires several times per iteration, every firing is an actor of its own, `name#firing`.

    Args:
        orders: of every tile the actors of one iteration; an empty one leaves the tile unordered.

    Raises:
        ValueError: an order does not hold the firings of one iteration.
        Unconnected: a channel joins tiles without a connection.
    """
    hardware = hardware_graph(graph, binding, platform, room, sizes)
    counts = repetition_vector(graph).counts
    firings = _firings(hardware)
    ordered = _order_edges(hardware, firings, binding, orders, counts)
    single = max(firings.counts, default=1) == 1
    actors = tuple(
        Actor(firings.name(node, single), int(hardware.time[firings.actor[node]]))
        for node in range(len(firings.actor))
    )
    source, target, tokens, channel = np.concatenate([firings.edges, ordered], axis=1)
    channels: list[Channel] = []
    for number, (s, t, d, c) in enumerate(
        zip(source.tolist(), target.tolist(), tokens.tolist(), channel.tolist(), strict=True)
    ):
        name = firings.edge_name(c, s)
        channels.append(Channel(name if single else f"{name}#{number}", s, t, tokens=d))
    return Graph(actors, tuple(channels), graph.name)


def guarantee(
    graph: Graph,
    binding: Sequence[int],
    platform: Platform,
    orders: Sequence[Sequence[int]],
    room: Sequence[Room] = (),
    sizes: Sequence[int] = (),
) -> Throughput:
    """The period that the bound graph keeps in the long run, and the cycle that causes it.

    Raises:
        Deadlock: orders or buffers let a cycle of actors wait for itself.
        ValueError, Unconnected, TooManyFirings, OverflowError: as for the graph.
    """
    hardware = hardware_graph(graph, binding, platform, room, sizes)
    repetition = repetition_vector(graph)
    firings = _firings(hardware)
    ordered = _order_edges(hardware, firings, binding, orders, repetition.counts)
    source, target, tokens, channel = np.concatenate([firings.edges, ordered], axis=1)
    weight = hardware.time[firings.actor[source]]
    try:
        found = compiled_cycle_ratio(len(firings.actor), source, target, weight, tokens)
    except TokenFreeCycle as stuck:
        raise Deadlock(firings.steps(source, channel, stuck.cycle)) from None
    if found is None:
        return Throughput(Fraction(0), repetition, ())
    steps = firings.steps(source, channel, found.cycle)
    return Throughput(found.ratio / hardware.ticks, repetition, tuple(steps))


class _Firings:
    """Nodes and edges, one node per firing of an iteration; names for messages.

    `edges` has rows source, target, tokens and channel; an edge of an order has the number of the
    actor before it, counted down from -1.
    """

    def __init__(
        self,
        hardware: HardwareGraph,
        counts: tuple[int, ...],
        actor: Integers,
        edges: Integers,
    ):
        self._hardware = hardware
        self.counts = counts
        self.actor = actor
        self.edges = edges
        self.first = np.concatenate([[0], np.cumsum(np.array(counts, np.int64))])

    def name(self, node: int, single: bool = True) -> str:
        actor = int(self.actor[node])
        name = self._hardware.actor_name(actor)
        return name if single else f"{name}#{node - int(self.first[actor])}"

    def edge_name(self, channel: int, source: int) -> str:
        if channel == -ORDER:
            return f"{self.name(source)} next"
        return self._hardware.channel_name(channel)

    def steps(self, source: Integers, channel: Integers, cycle: tuple[int, ...]) -> list[Step]:
        edges = list(cycle)
        ends = zip(source[edges].tolist(), channel[edges].tolist(), strict=True)
        names = [(self.name(node), self.edge_name(of, node)) for node, of in ends]
        # An edge of a cycle ends where the next one begins.
        found = [
            Step(name, edge, following)
            for (name, edge), (following, _) in zip(names, names[1:] + names[:1], strict=True)
        ]
        kept = [
            step for number, step in enumerate(found) if number == 0 or found[number - 1] != step
        ]
        return kept[:-1] if len(kept) > 1 and kept[0] == kept[-1] else kept


def _firings(hardware: HardwareGraph) -> _Firings:
    """The firings of one iteration; where all rates are 1 the columns as they are."""
    source, target, production, consumption, tokens = hardware.channel[:5]
    if (production == consumption).all():
        # One firing takes all that one puts; what does not fill a firing is no delay.
        channel = np.arange(len(source))
        edges = np.stack([source, target, tokens // production, channel])
        count = len(hardware.time)
        return _Firings(hardware, (1,) * count, np.arange(count), edges)
    graph = hardware.graph()
    repetition: Repetition = repetition_vector(graph)
    found = expand(graph, repetition)
    edges = np.stack([found.source, found.target, found.tokens, found.channel])
    return _Firings(hardware, repetition.counts, found.actor, edges)


def _order_edges(
    hardware: HardwareGraph,
    firings: _Firings,
    binding: Sequence[int],
    orders: Sequence[Sequence[int]],
    counts: tuple[int, ...],
) -> Integers:
    """Each firing of a tile after the one before; the first after the last of an iteration ago."""
    lengths = np.array([len(order) for order in orders if order], np.int64)
    numbers = np.array([number for number, order in enumerate(orders) if order], np.int64)
    tile = np.repeat(numbers, lengths)
    actors = np.array([actor for order in orders for actor in order], np.int64)
    _check_orders(hardware, tile, actors, binding, counts)
    place = np.argsort(actors, kind="stable")
    occurrence = np.arange(len(actors)) - np.searchsorted(actors[place], actors[place])
    nodes = np.empty(len(actors), np.int64)
    nodes[place] = firings.first[actors[place]] + occurrence
    last = np.cumsum(lengths) - 1
    tokens = np.zeros(len(actors), np.int64)
    tokens[last] = 1
    after = np.arange(1, len(actors) + 1)
    after[last] = last - lengths + 1
    return np.stack([nodes, nodes[after], tokens, np.full(len(actors), -ORDER)])


def _check_orders(
    hardware: HardwareGraph,
    tile: Integers,
    actors: Integers,
    binding: Sequence[int],
    counts: tuple[int, ...],
) -> None:
    bound = np.array(binding, np.int64)
    ordered = np.zeros(max(int(bound.max(initial=0)), int(tile.max(initial=0))) + 1, np.bool_)
    ordered[tile] = True
    expected = np.where(ordered[bound], np.array(counts, np.int64), 0)
    found = np.bincount(actors[bound[actors] == tile], minlength=len(counts))
    strange = np.flatnonzero(bound[actors] != tile)
    if (wrong := np.flatnonzero(found != expected)).size:
        actor = int(wrong[0])
        name = hardware.application.actors[actor].name
        raise ValueError(
            f"the order of tile {bound[actor]} fires {name} {found[actor]} times per iteration, "
            f"not {expected[actor]} times"
        )
    if strange.size:
        actor = int(actors[strange[0]])
        name = hardware.application.actors[actor].name
        raise ValueError(
            f"the order of tile {tile[strange[0]]} fires {name}, which is bound to "
            f"tile {bound[actor]}"
        )
