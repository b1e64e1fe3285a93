"""What clusters and tiles use of every limit, once they are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.diagnostics import SourceLocation
from spikeloom.mapping.demand import Basis, Demand
from spikeloom.mapping.needs import Wanted, fan_in_limit
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.resources import TileUse
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.network import NetworkConnections


class Owners:
    """What messages call clusters, and the lines of the program that they stem from."""

    def __init__(self, network: NetworkConnections, clustering: Clustering):
        self._network = network
        owner = clustering.network.owner
        self._first = np.full(clustering.clusters, len(owner), np.int64)
        computed = np.flatnonzero(clustering.cluster_of >= 0)
        np.minimum.at(self._first, clustering.cluster_of[computed], owner[computed])

    def name(self, cluster: int) -> str:
        """Number and first layer: "cluster 3 (`hidden`)"."""
        return f"cluster {cluster} (`{self.layer(cluster)}`)"

    def layer(self, cluster: int) -> str:
        """The layer of its first neuron, or that its first neuron works for."""
        return self._network.layer_of(int(self._first[cluster])).name

    def location(self, cluster: int) -> SourceLocation | None:
        """Where the program defines that layer."""
        return self._network.layer_of(int(self._first[cluster])).location


def cluster_demands(
    clustering: Clustering,
    application: Application,
    machine: CrossbarMachine,
    owners: Owners,
    name_of: Callable[[int], str],
) -> tuple[Demand, ...]:
    """What holds wherever the clusters are bound.

    With one crossbar for each tile, connections and memory are among it: no cluster shares its
    tile with its neighbours.
    """
    tiles = len(machine.working_tiles)
    bound = tiles * machine.tile.crossbars.value
    broken = len(machine.mesh.broken.value)
    note = f" ({broken} are broken)" if broken else ""
    found = [
        Demand(
            "mesh x tile.crossbars",
            "crossbars",
            Fraction(clustering.clusters),
            Fraction(bound),
            Basis.COMPUTED,
            "the program",
            f"fewer or narrower layers, or more tiles{note}",
        ),
        *_of_crossbars(clustering, owners, name_of),
        *_token_too_large(application, machine, owners),
    ]
    if machine.tile.crossbars.value == 1:
        found += _of_single_tiles(application, machine, owners)
    return tuple(found)


def _of_crossbars(
    clustering: Clustering, owners: Owners, name_of: Callable[[int], str]
) -> list[Demand]:
    limits = clustering.limits
    columns = (
        ("crossbar.inputs", "inputs", clustering.inputs, limits.most_inputs),
        ("crossbar.outputs", "outputs", clustering.outputs, limits.most_outputs),
        ("crossbar.crosspoints", "crosspoints", clustering.crosspoints, limits.most_crosspoints),
    )
    found = [
        _largest(limit, what, values, bound, owners, "a larger crossbar")
        for limit, what, values, bound in columns
    ]
    fan_in, longest = fan_in_limit(limits)
    unrolled = clustering.network
    computed = clustering.cluster_of >= 0
    neurons: list[tuple[str, str, NDArray[np.int64], int | None]] = [
        (fan_in, "inputs", unrolled.connections.fan_in, longest),
        (
            "crossbar.destinations",
            "crossbars that read it",
            clustering.destinations,
            limits.destinations,
        ),
    ]
    for limit, what, values, bound in neurons:
        if bound is None:
            continue
        widest = int(np.where(computed, values, -1).argmax())
        name, owner = name_of(int(unrolled.owner[widest])), int(clustering.cluster_of[widest])
        where = name if widest < unrolled.original else f"an element of {name}"
        value, most = Fraction(int(values[widest])), Fraction(bound)
        location = owners.location(owner)
        remedy = "a machine that allows more"
        found.append(Demand(limit, what, value, most, Basis.COMPUTED, where, remedy, location))
    return found


def _largest(
    limit: str,
    what: str,
    values: NDArray[np.int64],
    bound: int,
    owners: Owners,
    remedy: str,
) -> Demand:
    """The cluster with the largest value."""
    most = int(values.argmax())
    return Demand(
        limit,
        what,
        Fraction(int(values[most])),
        Fraction(bound),
        Basis.COMPUTED,
        owners.name(most),
        remedy,
        owners.location(most),
    )


def _token_too_large(
    application: Application, machine: CrossbarMachine, owners: Owners
) -> list[Demand]:
    """A memory that does not hold a single token of a channel is no buffer for it."""
    bound, largest = machine.tile.memory.value, max(application.sizes, default=0)
    if largest <= bound:
        return []
    channel = application.graph.channels[application.sizes.index(largest)]
    source, target = owners.name(channel.source), owners.name(channel.target)
    return [
        Demand(
            "tile.memory",
            "bits for one token",
            Fraction(largest),
            Fraction(bound),
            Basis.COMPUTED,
            f"the channel from {source} to {target}",
            "a narrower layer, or a machine with more memory in its tiles",
            owners.location(channel.source),
        )
    ]


def _of_single_tiles(
    application: Application, machine: CrossbarMachine, owners: Owners
) -> list[Demand]:
    count = len(application.graph.actors)
    memory, connections = np.array(application.states, np.int64), np.zeros(count, np.int64)
    for channel, size, room in zip(
        application.graph.channels, application.sizes, application.room, strict=True
    ):
        for end, tokens in ((channel.source, room.source), (channel.target, room.target)):
            connections[end] += 1
            memory[end] += size * (tokens or 0)
    remedy = "narrower layers around it, or a machine with more"
    rows = (
        ("tile.connections", "connections", connections, machine.tile.connections.value),
        ("tile.memory", "bits of buffers", memory, machine.tile.memory.value),
    )
    return [
        _largest(limit, what, values, bound, owners, f"{remedy} `{limit}`")
        for limit, what, values, bound in rows
    ]


def tile_demands(used: Sequence[TileUse], machine: CrossbarMachine) -> tuple[Demand, ...]:
    """What the tiles that work use, where several clusters share one."""
    rows = (
        (
            "tile.connections",
            "connections",
            [each.connections for each in used],
            machine.tile.connections.value,
        ),
        (
            "tile.memory",
            "bits of buffers",
            [each.memory for each in used],
            machine.tile.memory.value,
        ),
    )
    found: list[Demand] = []
    for limit, what, values, bound in rows:
        value = max(values)
        where = f"tile {machine.working_tiles[values.index(value)]}"
        most, allowed = Fraction(value), Fraction(bound)
        found.append(Demand(limit, what, most, allowed, Basis.COMPUTED, where, "larger tiles"))
    return tuple(found)


def period_demand(period: Fraction, limit: Fraction, wanted: Wanted, critical: str) -> Demand:
    """The guaranteed period against the one that is wanted, `limit`."""
    return Demand(
        wanted.option,
        "cycles",
        period,
        limit,
        Basis.COMPUTED,
        f"a time step (critical: {critical})",
        f"{wanted.easier}, or a machine with faster links, passes or larger slices",
        code="E0307",
    )
