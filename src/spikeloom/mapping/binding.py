"""From a network to clusters on tiles: clusters, dataflow, binding, placement, buffers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.diagnostics import DiagnosticError, error
from spikeloom.dialects.activity_profile import ActivityProfile
from spikeloom.dialects.dataflow.graph import Deadlock, TooManyFirings
from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import NetworkOp
from spikeloom.mapping.demand import Demand, DoesNotFit, require
from spikeloom.mapping.fitting import Owners, cluster_demands
from spikeloom.mapping.needs import Wanted, needs_of
from spikeloom.mapping.tokens import (
    packets_of,
    sends_numbers,
    tokens_of_links,
    tokens_of_ways,
)
from spikeloom.passes.binding.application import Application, prepare
from spikeloom.passes.binding.resources import Infeasible, check_binding
from spikeloom.passes.binding.search import MAX_EVALUATIONS, Bound, best_binding
from spikeloom.passes.binding.transfers import Unconnected
from spikeloom.passes.cluster_crossbars import clustered
from spikeloom.passes.clustering.cluster_dataflow import extract_from_clusters
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Numbers
from spikeloom.passes.clustering.extents import LayerExtent, extents_of_network
from spikeloom.passes.clustering.network import NetworkConnections
from spikeloom.passes.clustering.strategy import Strategy, Unrolling
from spikeloom.passes.tiles.chains import inputs_in_order_of_sums
from spikeloom.passes.tiles.network import TileNetwork, tile_network
from spikeloom.tiles.limits import limits_of

EVALUATIONS, LEAST_EVALUATIONS = 2**14, 4
"""Bindings that are tried are these by the number of clusters, from 4 to 64."""

MORE_ROOM = (2, 4, 8)
"""Firings for which buffers have room beyond what is needed, if one is not enough."""


@dataclass(frozen=True)
class MapOptions:
    """How to map.

    Attributes:
        steps: time steps of one inference.
        profile: what a run measured.
        spikes_source: where the numbers of spikes come from, in words.
    """

    wanted: Wanted
    strategy: Strategy
    steps: int
    profile: ActivityProfile | None = None
    spikes_source: str = "everybody spikes once in an inference"


@dataclass(frozen=True)
class Clusters:
    """A clustered network as an application that can be bound.

    Attributes:
        numbers: [n], neurons that send a number in every time step instead of spikes.
        packets: spikes and numbers on every channel of the application, in one inference.
        executable: what crossbars compute, to the bit; None where they cannot.
        obstacle: why they cannot.
    """

    network: NetworkConnections
    clustering: Clustering
    owners: Owners
    application: Application
    numbers: NDArray[np.bool_]
    packets: tuple[int, ...]
    executable: TileNetwork | None
    obstacle: str

    def demands(self, machine: CrossbarMachine) -> tuple[Demand, ...]:
        """What the clusters use of every limit."""
        name_of = self.network.name_of
        return cluster_demands(self.clustering, self.application, machine, self.owners, name_of)


@dataclass(frozen=True)
class BoundNetwork:
    """Clusters on tiles; the binding has the numbers of the platform's tiles."""

    machine: CrossbarMachine
    platform: Platform
    clusters: Clusters
    bound: Bound


def bind_network(network: NetworkOp, machine: CrossbarMachine, options: MapOptions) -> BoundNetwork:
    """The best binding found for a network with known shapes.

    Raises:
        DoesNotFit: a limit of the machine is exceeded (E0306), or the wanted period (E0307).
        DiagnosticError: no binding was found (E0302), or there is none that makes progress (E0205).
    """
    extents = extents_of_network(network)
    require(needs_of(extents, machine, options.wanted))
    clusters = _clusters(network, extents, machine, options)
    platform = machine.platform()
    clusters, bound = _bound(clusters, machine, platform, network)
    return BoundNetwork(machine, platform, clusters, bound)


