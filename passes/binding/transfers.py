"""How long a token takes from tile to tile.

A connection carries one token at a time, in `delay + ceil(size / bandwidth)` cycles; the
connections of a tile share its bandwidth equally.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.passes.binding.buffers import channel_table
from spikeloom.passes.binding.transfer_loops import transfer_cycles

Integers = NDArray[np.int64]


class Unconnected(Exception):
    """A channel joins two tiles between which there is no connection."""

    def __init__(self, channel: str, source: str, target: str):
        super().__init__(f"channel {channel} joins {source} and {target}, which nothing connects")


@dataclass(frozen=True)
class Transfer:
    """One token of a channel on its way between two tiles.

    Attributes:
        channel: its number.
        delay: cycles of the connection.
        bits: cycles for the size of the token, on the connection's share of all bandwidths.
    """

    channel: int
    delay: int
    bits: int

    @property
    def cycles(self) -> int:
        """Cycles for which the connection is busy with a token."""
        return self.delay + self.bits


def transfers(
    graph: Graph, binding: Sequence[int], platform: Platform, sizes: Sequence[int]
) -> list[Transfer]:
    """The times of all channels between tiles, in the order of their numbers.

    Raises:
        Unconnected: a channel joins tiles without a connection.
    """
    tile = np.array(binding, np.int64)
    delay, bits = transfer_times(graph, channel_table(graph, sizes=sizes), tile, platform)
    source, target = tile[graph.columns[:2]]
    return [
        Transfer(number, int(delay[number]), int(bits[number]))
        for number in np.flatnonzero(source != target).tolist()
    ]


def transfer_times(
    graph: Graph, channels: Integers, tile: Integers, platform: Platform
) -> tuple[Integers, Integers]:
    """Of every channel the delay and the cycles for the size of a token; 0 inside a tile.

    Args:
        channels: the graph's `channel_table`.
        tile: of every actor.

    Raises:
        Unconnected: a channel joins tiles without a connection.
    """
    bandwidth = -1 if platform.bandwidth is None else platform.bandwidth
    delay, bits = transfer_cycles(channels, tile, platform.cycles, platform.interfaces, bandwidth)
    if delay.min(initial=0) < 0:
        channel = graph.channels[int(delay.argmin())]
        ends: list[int] = tile[[channel.source, channel.target]].tolist()
        raise Unconnected(channel.name, *(platform.tiles[end].name for end in ends))
    return delay, bits
