"""From a network and a machine to clusters on tiles with a guarantee, ready to be executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.host.checkpoint import load_tensors
from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.diagnostics import error
from spikeloom.dialects.activity_profile import ActivityProfile
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import NetworkOp
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.resources import Infeasible, check_binding
from spikeloom.passes.binding.search import MAX_EVALUATIONS, Bound, best_binding
from spikeloom.passes.binding.transfers import Unconnected
from spikeloom.passes.clustering.network import NetworkConnections
from spikeloom.passes.clustering.strategy import Strategy
from spikeloom.passes.tiles.chains import clustered_for_tiles
from spikeloom.passes.tiles.network import TileNetwork
from spikeloom.tiles.execute import TileExecutor
from spikeloom.tiles.limits import limits_of


@dataclass(frozen=True)
class MappedNetwork:
    """A network on a machine.

    Attributes:
        found: its neurons by layer, and their names.
        network: clusters, and what their crossbars hold.
        application: the dataflow graph of a time step.
        bound: the tile of every cluster, as the machine's platform numbers them, and the period
            that this guarantees.
    """

    machine: CrossbarMachine
    found: NetworkConnections
    network: TileNetwork
    application: Application
    bound: Bound

    def executor(self, steps: int) -> TileExecutor:
        """The interpreter with the program of so many time steps.

        Raises:
            DiagnosticError: as `lower_to_tiles` says.
        """
        binding = self.bound.binding
        return TileExecutor(self.network, self.application, binding, self.machine, steps)


def map_network(
    network: NetworkOp,
    machine: CrossbarMachine,
    strategy: Strategy = Strategy.GROW,
    profile: ActivityProfile | None = None,
    evaluations: int = MAX_EVALUATIONS,
) -> MappedNetwork:
    """Clusters a network with known shapes for execution and binds the clusters to tiles.

    Raises:
        DiagnosticError: E0306 a crossbar cannot hold or compute the network, E0302 the tiles do
            not take the clusters.
    """
    found, tiles = clustered_for_tiles(network, limits_of(machine), strategy, profile)
    application = tiles.application(machine.crossbar.pass_.value)
    platform = machine.platform()
    try:
        bound = best_binding(application, platform, evaluations=evaluations)
        check_binding(application, bound.binding, platform)
    except (Infeasible, Unconnected) as problem:
        name = network.sym_name.data
        message = f"the {tiles.clustering.clusters} crossbars of `{name}` do not fit: {problem}"
        help = "use a machine with more tiles, or with more of what is missing"
        raise error("E0302", message, location_of(network), help) from None
    return MappedNetwork(machine, found, tiles, application, bound)


def load_parameters(path: Path, network: NetworkOp) -> Mapping[str, NDArray[np.float32]]:
    """The parameters of a network in a file that `spikeloom run --save` wrote, by name.

    Raises:
        DiagnosticError: E0401 there is no such file, E0404 it does not fit the network.
    """
    expected = {
        f"parameter/{name}": np.zeros(op.type.get_shape(), np.float32)
        for name, op in network.parameters().items()
    }
    tensors = load_tensors(path, expected)
    return {name.partition("/")[2]: values for name, values in tensors.items()}
