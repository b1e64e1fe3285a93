"""The throughput that a bound and ordered graph is guaranteed, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.graph import Actor, Channel, Deadlock, Graph, Repetition
from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.binding.buffers import Room
from spikeloom.passes.binding.firings import Firings, firings_of, order_edges
from spikeloom.passes.binding.hardware_graph import hardware_graph, hardware_graph_of
from spikeloom.passes.binding.order_loops import projected_edges
from spikeloom.passes.dataflow.cycle_ratio import TokenFreeCycle
from spikeloom.passes.dataflow.swept_cycle_ratio import swept_cycle_ratio
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
    firings = firings_of(hardware, repetition_vector(graph))
    single = firings.single
    actors = tuple(
        Actor(firings.name(node, single), int(hardware.time[firings.actor[node]]))
        for node in range(len(firings.actor))
    )
    edges = np.concatenate([firings.edges, order_edges(firings, binding, orders)], axis=1)
    channels: list[Channel] = []
    for number, (s, t, d, c) in enumerate(zip(*edges.tolist(), strict=True)):
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
    repetition = repetition_vector(graph)
    hardware = hardware_graph(graph, binding, platform, room, sizes)
    firings = firings_of(hardware, repetition)
    return _throughput(firings, order_edges(firings, binding, orders), repetition)


def projected_guarantee(
    graph: Graph,
    repetition: Repetition,
    channels: Integers,
    order: Integers,
    tile: Integers,
    platform: Platform,
) -> Throughput:
    """The same where every tile follows its part of one order, from columns that are kept.

    Args:
        channels: the graph's `channel_table`.
        order: the actors of one iteration in the order of a single tile.
        tile: of every actor.

    Raises:
        ValueError, Unconnected, TooManyFirings, OverflowError: as `guarantee`.
    """
    firings = firings_of(hardware_graph_of(graph, channels, tile, platform), repetition)
    ordered = projected_edges(order, tile, firings.first, len(platform.tiles))
    return _throughput(firings, ordered, repetition)


def _throughput(firings: Firings, ordered: Integers, repetition: Repetition) -> Throughput:
    """The throughput of firings in their orders."""
    edges = np.concatenate([firings.edges, ordered], axis=1)
    weight = firings.hardware.time[firings.actor[edges[0]]]
    try:
        found = swept_cycle_ratio(len(firings.actor), edges, weight)
    except TokenFreeCycle as stuck:
        raise Deadlock(firings.steps(edges, stuck.cycle)) from None
    if found is None:
        return Throughput(Fraction(0), repetition, ())
    steps = firings.steps(edges, found.cycle)
    return Throughput(found.ratio / firings.hardware.ticks, repetition, tuple(steps))
