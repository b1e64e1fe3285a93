"""`cluster-crossbars`: which neurons share a crossbar, under all limits of the hardware."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from functools import partial
from math import ceil
from typing import TypeVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from spikeloom.diagnostics import DiagnosticError, did_you_mean, error
from spikeloom.dialects.activity_profile import ActivityProfile, Share, share_density
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import NetworkOp
from spikeloom.dialects.snn.crossbars import CrossbarsOp
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Numbers
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.network import NetworkConnections, connections_of_network
from spikeloom.passes.clustering.recording import recorded
from spikeloom.passes.clustering.strategy import Strategy, Unrolling, cluster
from spikeloom.passes.sparsity.density_profile import read_profile

Choice = TypeVar("Choice", bound=Enum)


@dataclass(frozen=True)
class ClusterCrossbarsPass(ModulePass):
    """Adds an `snn.crossbars` behind every `snn.network`, in place of an earlier one.

    Options: `inputs`, `outputs`, `crosspoints`, `fan_in`, `destinations`, `input_buffer` and
    `output_buffer` are limits of one crossbar; `unroll` is auto, chain, tree or none; `strategy`
    is grow, published or kahypar; `profile` is the JSON result of a run, from which the numbers of
    spikes are taken.

    Raises:
        DiagnosticError: the network does not fit (E0306), an option is not valid (E0405, E0306),
            or the profile cannot be read (E0401) or is of another program (E0407).
    """

    name = "cluster-crossbars"

    inputs: int = 128
    outputs: int = 128
    crosspoints: int | None = None
    fan_in: int | None = None
    destinations: int | None = None
    input_buffer: int | None = None
    output_buffer: int | None = None
    unroll: str = "auto"
    strategy: str = "grow"
    profile: str | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        limits = Limits(
            self.inputs,
            self.outputs,
            self.crosspoints,
            self.fan_in,
            self.destinations,
            self.input_buffer,
            self.output_buffer,
        )
        strategy = _chosen(Strategy, "strategy", self.strategy)
        unrolling = _chosen(Unrolling, "unroll", self.unroll)
        profile = None if self.profile is None else read_profile(self.profile)
        networks = [each for each in op.ops if isinstance(each, NetworkOp)]
        names = [network.sym_name.data for network in networks]
        if profile is not None and profile.network not in names:
            message = f"the profile is of the network `{profile.network}`, which is not here"
            raise error("E0407", message, help=did_you_mean(profile.network, names or ["none"]))
        for old in [each for each in op.ops if isinstance(each, CrossbarsOp)]:
            old.detach()
            old.erase()
        for network in networks:
            own = profile if profile and profile.network == network.sym_name.data else None
            found, clustering = clustered(network, limits, unrolling, strategy, own)
            name = network.sym_name.data
            crossbars = recorded(name, found, clustering, strategy.value)
            crossbars.location = network.location
            assert network.parent is not None
            network.parent.insert_op_after(crossbars, network)


def clustered(
    network: NetworkOp,
    limits: Limits,
    unrolling: Unrolling = Unrolling.AUTO,
    strategy: Strategy = Strategy.GROW,
    profile: ActivityProfile | None = None,
    chained: Callable[[NetworkConnections], Numbers] | None = None,
) -> tuple[NetworkConnections, Clustering]:
    """The connections of a network with known shapes, and their clusters, checked.

    `chained` gives the inputs of all connections in the order in which chains are to take them.

    Raises:
        DiagnosticError: the network does not fit (E0306), or has no known shapes (E0204).
    """
    found = connections_of_network(network, None if profile is None else spikes_of(profile))
    try:
        order = None if chained is None else partial(chained, found)
        name_of = found.name_of
        clustering = cluster(found.connections, limits, unrolling, strategy, name_of, order)
    except DiagnosticError as problem:
        (only,) = problem.diagnostics
        location = only.location or location_of(network)
        raise error(only.code, only.message, location, only.help) from None
    clustering.check()
    return found, clustering


def spikes_of(profile: ActivityProfile) -> dict[str, int]:
    """Spikes of one neuron in one inference, rounded up, by layer; "" is the network's input."""
    layers = {name: layer.spikes for name, layer in profile.layers.items()}
    return {
        name: _spikes(share, profile.steps) for name, share in {**layers, "": profile.input}.items()
    }


def _spikes(share: Share, steps: int) -> int:
    density = share_density(share)
    return ceil((Fraction(1) if density is None else density) * steps)


def _chosen(choices: type[Choice], option: str, value: str) -> Choice:
    names = [str(choice.value) for choice in choices]
    if value not in names:
        message = f"cluster-crossbars{{{option}={value}}}: there is no such {option}"
        raise error("E0405", message, help=did_you_mean(value, names))
    return choices(value)
