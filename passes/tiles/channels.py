"""The channels of a program of tiles: buffers, and which cells go where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikeloom.diagnostics import error
from spikeloom.dialects.instruction_set import MAX_COPIES, Element
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.hardware_graph import Transfer
from spikeloom.passes.tiles.buffers import Operand, TileWriter
from spikeloom.passes.tiles.clusters import Integers, Way
from spikeloom.passes.tiles.network import TileNetwork


@dataclass(frozen=True)
class Connection:
    """A channel between two tiles: an instance of the network engine.

    Attributes:
        channel: its number in the dataflow graph.
        source, target: clusters.
        hops: links on the way.
    """

    channel: int
    source: int
    target: int
    hops: int


@dataclass(frozen=True)
class Part:
    """One kind of cells of a channel, with its buffers: where they come from and go to.

    Attributes:
        output, arrived: written by the source, read by the target; the same inside a tile.
        taken, placed: tables of the source's and of the target's cells.
        source, target: buffers of the two crossbars, with their lengths.
        cells: how many.
    """

    output: str
    arrived: str
    taken: Operand
    placed: Operand
    source: tuple[str, int]
    target: tuple[str, int]
    cells: int


@dataclass(frozen=True)
class Channel:
    """A way with its parts; `transfer` and `hops` where it leads to another tile."""

    way: Way
    parts: tuple[Part, ...]
    instance: int = 0
    hops: int = 0
    transfer: Transfer | None = None


class ChannelBuilder:
    """Declares the buffers and tables of all channels.

    Args:
        binding: the tile of every cluster.
        hops: [source][target] links between tiles.
        transfers: of the channels between tiles, by their number.
    """

    def __init__(
        self,
        network: TileNetwork,
        application: Application,
        writer: TileWriter,
        binding: Sequence[int],
        hops: Sequence[Sequence[int]],
        transfers: Sequence[Transfer],
    ):
        self._network, self._application, self._writer = network, application, writer
        self._binding, self._hops = binding, hops
        self._transfers = {each.channel: each for each in transfers}
        self._numbers = {
            (each.source, each.target, each.tokens): number
            for number, each in enumerate(application.graph.channels)
        }
        self.connections: list[Connection] = []

    def channel(self, way: Way) -> Channel:
        """A way with its buffers and tables, and the connection where it has one."""
        key = (way.source, way.target, way.delay)
        number = self._numbers.get(key) if way.source != way.target else None
        name = "own" if number is None else self._application.graph.channels[number].name
        name = f"{name}_{way.source}" if number is None else name
        transfer = None if number is None else self._transfers.get(number)
        output, arrived = self._copies(number, name, transfer)
        crossbars = self._network.crossbars
        source, target = crossbars[way.source], crossbars[way.target]
        parts: list[Part] = []
        if len(way.spikes):
            ends = ("spikes", len(source.neurons)), ("inputs", max(1, len(target.inputs)))
            taken = np.searchsorted(source.neurons, way.spikes)
            placed = np.searchsorted(target.inputs, way.spikes)
            tables = (taken, placed)
            parts.append(self._part(way, name, Element.BIT, ends, tables, (output, arrived)))
        if len(way.sums):
            ends = ("sums", len(source.columns)), ("starts", len(target.columns))
            taken = np.searchsorted(source.columns, way.sums)
            waits = self._network.columns.continues[target.columns]
            order = np.argsort(waits, kind="stable")
            placed = order[np.searchsorted(waits[order], way.sums)]
            tables = (taken, placed)
            parts.append(self._part(way, name, Element.F32, ends, tables, (output, arrived)))
        if transfer is None:
            return Channel(way, tuple(parts))
        hops = self._hops[self._binding[way.source]][self._binding[way.target]]
        self.connections.append(Connection(transfer.channel, way.source, way.target, hops))
        return Channel(way, tuple(parts), len(self.connections) - 1, hops, transfer)

    def _copies(self, number: int | None, name: str, transfer: Transfer | None) -> tuple[int, int]:
        """Places of the output buffer and of the input buffer; 0 where there is none."""
        if number is None:
            return 1, 0
        room = self._application.room[number]
        limits = (room.local, 0) if transfer is None else (room.source, room.target)
        for limit in limits:
            if limit is None or limit > MAX_COPIES:
                what = "unlimited room" if limit is None else f"room for {limit} tokens"
                raise error(
                    "E0302",
                    f"channel {name} has {what}, but a buffer of the machine takes {MAX_COPIES}",
                    help=f"give the channel a capacity of at most {MAX_COPIES}",
                )
        return limits[0] or 0, limits[1] or 0

    def _part(
        self,
        way: Way,
        name: str,
        element: Element,
        ends: tuple[tuple[str, int], tuple[str, int]],
        tables: tuple[Integers, Integers],
        copies: tuple[int, int],
    ) -> Part:
        writer, cells = self._writer, len(tables[0])
        kind = ends[0][0]
        output = writer.row(f"{name}.{kind}.out", element, cells, copies[0])
        arrived = output
        if copies[1]:
            arrived = writer.row(f"{name}.{kind}.in", element, cells, copies[1])
        taken = writer.numbers(way.source, tables[0])
        placed = writer.numbers(way.target, tables[1])
        first, second = ends
        return Part(
            output,
            arrived,
            taken,
            placed,
            (f"cluster_{way.source}.{first[0]}", first[1]),
            (f"cluster_{way.target}.{second[0]}", second[1]),
            cells,
        )
