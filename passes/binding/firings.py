"""The firings of one iteration on tiles, and the static orders between them, as columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.firing_order import MAX_FIRINGS
from spikeloom.dialects.dataflow.graph import Repetition, Step, TooManyFirings
from spikeloom.passes.binding.hardware_graph import HardwareGraph
from spikeloom.passes.binding.hardware_graph_loops import ACTOR, ORDER
from spikeloom.passes.dataflow.expansion import expand_columns

Integers = NDArray[np.int64]


class Firings:
    """Nodes and edges, one node per firing of an iteration; names for messages.

    Attributes:
        first: the first node of every actor of the hardware-aware graph, and the end of the last.
        actor: of every node.
        edges: rows source, target, tokens and channel; an edge of an order has `-ORDER` for it.
    """

    def __init__(self, hardware: HardwareGraph, first: Integers, actor: Integers, edges: Integers):
        self.hardware = hardware
        self.first = first
        self.actor = actor
        self.edges = edges

    @property
    def single(self) -> bool:
        """Whether every actor fires once."""
        return len(self.actor) == len(self.hardware.time)

    def name(self, node: int, single: bool = True) -> str:
        """The actor of a node; where `single` is False also which of its firings."""
        actor = int(self.actor[node])
        name = self.hardware.actor_name(actor)
        return name if single else f"{name}#{node - int(self.first[actor])}"

    def edge_name(self, channel: int, source: int) -> str:
        """The name of a channel, or of an order's edge behind node `source`."""
        if channel == -ORDER:
            return f"{self.name(source)} next"
        return self.hardware.channel_name(channel)

    def steps(self, edges: Integers, cycle: tuple[int, ...]) -> list[Step]:
        """A cycle of edges, an actor that follows itself once."""
        nodes, channels = edges[0, list(cycle)], edges[3, list(cycle)]
        actors = self.hardware.actor_names(self.actor[nodes])
        joined = [f"{name} next" for name in actors]
        named = np.flatnonzero(channels != -ORDER)
        names = self.hardware.channel_names(channels[named])
        for place, name in zip(named.tolist(), names, strict=True):
            joined[place] = name
        # An edge of a cycle ends where the next one begins.
        found = [Step(*each) for each in zip(actors, joined, actors[1:] + actors[:1], strict=True)]
        if self.single:
            return found
        kept = [
            step for number, step in enumerate(found) if number == 0 or found[number - 1] != step
        ]
        return kept[:-1] if len(kept) > 1 and kept[0] == kept[-1] else kept


def firings_of(hardware: HardwareGraph, repetition: Repetition) -> Firings:
    """The firings of one iteration; where all rates are 1 the columns as they are.

    Args:
        repetition: of the application.

    Raises:
        TooManyFirings: there are more than can be looked at one by one.
    """
    channel = hardware.channel
    if (channel[2] == channel[3]).all():
        # One firing takes all that one puts; what does not fill a firing is no delay.
        edges = np.empty((4, channel.shape[1]), np.int64)
        edges[:2] = channel[:2]
        np.floor_divide(channel[4], channel[2], out=edges[2])
        edges[3] = np.arange(channel.shape[1])
        numbers = np.arange(len(hardware.time) + 1)
        return Firings(hardware, numbers, numbers[:-1], edges)
    counts = _counts(hardware, repetition)
    found = expand_columns(channel[:5], hardware.time, counts)
    edges = np.stack([found.source, found.target, found.tokens, found.channel])
    return Firings(hardware, np.cumsum([0, *counts.tolist()]), found.actor, edges)


def _counts(hardware: HardwareGraph, repetition: Repetition) -> Integers:
    """Firings of every actor of the hardware-aware graph: a connection carries single tokens."""
    channels = hardware.application.columns
    firings = np.array(repetition.counts, np.int64)
    kind, origin = hardware.actor
    own = kind == ACTOR
    number = np.where(own, 0, origin)
    source, carried = channels[0, number], np.where(own, 1, channels[2, number])
    fired = firings[np.where(own, origin, source)]
    total = float((fired.astype(np.float64) * carried).sum())
    if total > MAX_FIRINGS:
        raise TooManyFirings(int(total), MAX_FIRINGS)
    return fired * carried


def order_edges(
    firings: Firings, binding: Sequence[int], orders: Sequence[Sequence[int]]
) -> Integers:
    """Each firing of a tile after the one before; the first after the last of an iteration ago.

    Args:
        orders: of every tile the actors of one iteration; an empty one leaves the tile unordered.

    Raises:
        ValueError: an order does not hold the firings of one iteration.
    """
    lengths = np.array([len(order) for order in orders if order], np.int64)
    numbers = np.array([number for number, order in enumerate(orders) if order], np.int64)
    tile = np.repeat(numbers, lengths)
    actors = np.array([actor for order in orders for actor in order], np.int64)
    _check_orders(firings, tile, actors, binding)
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
    firings: Firings, tile: Integers, actors: Integers, binding: Sequence[int]
) -> None:
    names = firings.hardware.application.actors
    bound = np.array(binding, np.int64)
    ordered = np.zeros(max(int(bound.max(initial=0)), int(tile.max(initial=0))) + 1, np.bool_)
    ordered[tile] = True
    expected = np.where(ordered[bound], np.diff(firings.first)[: len(names)], 0)
    found = np.bincount(actors[bound[actors] == tile], minlength=len(names))
    strange = np.flatnonzero(bound[actors] != tile)
    if (wrong := np.flatnonzero(found != expected)).size:
        actor = int(wrong[0])
        raise ValueError(
            f"the order of tile {bound[actor]} fires {names[actor].name} {found[actor]} times per "
            f"iteration, not {expected[actor]} times"
        )
    if strange.size:
        actor = int(actors[strange[0]])
        raise ValueError(
            f"the order of tile {tile[strange[0]]} fires {names[actor].name}, which is bound to "
            f"tile {bound[actor]}"
        )
