"""From a program to its mapping: clusters, dataflow, binding, placement, guarantee."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.crossbar_machine import CrossbarMachine
from spikeloom.diagnostics import error
from spikeloom.dialects.activity_profile import ActivityProfile
from spikeloom.dialects.dataflow.graph import Deadlock, TooManyFirings
from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import NetworkOp
from spikeloom.mapping.demand import Demand, require
from spikeloom.mapping.estimate import energy_estimate
from spikeloom.mapping.fitting import Owners, cluster_demands, period_demand, tile_demands
from spikeloom.mapping.mapping import Guarantee, MappedChannel, MappedTile, Mapping
from spikeloom.mapping.needs import Wanted, needs_of
from spikeloom.mapping.places import crossbars_on, layers_in
from spikeloom.mapping.routes import link_traffic
from spikeloom.mapping.tokens import NUMBER_BITS, link_sums, packets_of, sends_numbers
from spikeloom.passes.binding.application import Application, prepare
from spikeloom.passes.binding.resources import Infeasible, TileUse, check_binding, tile_use
from spikeloom.passes.binding.search import MAX_EVALUATIONS, Bound, best_binding
from spikeloom.passes.binding.transfers import Unconnected
from spikeloom.passes.cluster_crossbars import clustered
from spikeloom.passes.cluster_dataflow import extract_from_clusters
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.extents import extents_of_network
from spikeloom.passes.clustering.network import NetworkConnections
from spikeloom.passes.clustering.recording import recorded
from spikeloom.passes.clustering.strategy import Strategy
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
    """

    network: NetworkConnections
    clustering: Clustering
    owners: Owners
    application: Application
    numbers: NDArray[np.bool_]
    packets: tuple[int, ...]


def map_network(
    network: NetworkOp, program: str, machine: CrossbarMachine, options: MapOptions
) -> Mapping:
    """The mapping of a network with known shapes.

    Raises:
        DoesNotFit: a limit of the machine is exceeded (E0306), or the wanted period (E0307).
        DiagnosticError: no binding was found (E0302), or there is none that makes progress (E0205).
    """
    require(needs_of(extents_of_network(network), machine, options.wanted))
    clusters = _clusters(network, machine, options)
    require(_demands(clusters, machine))
    platform = machine.platform()
    clusters, bound = _bound(clusters, machine, platform, network)
    demands = _demands(clusters, machine)
    mapping = _mapping(clusters, bound, platform, program, network, machine, options, demands)
    require(mapping.demands)
    return mapping


def _demands(clusters: Clusters, machine: CrossbarMachine) -> tuple[Demand, ...]:
    name_of = clusters.network.name_of
    return cluster_demands(
        clusters.clustering, clusters.application, machine, clusters.owners, name_of
    )


def _clusters(network: NetworkOp, machine: CrossbarMachine, options: MapOptions) -> Clusters:
    found, clustering = clustered(
        network,
        limits_of(machine),
        options.wanted.unrolling,
        options.strategy,
        options.profile,
    )
    plain = extract_from_clusters(clustering, machine.crossbar.pass_.value)
    graph = replace(plain, channels=tuple(c for c in plain.channels if c.source != c.target))
    links = clustering.links
    between = np.flatnonzero(links.source != links.target)
    numbers = sends_numbers(found, clustering)
    bits = np.where(numbers, NUMBER_BITS, 1)
    sizes = link_sums(clustering, bits)[between].tolist()
    with _no_throughput(network):
        application = prepare(graph, sizes=sizes)
    sent = link_sums(clustering, packets_of(clustering, numbers, options.steps))
    packets = tuple(sent[between].tolist())
    owners = Owners(found, clustering)
    return Clusters(found, clustering, owners, application, numbers, packets)


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
            if best.throughput.period == _shortest(application, machine):
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


