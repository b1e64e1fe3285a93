"""The graph that tiles and connections make of a bound dataflow graph.

As Stuijk (2007, "Predictable mapping of streaming applications on multiprocessors") and the tools
that follow him build it:

- an actor does not overlap with itself, and takes longer where its tile has a slice of a wheel;
- a channel inside a tile gets a reverse channel for its buffer;
- a channel between tiles becomes `source -> connection -> target`: the connection carries one
  token at a time, in `delay + ceil(size / bandwidth)` cycles, the connections of a tile sharing
  its bandwidth equally; one reverse channel is the output buffer, one the input buffer;
- what comes to a tile from outside (tokens, room) may find its slice just over, and waits at most
  the rest of the wheel: an actor of its own;
- a tile fires in a static order, round and round.

A slice of the wheel is a server with that latency and the rate slice / wheel, and the order keeps
it busy, so that inside a tile nothing waits again (Wiggers, Bekooij & Smit 2007). Where all actors
share one tile this is exact: work x wheel / slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.passes.binding.buffers import LOCAL, OUTPUT, Room, channel_table
from spikeloom.passes.binding.hardware_graph_loops import (
    ACTOR,
    ALONE,
    ORDER,
    Bound,
    too_small,
    written,
)
from spikeloom.passes.binding.transfers import transfer_times

Integers = NDArray[np.int64]
_LARGEST = 2**62

_CHANNEL_NAMES: tuple[str, ...] = (
    *("{} alone", "{}", "{} room", "{} sent", "{} arrives", "{} output room", "{} input room"),
    *("{} room waits", "{} next"),
)
_ACTOR_NAMES: tuple[str, ...] = ("{}", "{} connection", "{} waits", "{} room waits")


@dataclass(frozen=True)
class HardwareGraph:
    """Columns of a hardware-aware graph; names are made when they are asked for.

    Attributes:
        time: of every actor, in `1 / ticks` cycles.
        actor: kind, and the number of the application's actor or channel it stems from.
        channel: source, target, production, consumption, tokens, kind, and a number as above.
    """

    application: Graph
    ticks: int
    time: Integers
    actor: Integers
    channel: Integers

    def actor_name(self, number: int) -> str:
        """The name of an actor."""
        return self.actor_names(np.array([number]))[0]

    def actor_names(self, numbers: Integers) -> list[str]:
        """The names of actors."""
        kinds, origins = _listed(self.actor[:, numbers])
        return [
            _ACTOR_NAMES[kind].format(self._origin(kind == ACTOR, origin))
            for kind, origin in zip(kinds, origins, strict=True)
        ]

    def channel_name(self, number: int) -> str:
        """The name of a channel."""
        return self.channel_names(np.array([number]))[0]

    def channel_names(self, numbers: Integers) -> list[str]:
        """The names of channels."""
        kinds, origins = _listed(self.channel[5:, numbers])
        return [
            _CHANNEL_NAMES[kind].format(
                self.actor_name(origin) if kind == ALONE else self._origin(kind == ORDER, origin)
            )
            for kind, origin in zip(kinds, origins, strict=True)
        ]

    def _origin(self, of_actor: bool, number: int) -> str:
        if of_actor:
            return self.application.actors[number].name
        return self.application.channels[number].name


def _listed(columns: Integers) -> list[list[int]]:
    return columns.tolist()


def hardware_graph(
    graph: Graph,
    binding: Sequence[int],
    platform: Platform,
    room: Sequence[Room] = (),
    sizes: Sequence[int] = (),
) -> HardwareGraph:
    """The hardware-aware graph without the static orders.

    Args:
        binding: the tile of every actor.
        room: of every channel, unlimited where left out.
        sizes: of one token of every channel, 1 where left out.

    Raises:
        Unconnected: a channel joins tiles without a connection.
        ValueError: a buffer is smaller than the tokens in it.
    """
    tile = np.array(binding, np.int64)
    return hardware_graph_of(graph, channel_table(graph, room, sizes), tile, platform)


def hardware_graph_of(
    graph: Graph, channels: Integers, tile: Integers, platform: Platform
) -> HardwareGraph:
    """The same from columns: the graph's `channel_table`, and the tile of every actor.

    Raises:
        Unconnected, ValueError: as `hardware_graph`.
        OverflowError: times are too large for 64-bit arithmetic.
    """
    delay, bits = transfer_times(graph, channels, tile, platform)
    ticks = platform.ticks
    if int(graph.times.max(initial=0)) * int(platform.pace.max()) >= _LARGEST:
        raise OverflowError("times are too large for 64-bit arithmetic")
    bound = Bound(channels, graph.times, tile, ticks * (delay + bits), platform.pace)
    if (number := too_small(bound)) >= 0:
        channel = graph.channels[number]
        room = LOCAL if tile[channel.source] == tile[channel.target] else OUTPUT
        raise ValueError(
            f"channel {channel.name} holds {channel.tokens} tokens initially, "
            f"but its buffer has room for {channels[room, number]}"
        )
    return HardwareGraph(graph, ticks, *written(bound))
