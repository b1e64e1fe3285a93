"""The channels of a program of tiles: buffers, and which cells go where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikeloom.diagnostics import error
from spikeloom.dialects.instruction_set import MAX_COPIES, Element
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.transfers import Transfer
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
        output: one behind the other, as many as time steps that a token waits, or one; the source
            writes the first.
        arrived: read by the target; the last of `output` inside a tile.
        taken, placed: tables of the source's and of the target's cells.
        source, target: buffers of the two crossbars, with their lengths.
        cells: how many.
    """

    output: tuple[str, ...]
    arrived: str
    taken: Operand
    placed: Operand
    source: tuple[str, int]
    target: tuple[str, int]
    cells: int


@dataclass(frozen=True)
class Channel:
    """A way with its parts; `transfer` and `hops` where it leads to another tile.

    `moves` are instances of the network engine: a token that waits for several steps moves on from
    one output buffer to the next, which takes no time.
    """

    way: Way
    parts: tuple[Part, ...]
    moves: tuple[int, ...] = ()
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
        self._moved = 0

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
            return Channel(way, tuple(parts), self._moves(way))
        hops = self._hops[self._binding[way.source]][self._binding[way.target]]
        self.connections.append(Connection(transfer.channel, way.source, way.target, hops))
        instance = len(self.connections) - 1
        return Channel(way, tuple(parts), self._moves(way), instance, hops, transfer)

    def _moves(self, way: Way) -> tuple[int, ...]:
        """Instances behind those of all connections, one for each move."""
        first = len(self._transfers) + self._moved
        self._moved += max(0, way.delay - 1)
        return tuple(range(first, len(self._transfers) + self._moved))

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
        # Each further buffer holds one token that waits, the first one all others.
        waiting = max(0, way.delay - 1)
        output = [writer.row(f"{name}.{kind}.out", element, cells, max(1, copies[0] - waiting))]
        for step in range(waiting):
            output.append(writer.row(f"{name}.{kind}.out.{step + 2}", element, cells))
        arrived = output[-1]
        if copies[1]:
            arrived = writer.row(f"{name}.{kind}.in", element, cells, copies[1])
        taken = writer.numbers(way.source, tables[0])
        placed = writer.numbers(way.target, tables[1])
        first, second = ends
        return Part(
            tuple(output),
            arrived,
            taken,
            placed,
            (f"cluster_{way.source}.{first[0]}", first[1]),
            (f"cluster_{way.target}.{second[0]}", second[1]),
            cells,
        )
