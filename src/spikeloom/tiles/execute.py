"""Executes a network on tiles: from parameters and input spikes to spikes, cycles and energy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts.crossbar_results import CrossbarResult
from spikeloom.backend.execution.crossbar_interpreter import (
    CrossbarInterpreter,
    validate_for_crossbars,
)
from spikeloom.backend.execution.repeated_run import measured_period
from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.backend.stream.encode import encode_program
from spikeloom.backend.stream.stream import OPCODE_LOOP, Stream
from spikeloom.diagnostics import error
from spikeloom.dialects.instruction_set import OPCODES
from spikeloom.passes.binding.application import Application
from spikeloom.passes.tiles.channels import Connection
from spikeloom.passes.tiles.lowering import TileProgram, lower_to_tiles
from spikeloom.passes.tiles.network import TileNetwork
from spikeloom.passes.tiles.neurons import KIND, Kind

Parameters = Mapping[str, NDArray[np.float32]]
"""Parameters in the language's shapes, by name."""


@dataclass(frozen=True)
class LinkTraffic:
    """Packets over one link of the mesh, from a tile to its neighbour, by their numbers there."""

    source: int
    target: int
    packets: int


@dataclass(frozen=True)
class TileRun:
    """One run of a network on tiles.

    Attributes:
        outputs: of every layer, [steps, units]: spikes as uint8, or potentials or sums as float32.
        result: counts and cycles of tiles, connections and energy.
        programmed: the cycle in which the last tile was programmed.
        firings: [steps, clusters], when each firing was over.
        connections: what the numbers of connections mean.
        links: traffic of every link that was used, along rows first.
    """

    outputs: Mapping[str, NDArray[np.generic]]
    result: CrossbarResult
    programmed: int
    firings: NDArray[np.int64]
    connections: tuple[Connection, ...]
    links: tuple[LinkTraffic, ...]

    @property
    def finishes(self) -> tuple[int, ...]:
        """Of each time step, the cycle in which everything up to it was over."""
        return tuple(np.maximum.accumulate(self.firings.max(axis=1)).tolist())

    def period(self) -> Fraction | None:
        """Measured cycles per time step, None where the steps did not become regular."""
        return measured_period(self.finishes)


class TileExecutor:
    """A network on tiles, ready to run again and again with other inputs or parameters.

    Raises:
        DiagnosticError: as `lower_to_tiles` says.
    """

    def __init__(
        self,
        network: TileNetwork,
        application: Application,
        binding: Sequence[int],
        machine: CrossbarMachine,
        steps: int,
    ):
        numbers = machine.working_tiles
        hops = [[machine.hops(source, target) for target in numbers] for source in numbers]
        self._network, self._machine, self._binding = network, machine, tuple(binding)
        self._program: TileProgram = lower_to_tiles(
            network, application, binding, machine.platform(), hops, steps
        )
        validated = validate_for_crossbars(encode_program(self._program.program))
        self._stream: Stream = validated.stream
        self._interpreter = CrossbarInterpreter(validated, machine)

    @property
    def program(self) -> TileProgram:
        """What is executed."""
        return self._program

    def run(self, parameters: Parameters, spikes: NDArray[np.generic]) -> TileRun:
        """Runs all time steps of one sample from cycle 0.

        Args:
            parameters: of the network, all that its crossbars hold.
            spikes: [steps, ...] of the network's input.

        Raises:
            DiagnosticError: E0404 a parameter is missing or has another shape, E0403 the input has.
        """
        self._fill(parameters)
        self._fill_input(spikes)
        result, finishes = self._interpreter.run()
        body, firings = self._firings()
        before = len(finishes) - self._program.steps * body
        rows = finishes[before:].reshape(self._program.steps, body)[:, firings]
        ordered = np.empty_like(rows)
        ordered[:, list(self._program.firings)] = rows
        return TileRun(
            self._outputs(),
            result,
            int(finishes[:before].max(initial=0)),
            ordered,
            self._program.connections,
            self._links(result),
        )

    def _fill(self, parameters: Parameters) -> None:
        numbers = self._network.numbered(parameters)
        for content in self._program.contents:
            values = content.values
            if content.gathered:
                values = numbers[values.astype(np.int64, copy=False)]
            self._interpreter.write(self._index("parameter", content.buffer), values)

    def _fill_input(self, spikes: NDArray[np.generic]) -> None:
        layer, steps = self._network.input, self._program.steps
        cells = np.zeros((steps + layer.delay, 1, 1, len(layer.neurons)), np.uint8)
        if spikes.shape[0] != steps or spikes.size != steps * len(layer.neurons):
            message = f"the input has the shape {spikes.shape}, not {steps} steps of"
            raise error("E0403", f"{message} {len(layer.neurons)} spikes")
        cells[layer.delay :, 0, 0] = spikes.reshape(steps, -1) != 0
        self._interpreter.write(self._index("input", ""), cells)

    def _outputs(self) -> dict[str, NDArray[np.generic]]:
        """What the clusters collected, layer by layer."""
        count, steps = self._network.clustering.network.original, self._program.steps
        spikes = np.zeros((steps, count), np.uint8)
        values = np.zeros((steps, count), np.float32)
        for cluster, crossbar in enumerate(self._network.crossbars):
            kept = crossbar.neurons < count
            for kind, target in (("spikes", spikes), ("values", values)):
                index = self._stream.find(kind, f"cluster_{cluster}")
                if index is not None:
                    cells = self._interpreter.read(index)[:, 0, 0]
                    target[:, crossbar.neurons[kept]] = cells[:, kept]
        found: dict[str, NDArray[np.generic]] = {}
        for layer in self._network.layers:
            if layer.is_computed:
                neurons = slice(layer.neurons.start, layer.neurons.stop)
                fires = self._network.numbers[KIND, layer.neurons.start] == Kind.FIRES
                found[layer.name] = (spikes if fires else values)[:, neurons]
        return found

    def _links(self, result: CrossbarResult) -> tuple[LinkTraffic, ...]:
        packets: Counter[tuple[int, int]] = Counter()
        tiles = self._machine.working_tiles
        for connection, counts in zip(self._program.connections, result.connections, strict=True):
            ends = (self._binding[each] for each in (connection.source, connection.target))
            for link in pairwise(self._machine.route(*(tiles[end] for end in ends))):
                packets[link] += counts.packets
        return tuple(LinkTraffic(*link, count) for link, count in sorted(packets.items()))

    def _firings(self) -> tuple[int, list[int]]:
        """Instructions of one time step, and which of them end a pass."""
        opcodes: list[int] = self._stream.instructions["opcode"].tolist()
        body = opcodes[opcodes.index(OPCODE_LOOP) + 1 : -1]
        passes = [at for at, opcode in enumerate(body) if opcode == OPCODES["run_tile"]]
        return len(body), passes

    def _index(self, kind: str, subject: str) -> int:
        index = self._stream.find(kind, subject)
        assert index is not None
        return index
