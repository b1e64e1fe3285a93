"""Networks on tiles beside the same networks on the engine of a training machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from engine_gradients import Engine
from reference_gradients import Batch, Parameters
from snn_program import Network

from spikeloom.backend.host.images import extract
from spikeloom.backend.machine.crossbar_machine import CrossbarMachine, load_crossbar_machine
from spikeloom.compiler import new_context
from spikeloom.dialects.snn import NetworkOp
from spikeloom.frontend.program import parse_program
from spikeloom.passes.binding.application import Application
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.infer_shapes import InferShapesPass
from spikeloom.passes.tiles.chains import clustered_for_tiles
from spikeloom.passes.tiles.network import TileNetwork
from spikeloom.tiles.execute import TileExecutor


def network_op(text: str) -> NetworkOp:
    """The network of a program, its shapes known."""
    module = parse_program(text, "tiles.snn")
    InferShapesPass().apply(new_context(), module)
    return next(op for op in module.ops if isinstance(op, NetworkOp))


@cache
def _description() -> dict:
    return load_crossbar_machine().model_dump(by_alias=True)


def crossbar_machine(**numbers: int) -> CrossbarMachine:
    """The default machine with many crossbars per tile and other numbers: `mesh__rows=2`."""
    plenty = {"tile__crossbars": 1000, "tile__connections": 10_000, "tile__memory": 2**40}
    found = {
        name: {k: dict(v) if isinstance(v, dict) else v for k, v in table.items()}
        if isinstance(table, dict)
        else table
        for name, table in _description().items()
    }
    for name, value in {**plenty, **numbers}.items():
        table, key = name.split("__")
        found[table][key]["value"] = value
    return CrossbarMachine.model_validate(found)


def random_machine(random: np.random.Generator) -> CrossbarMachine:
    """Any mesh, times and bandwidths."""
    return crossbar_machine(
        mesh__rows=int(random.integers(1, 4)),
        mesh__columns=int(random.integers(1, 4)),
        tile__bandwidth_in=int(random.integers(1, 64)),
        tile__bandwidth_out=int(random.integers(1, 64)),
        tile__wheel=1,
        tile__slice=1,
        crossbar__pass=int(random.integers(1, 40)),
        crossbar__program_row=int(random.integers(1, 4)),
        links__fixed=int(random.integers(0, 12)),
        links__per_hop=int(random.integers(0, 9)),
        links__bandwidth=int(random.integers(1, 48)),
    )


@dataclass(frozen=True)
class OnTiles:
    """A network clustered for crossbars of some size and bound to tiles."""

    network: TileNetwork
    application: Application
    binding: Sequence[int]
    machine: CrossbarMachine

    def executor(self, steps: int) -> TileExecutor:
        return TileExecutor(self.network, self.application, self.binding, self.machine, steps)


def on_tiles(
    text: str, limits: Limits, machine: CrossbarMachine, random: np.random.Generator, spare: int = 1
) -> OnTiles:
    """A program on a machine, its clusters on random tiles."""
    _, network = clustered_for_tiles(network_op(text), limits)
    application = network.application(machine.crossbar.pass_.value, spare)
    tiles = len(machine.working_tiles)
    binding = random.integers(0, tiles, network.clustering.clusters).tolist()
    return OnTiles(network, application, binding, machine)


def random_parameters(network: Network, random: np.random.Generator) -> Parameters:
    """Weights with which small networks spike."""
    found: dict[str, np.ndarray] = {}
    for name, shape in network.parameter_shapes.items():
        wide = 2.0 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.3
        found[name] = random.uniform(-wide, wide, shape).astype(np.float32)
    return found


def random_spikes(network: Network, random: np.random.Generator) -> np.ndarray:
    """[steps, samples, ...] of the input."""
    shape = (network.steps, network.batch, *network.input_shape)
    return (random.random(shape) < random.uniform(0.2, 0.7)).astype(np.uint8)


class Unclustered(Engine):
    """The same network on the engine, sums taken one input after the other."""

    def __init__(self, network: Network):
        super().__init__(network, passes="")

    def outputs(self, parameters: Parameters, spikes: np.ndarray) -> dict[str, np.ndarray]:
        """What every layer of neurons puts out that the program reports: [steps, samples, ...]."""
        network = self.network
        self.write_parameters(parameters)
        self.run(Batch(spikes, np.zeros(network.batch, np.int32)))
        found: dict[str, np.ndarray] = {}
        for layer, name in network.layer_names.items():
            index = self.stream.find("spikes", name)
            if index is not None:
                cells = self._interpreter.read(index)
                found[name] = extract(cells, network.steps, network.shape(layer))
        return found