def _mapping(
    clusters: Clusters,
    bound: Bound,
    platform: Platform,
    program: str,
    network: NetworkOp,
    machine: CrossbarMachine,
    options: MapOptions,
    demands: tuple[Demand, ...],
) -> Mapping:
    clustering, name = clusters.clustering, network.sym_name.data
    tile_of = [machine.working_tiles[tile] for tile in bound.binding]
    channels = _channels(clusters, tile_of, machine)
    flows = [(tile_of[each.source], tile_of[each.target], each.packets) for each in channels]
    used = tile_use(clusters.application, bound.binding, platform)
    orders = clusters.application.orders(bound.binding, platform)
    guarantee = _guarantee(clusters, bound, machine)
    if machine.tile.crossbars.value > 1:
        demands += tile_demands(used, machine)
    if (wanted := options.wanted.period) is not None:
        critical = " -> ".join(guarantee.critical)
        demands += (period_demand(guarantee.period, wanted, options.wanted.option, critical),)
    crossbars = recorded(name, clusters.network, clustering, options.strategy.value)
    period, source = guarantee.period, options.spikes_source
    return Mapping(
        program,
        name,
        machine,
        options.strategy.value,
        demands,
        layers_in(crossbars, clusters.network),
        crossbars_on(crossbars, tile_of),
        _tiles(orders, used, machine),
        channels,
        link_traffic(machine, flows),
        guarantee,
        energy_estimate(
            clustering, clusters.numbers, channels, machine, options.steps, period, source
        ),
        clustering.cut,
    )


def _tiles(
    orders: Sequence[tuple[int, ...]], used: Sequence[TileUse], machine: CrossbarMachine
) -> tuple[MappedTile, ...]:
    place = {number: at for at, number in enumerate(machine.working_tiles)}
    tiles: list[MappedTile] = []
    for number in range(machine.mesh.rows.value * machine.mesh.columns.value):
        row, column = machine.place(number)
        if number not in place:
            tiles.append(MappedTile(number, row, column, True))
            continue
        use, order = used[place[number]], orders[place[number]]
        tiles.append(
            MappedTile(
                number,
                row,
                column,
                False,
                order,
                use.work,
                use.memory,
                use.connections,
                use.traffic_in,
                use.traffic_out,
            )
        )
    return tuple(tiles)


def _channels(
    clusters: Clusters, tile_of: Sequence[int], machine: CrossbarMachine
) -> tuple[MappedChannel, ...]:
    application = clusters.application
    found: list[MappedChannel] = []
    for channel, bits, room, packets in zip(
        application.graph.channels,
        application.sizes,
        application.room,
        clusters.packets,
        strict=True,
    ):
        source, target = tile_of[channel.source], tile_of[channel.target]
        buffers = (room.local, 0) if source == target else (room.source, room.target)
        found.append(
            MappedChannel(
                channel.name,
                channel.source,
                channel.target,
                channel.tokens,
                bits,
                packets,
                machine.hops(source, target),
                (buffers[0] or 0, buffers[1] or 0),
            )
        )
    return tuple(found)


def _guarantee(clusters: Clusters, bound: Bound, machine: CrossbarMachine) -> Guarantee:
    """With clusters on the critical cycle called by number and layer."""
    graph, owners = clusters.application.graph, clusters.owners
    names = {actor.name: owners.name(number) for number, actor in enumerate(graph.actors)}
    for channel in graph.channels:
        ends = f"{channel.source} to {channel.target}"
        names[f"{channel.name} connection"] = f"connection {ends}"
        names[f"{channel.name} waits"] = f"wait for the slice, {ends}"
        names[f"{channel.name} room waits"] = f"wait for the slice with room, {ends}"
    found = bound.throughput
    critical = tuple(names[step.source] for step in found.critical_cycle)
    is_best = bound.complete or found.period == _shortest(clusters.application, machine)
    return Guarantee(found.period, critical, is_best)


def _shortest(application: Application, machine: CrossbarMachine) -> Fraction:
    """No binding has a shorter period: some tile has so many of the clusters, or more."""
    tile = machine.tile
    passes = -(-len(application.graph.actors) // len(machine.working_tiles))
    return Fraction(passes * machine.crossbar.pass_.value * tile.wheel.value, tile.slice.value)
