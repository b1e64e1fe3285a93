"""`lower_to_tiles`: the program that executes a clustered and bound network on its tiles.

First every tile is programmed. Then a loop over the time steps sends what was delayed, and lets
the clusters work in the one order of which every tile keeps its part (`passes.binding.orders`):

    receive ... reserve ... run_tile  update_neurons  emit ... release ...  send ...

A firing of the dataflow graph is what stands between `receive` and `release`: it starts when all
tokens and all room are there and the tile has done what comes before, and takes one pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Region, SSAValue

from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.dialects.engine import LoopOp, ProgramOp
from spikeloom.dialects.instruction_set import Element
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.transfers import transfers
from spikeloom.passes.tiles.buffers import DRAM, Content, Operand, TileWriter
from spikeloom.passes.tiles.channels import Channel, ChannelBuilder, Connection
from spikeloom.passes.tiles.clusters import Crossbar
from spikeloom.passes.tiles.network import TileNetwork
from spikeloom.passes.tiles.neurons import KIND, NUMBERS, Kind


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
        DiagnosticError: E0302 a channel has more room than a buffer of the machine.
        Unconnected: a channel joins tiles without a connection.
    """
    return _Lowering(network, application, binding, platform, hops, steps).program()


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
        self._binding = binding
        self._writer = TileWriter(Block())
        self._lists: list[dict[str, Operand]] = []
        found = transfers(application.graph, binding, platform, application.sizes)
        self._builder = ChannelBuilder(network, application, self._writer, binding, hops, found)

    def program(self) -> TileProgram:
        """The whole program."""
        self._declare_input()
        for cluster, crossbar in enumerate(self._network.crossbars):
            self._program_crossbar(cluster, crossbar)
        channels = [self._builder.channel(way) for way in self._network.ways]
        self._writer.write_numbers(self._binding)
        for channel in channels:
            if channel.way.delay:
                self._fill(channel)
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
            tuple(self._builder.connections),
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
        weights = columns.weights[crossbar.points]
        writer.table(tile, f"{name}.weight", weights, inputs, gathered=True)
        starts = writer.row(f"{name}.starts", Element.F32, len(crossbar.columns))
        writer.given(tile, starts, columns.start[crossbar.columns], gathered=True)
        writer.table(tile, f"{name}.neurons", self._network.numbers[:, crossbar.neurons])
        lists = {"rows": crossbar.rows, "columns": crossbar.places, "owner": owner}
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
            lists |= {"taken": crossbar.inputs[outside] - start, "placed": outside}
        self._lists.append({what: writer.numbers(cluster, each) for what, each in lists.items()})

    def _write_step(self, channels: Sequence[Channel], step: SSAValue) -> None:
        """One time step: what was delayed, then all clusters in their one order."""
        for channel in channels:
            if channel.way.delay:
                self._send(channel) if channel.transfer else self._receive(channel)
                self._move_on(channel)
        entering: list[list[Channel]] = [[] for _ in self._network.crossbars]
        leaving: list[list[Channel]] = [[] for _ in self._network.crossbars]
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
        entering: Sequence[Channel],
        leaving: Sequence[Channel],
        step: SSAValue,
    ) -> None:
        """One firing of a cluster."""
        self._take_input(cluster, step)
        for channel in entering:
            # What a tile sends itself for a later step was received when the step began.
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
            lists = {role: self._lists[cluster][role] for role in ("taken", "placed")}
            operands = {"target": f"{name}.inputs", "source": "input", **lists}
            extents = (cells, len(crossbar.inputs), len(self._network.input.neurons))
            self._emit("take_input", cluster, operands, extents, step=("source", step))

    def _run(self, cluster: int) -> None:
        crossbar, name = self._network.crossbars[cluster], f"cluster_{cluster}"
        lists = self._lists[cluster]
        operands = {
            **{role: f"{name}.{role}" for role in ("sums", "starts", "weight")},
            **{role: lists[role] for role in ("rows", "columns")},
            "spikes": f"{name}.inputs",
        }
        columns = len(crossbar.columns)
        extents = (len(crossbar.points), max(1, len(crossbar.inputs)), columns)
        self._emit("run_tile", cluster, operands, extents)
        operands = {
            **{role: f"{name}.{role}" for role in ("spikes", "potential", "sums")},
            **{"value": f"{name}.values", "numbers": f"{name}.neurons", "owner": lists["owner"]},
        }
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

    def _receive(self, channel: Channel) -> None:
        for part in channel.parts:
            buffer, cells = part.target
            operands = {"target": buffer, "source": part.arrived, "placed": part.placed}
            self._emit("receive", channel.way.target, operands, (part.cells, cells))

    def _reserve(self, channel: Channel) -> None:
        for part in channel.parts:
            extents = (1, 1, 1, part.cells)
            self._emit("reserve", channel.way.source, {"target": part.output[0]}, extents)

    def _fill(self, channel: Channel) -> None:
        """A silent token in every buffer of a channel that waits."""
        for part in channel.parts:
            for buffer in part.output:
                extents = (1, 1, 1, part.cells)
                self._emit("reserve", channel.way.source, {"target": buffer}, extents)

    def _move_on(self, channel: Channel) -> None:
        """Tokens that wait for several steps move to the next buffer, the oldest first."""
        for at in range(len(channel.moves) - 1, -1, -1):
            for part in channel.parts:
                operands = {"target": part.output[at + 1], "source": part.output[at]}
                self._writer.emit("send", channel.moves[at], operands, (part.cells,), (0, 0, 1))

    def _emit_cells(self, channel: Channel) -> None:
        for part in channel.parts:
            buffer, cells = part.source
            operands = {"target": part.output[0], "source": buffer, "taken": part.taken}
            self._emit("emit", channel.way.source, operands, (part.cells, cells))

    def _send(self, channel: Channel) -> None:
        """All parts of a token; the first takes the time of the whole."""
        assert channel.transfer is not None
        for number, part in enumerate(channel.parts):
            operands = {"target": part.arrived, "source": part.output[-1]}
            numbers = (channel.hops, channel.transfer.bits, min(1, number))
            self._writer.emit("send", channel.instance, operands, (part.cells,), numbers)

    def _emit(
        self,
        name: str,
        cluster: int,
        operands: Mapping[str, Operand],
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
