"""`lower_to_tiles`: the program that executes a clustered and bound network on its tiles.

First every tile is programmed. Then a loop over the time steps sends what was delayed, and lets
the clusters work in the one order of which every tile keeps its part (`passes.binding.orders`):

    receive ... reserve ... run_tile  update_neurons  emit ... release ...  send ...

A firing of the dataflow graph is what stands between `receive` and `release`: it starts when all
tokens and all room are there and the tile has done what comes before, and takes one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Region, SSAValue

from spikeloom.diagnostics import error
from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.dialects.engine import LoopOp, ProgramOp
from spikeloom.dialects.instruction_set import MAX_COPIES, Element
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.transfers import Transfer, transfers
from spikeloom.passes.tiles.buffers import DRAM, Content, TileWriter
from spikeloom.passes.tiles.clusters import Crossbar, Integers, Way
from spikeloom.passes.tiles.network import TileNetwork
from spikeloom.passes.tiles.neurons import KIND, NUMBERS, Kind


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
class TileProgram:
    """A program with what its host must know.

    Attributes:
        program: the instructions; clusters and channels are named in the buffers.
        contents: what the buffers of kind `parameter` hold.
        connections: by the number of their instance.
        steps: time steps of the loop.
        firings: for each cluster in the order of a step, its number.
    """

    program: ProgramOp
    contents: tuple[Content, ...]
    connections: tuple[Connection, ...]
    steps: int
    firings: tuple[int, ...]


def lower_to_tiles(
    network: TileNetwork,
    application: Application,
    binding: Sequence[int],
    platform: Platform,
    hops: Sequence[Sequence[int]],
    steps: int,
) -> TileProgram:
    """The program of a network whose clusters are the actors of `application`.

    Args:
        binding: the tile of every cluster.
        hops: [source][target] links between the tiles of the platform.

    Raises:
        DiagnosticError: E0306 something is delayed for more than a step, E0302 a channel has more
            room than a buffer of the machine.
        Unconnected: a channel joins tiles without a connection.
    """
    return _Lowering(network, application, binding, platform, hops, steps).program()


@dataclass(frozen=True)
class _Part:
    """One kind of cells of a channel, with its buffers: where they come from and go to.

    Attributes:
        output, arrived: written by the source, read by the target; the same inside a tile.
        taken, placed: tables of the source's and of the target's cells.
        source, target: buffers of the two crossbars, with their lengths.
        cells: how many.
    """

    output: str
    arrived: str
    taken: str
    placed: str
    source: tuple[str, int]
    target: tuple[str, int]
    cells: int


@dataclass(frozen=True)
class _Channel:
    """A way with its parts; `transfer` and `hops` where it leads to another tile."""

    way: Way
    parts: tuple[_Part, ...]
    instance: int = 0
    hops: int = 0
    transfer: Transfer | None = None


class _Lowering:
    """The program while it is written."""

    def __init__(
        self,
        network: TileNetwork,
        application: Application,
        binding: Sequence[int],
        platform: Platform,
        hops: Sequence[Sequence[int]],
        steps: int,
    ):
        self._network, self._application, self._steps = network, application, steps
        self._binding, self._hops = binding, hops
        self._writer = TileWriter(Block())
        sizes = application.sizes
        found = transfers(application.graph, binding, platform, sizes)
        self._transfers = {each.channel: each for each in found}
        self._numbers = {
            (each.source, each.target, each.tokens): number
            for number, each in enumerate(application.graph.channels)
        }
        self._connections: list[Connection] = []

    def program(self) -> TileProgram:
        """The whole program."""
        self._declare_input()
        for cluster, crossbar in enumerate(self._network.crossbars):
            self._program_crossbar(cluster, crossbar)
        channels = [self._channel(way) for way in self._network.ways]
        for channel in channels:
            if channel.way.delay:
                self._reserve(channel)
        block = Block(arg_types=[IndexType()])
        prologue, self._writer.block = self._writer.block, block
        self._write_step(channels, block.args[0])
        prologue.add_op(LoopOp(0, self._steps, 1, Region(block)))
        first = prologue.first_op
        assert first is not None
        prologue.insert_ops_before(self._writer.buffers, first)
        program = ProgramOp("tiles", 1, self._steps, Region(prologue))
        return TileProgram(
            program,
            tuple(self._writer.contents),
            tuple(self._connections),
            self._steps,
            self._application.order,
        )

    def _declare_input(self) -> None:
        """One row of bits for every step; the first ones are silent where the input is late."""
        layer = self._network.input
        shape = (self._steps + layer.delay, 1, 1, len(layer.neurons))
        self._writer.buffer("input", Element.BIT, shape, DRAM, ("input", ""))

    def _program_crossbar(self, cluster: int, crossbar: Crossbar) -> None:
        """Tables and buffers of a cluster, written or cleared once."""
        writer, tile, name = self._writer, self._binding[cluster], f"cluster_{cluster}"
        columns, neurons = self._network.columns, len(crossbar.neurons)
        inputs = max(1, len(crossbar.inputs))
        owner = np.searchsorted(crossbar.neurons, columns.owner[crossbar.columns])
        writer.table(tile, f"{name}.rows", crossbar.rows.astype(np.int32))
        writer.table(tile, f"{name}.columns", crossbar.places.astype(np.int32))
        weights = columns.weights[crossbar.points]
        writer.table(tile, f"{name}.weight", weights, inputs, gathered=True)
        starts = writer.row(f"{name}.starts", Element.F32, len(crossbar.columns))
        writer.given(tile, starts, columns.start[crossbar.columns], gathered=True)
        writer.table(tile, f"{name}.owner", owner.astype(np.int32))
        writer.table(tile, f"{name}.numbers", self._network.numbers[:, crossbar.neurons])
        for buffer, element, cells in (
            ("inputs", Element.BIT, inputs),
            ("spikes", Element.BIT, neurons),
            ("sums", Element.F32, len(crossbar.columns)),
            ("values", Element.F32, neurons),
            ("potential", Element.F32, neurons),
        ):
            writer.row(f"{name}.{buffer}", element, cells)
        for buffer, cells in (("inputs", inputs), ("potential", neurons)):
            writer.emit("reserve", tile, {"target": f"{name}.{buffer}"}, (1, 1, 1, cells))
        outside = np.flatnonzero(self._network.clustering.cluster_of[crossbar.inputs] < 0)
        if len(outside):
            start = self._network.input.neurons.start
            taken = crossbar.inputs[outside] - start
            writer.table(tile, f"{name}.taken", taken.astype(np.int32))
            writer.table(tile, f"{name}.placed", outside.astype(np.int32))

    def _channel(self, way: Way) -> _Channel:
        """A way with its buffers and tables, and the connection where it has one."""
        key = (way.source, way.target, way.delay)
        number = self._numbers.get(key) if way.source != way.target else None
        name = "own" if number is None else self._application.graph.channels[number].name
        name = f"{name}_{way.source}" if number is None else name
        transfer = None if number is None else self._transfers.get(number)
        output, arrived = self._copies(number, name, transfer)
        crossbars = self._network.crossbars
        source, target = crossbars[way.source], crossbars[way.target]
        parts: list[_Part] = []
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
            return _Channel(way, tuple(parts))
        hops = self._hops[self._binding[way.source]][self._binding[way.target]]
        self._connections.append(Connection(transfer.channel, way.source, way.target, hops))
        return _Channel(way, tuple(parts), len(self._connections) - 1, hops, transfer)

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
    ) -> _Part:
        writer, cells = self._writer, len(tables[0])
        kind = ends[0][0]
        output = writer.row(f"{name}.{kind}.out", element, cells, copies[0])
        arrived = output
        if copies[1]:
            arrived = writer.row(f"{name}.{kind}.in", element, cells, copies[1])
        source, target = self._binding[way.source], self._binding[way.target]
        taken = writer.table(source, f"{name}.{kind}.taken", tables[0].astype(np.int32))
        placed = writer.table(target, f"{name}.{kind}.placed", tables[1].astype(np.int32))
        first, second = ends
        return _Part(
            output,
            arrived,
            taken,
            placed,
            (f"cluster_{way.source}.{first[0]}", first[1]),
            (f"cluster_{way.target}.{second[0]}", second[1]),
            cells,
        )

    def _write_step(self, channels: Sequence[_Channel], step: SSAValue) -> None:
        """One time step: what was delayed, then all clusters in their one order."""
        for channel in channels:
            if channel.way.delay:
                self._send(channel) if channel.transfer else self._receive(channel)
        entering: list[list[_Channel]] = [[] for _ in self._network.crossbars]
        leaving: list[list[_Channel]] = [[] for _ in self._network.crossbars]
        for channel in channels:
            entering[channel.way.target].append(channel)
            leaving[channel.way.source].append(channel)
        for cluster in self._application.order:
            self._fire(cluster, entering[cluster], leaving[cluster], step)
            for channel in leaving[cluster]:
                if channel.transfer and not channel.way.delay:
                    self._send(channel)

    def _fire(
        self,
        cluster: int,
        entering: Sequence[_Channel],
        leaving: Sequence[_Channel],
        step: SSAValue,
    ) -> None:
        """One firing of a cluster."""
        self._take_input(cluster, step)
        for channel in entering:
            # What a tile sends itself a step later was received when the step began.
            if channel.transfer or not channel.way.delay:
                self._receive(channel)
        for channel in leaving:
            self._reserve(channel)
        self._run(cluster)
        for channel in leaving:
            self._emit_cells(channel)
        self._collect(cluster, step)
        for channel in entering:
            if channel.transfer:
                for part in channel.parts:
                    tile, operands = self._binding[cluster], {"source": part.arrived}
                    self._writer.emit("release", tile, operands, (part.cells,))

    def _take_input(self, cluster: int, step: SSAValue) -> None:
        crossbar = self._network.crossbars[cluster]
        home = self._network.clustering.cluster_of
        cells = int((home[crossbar.inputs] < 0).sum())
        if cells:
            name = f"cluster_{cluster}"
            tables = {"taken": f"{name}.taken", "placed": f"{name}.placed"}
            operands = {"target": f"{name}.inputs", "source": "input", **tables}
            extents = (cells, len(crossbar.inputs), len(self._network.input.neurons))
            self._emit("take_input", cluster, operands, extents, step=("source", step))

    def _run(self, cluster: int) -> None:
        crossbar, name = self._network.crossbars[cluster], f"cluster_{cluster}"
        operands = {role: f"{name}.{role}" for role in ("sums", "starts", "rows", "columns")}
        operands |= {"spikes": f"{name}.inputs", "weight": f"{name}.weight"}
        columns = len(crossbar.columns)
        extents = (len(crossbar.points), max(1, len(crossbar.inputs)), columns)
        self._emit("run_tile", cluster, operands, extents)
        roles = ("spikes", "potential", "sums", "owner", "numbers")
        operands = {role: f"{name}.{role}" for role in roles} | {"value": f"{name}.values"}
        self._emit("update_neurons", cluster, operands, (len(crossbar.neurons), columns, NUMBERS))

    def _collect(self, cluster: int, step: SSAValue) -> None:
        """Spikes of neurons that fire, values of the others; not of what was added."""
        crossbar = self._network.crossbars[cluster]
        neurons = crossbar.neurons
        original = neurons < self._network.clustering.network.original
        fires = self._network.numbers[KIND, neurons] == Kind.FIRES
        for what, element, wanted in (
            ("spikes", Element.BIT, original & fires),
            ("values", Element.F32, original & ~fires),
        ):
            if wanted.any():
                name, shape = f"cluster_{cluster}", (self._steps, 1, 1, len(neurons))
                all_steps = f"{name}.{what}.all"
                self._writer.buffer(all_steps, element, shape, DRAM, (what, name))
                operands = {"target": all_steps, "source": f"{name}.{what}"}
                self._emit("collect", cluster, operands, (len(neurons),), step=("target", step))

    def _receive(self, channel: _Channel) -> None:
        for part in channel.parts:
            buffer, cells = part.target
            operands = {"target": buffer, "source": part.arrived, "placed": part.placed}
            self._emit("receive", channel.way.target, operands, (part.cells, cells))

    def _reserve(self, channel: _Channel) -> None:
        for part in channel.parts:
            extents = (1, 1, 1, part.cells)
            self._emit("reserve", channel.way.source, {"target": part.output}, extents)

    def _emit_cells(self, channel: _Channel) -> None:
        for part in channel.parts:
            buffer, cells = part.source
            operands = {"target": part.output, "source": buffer, "taken": part.taken}
            self._emit("emit", channel.way.source, operands, (part.cells, cells))

    def _send(self, channel: _Channel) -> None:
        """All parts of a token; the first takes the time of the whole."""
        assert channel.transfer is not None
        for number, part in enumerate(channel.parts):
            operands = {"target": part.arrived, "source": part.output}
            numbers = (channel.hops, channel.transfer.bits, min(1, number))
            self._writer.emit("send", channel.instance, operands, (part.cells,), numbers)

    def _emit(
        self,
        name: str,
        cluster: int,
        operands: dict[str, str],
        extents: Sequence[int],
        step: tuple[str, SSAValue] | None = None,
    ) -> None:
        """An instruction of a cluster's tile."""
        layer = self._layer_of(cluster)
        self._writer.emit(name, self._binding[cluster], operands, extents, layer=layer, step=step)

    def _layer_of(self, cluster: int) -> str:
        neuron = int(self._network.crossbars[cluster].neurons[0])
        owner = int(self._network.clustering.network.owner[neuron])
        return next(each.name for each in self._network.layers if owner in each.neurons)
