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


@dataclass(frozen=True)
class Crossings:
    """The channels between tiles, as columns: their numbers, and the tiles at their ends."""

    channel: Integers
    source: Integers
    target: Integers


def transfers(
    graph: Graph, binding: Sequence[int], platform: Platform, sizes: Sequence[int]
) -> list[Transfer]:
    """The times of all channels between tiles, in the order of their numbers.

    Raises:
        Unconnected: a channel joins tiles without a connection.
    """
    source = np.array([binding[channel.source] for channel in graph.channels], np.int64)
    target = np.array([binding[channel.target] for channel in graph.channels], np.int64)
    channel = np.flatnonzero(source != target)
    crossings = Crossings(channel, source[channel], target[channel])
    delay, bits = transfer_times(graph, crossings, platform, sizes)
    return [Transfer(*each) for each in zip(*map(_listed, (channel, delay, bits)), strict=True)]


def transfer_times(
    graph: Graph, crossings: Crossings, platform: Platform, sizes: Sequence[int]
) -> tuple[Integers, Integers]:
    """The delays of channels between tiles, and the cycles for the sizes of their tokens.

    Raises:
        Unconnected: a channel joins tiles without a connection.
    """
    tiles, source, target = platform.tiles, crossings.source, crossings.target
    delay = platform.distances[source, target]
    if not np.isfinite(delay).all():
        first = int(np.flatnonzero(np.isinf(delay))[0])
        name = graph.channels[int(crossings.channel[first])].name
        raise Unconnected(name, tiles[int(source[first])].name, tiles[int(target[first])].name)
    size = np.array(sizes, np.int64)[crossings.channel]
    moved = np.zeros(len(size), np.int64)
    if platform.bandwidth is not None:
        moved = -(-size // platform.bandwidth)
    for bandwidths, ends in (
        ([tile.bandwidth_out for tile in tiles], source),
        ([tile.bandwidth_in for tile in tiles], target),
    ):
        bounded = np.array([-1 if each is None else each for each in bandwidths], np.int64)[ends]
        sharing = np.bincount(ends, minlength=len(tiles))[ends]
        shared = -(-size * sharing // np.maximum(bounded, 1))
        moved = np.where(bounded < 0, moved, np.maximum(moved, shared))
    return delay.astype(np.int64), moved


def _listed(column: Integers) -> list[int]:
    return column.tolist()