def _clusters(
    network: NetworkOp,
    extents: tuple[LayerExtent, ...],
    machine: CrossbarMachine,
    options: MapOptions,
) -> Clusters:
    """Clusters that fit; where nothing is said, chains if they do, since they sum up exactly.

    Raises:
        DoesNotFit: none do; says what the form with fewest crossbars exceeds.
    """
    unrolling, longest = options.wanted.unrolling, limits_of(machine).longest
    forms = [unrolling]
    if unrolling is Unrolling.AUTO and any(each.fan_in.most > longest for each in extents):
        forms = [Unrolling.CHAIN]
        if options.strategy is not Strategy.PUBLISHED:
            forms.append(Unrolling.TREE)
    found: list[Clusters] = []
    for form in forms:
        clusters = _clustered(network, form, machine, options)
        if all(each.fits for each in clusters.demands(machine)):
            return clusters
        found.append(clusters)
    fewest = min(found, key=lambda each: each.clustering.clusters)
    raise DoesNotFit(fewest.demands(machine))


def _clustered(
    network: NetworkOp, unrolling: Unrolling, machine: CrossbarMachine, options: MapOptions
) -> Clusters:
    limits = limits_of(machine)

    def chained(found: NetworkConnections) -> Numbers:
        try:
            return inputs_in_order_of_sums(network, found, limits.longest)
        except DiagnosticError:  # not executable, which `tile_network` says
            return found.connections.inputs

    found, clustering = clustered(
        network, limits, unrolling, options.strategy, options.profile, chained
    )
    executable, obstacle = None, ""
    try:
        executable = tile_network(network, found, clustering)
    except DiagnosticError as problem:
        obstacle = problem.diagnostics[0].message
    plain = extract_from_clusters(clustering, machine.crossbar.pass_.value)
    graph = replace(plain, channels=tuple(c for c in plain.channels if c.source != c.target))
    numbers = sends_numbers(found, clustering)
    packets = packets_of(clustering, numbers, options.steps)
    if executable is not None:
        tokens = tokens_of_ways(executable, graph, packets, options.steps)
    else:
        tokens = tokens_of_links(clustering, numbers, packets)
    with _no_throughput(network):
        application = prepare(graph, sizes=tokens.bits)
    owners = Owners(found, clustering)
    return Clusters(
        found, clustering, owners, application, numbers, tokens.packets, executable, obstacle
    )


def _bound(
    clusters: Clusters, machine: CrossbarMachine, platform: Platform, network: NetworkOp
) -> tuple[Clusters, Bound]:
    """The best binding found, with the smallest buffers that give it its best period.

    Room for one firing more lets a tile go ahead; where ways of different lengths meet, the
    shorter one needs room for more, as long as the tiles have memory.
    """
    application = clusters.application
    evaluations = EVALUATIONS // len(application.graph.actors)
    evaluations = max(LEAST_EVALUATIONS, min(MAX_EVALUATIONS, evaluations))
    with _no_throughput(network):
        best = best_binding(application, platform, evaluations=evaluations)
        for spare in MORE_ROOM:
            if best.throughput.period == shortest_period(application, machine):
                break
            roomier = prepare(application.graph, sizes=application.sizes, spare=spare)
            try:
                check_binding(roomier, best.binding, platform)
            except Infeasible:
                break
            found = roomier.guarantee(best.binding, platform)
            if found.period < best.throughput.period:
                best = replace(best, throughput=found)
                clusters = replace(clusters, application=roomier)
    return clusters, best


@contextmanager
def _no_throughput(network: NetworkOp) -> Iterator[None]:
    """What goes wrong with graphs and bindings, in the words of users."""
    location = location_of(network)
    try:
        yield
    except (Infeasible, Unconnected) as problem:
        help = "a machine with more tiles, or with more memory and connections in them"
        raise error("E0302", f"no binding was found: {problem}", location, help) from None
    except (Deadlock, TooManyFirings, OverflowError, ValueError) as problem:
        raise error("E0205", f"the clusters have no throughput: {problem}", location) from None


def shortest_period(application: Application, machine: CrossbarMachine) -> Fraction:
    """No binding has a shorter period: some tile has so many of the clusters, or more."""
    tile = machine.tile
    passes = -(-len(application.graph.actors) // len(machine.working_tiles))
    return Fraction(passes * machine.crossbar.pass_.value * tile.wheel.value, tile.slice.value)
