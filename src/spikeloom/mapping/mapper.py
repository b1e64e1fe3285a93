"""From bound clusters to the mapping that tables, JSON and picture show."""

from __future__ import annotations

from collections.abc import Sequence

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.dialects.snn import NetworkOp
from spikeloom.mapping.binding import (
    BoundNetwork,
    Clusters,
    MapOptions,
    bind_network,
    shortest_period,
)
from spikeloom.mapping.demand import Demand, require
from spikeloom.mapping.estimate import energy_estimate
from spikeloom.mapping.fitting import period_demand, tile_demands
from spikeloom.mapping.mapping import Guarantee, MappedChannel, MappedTile, Mapping
from spikeloom.mapping.places import crossbars_on, layers_in
from spikeloom.mapping.routes import link_traffic
from spikeloom.passes.binding.resources import TileUse, tile_use
from spikeloom.passes.binding.search import Bound
from spikeloom.passes.clustering.recording import recorded


def map_network(
    network: NetworkOp, program: str, machine: CrossbarMachine, options: MapOptions
) -> Mapping:
    """The mapping of a network with known shapes, which is not executed.

    Raises:
        DiagnosticError: as `bind_network` and `mapping_of`.
    """
    found = bind_network(network, machine, options)
    return mapping_of(found, network.sym_name.data, program, options)


def mapping_of(found: BoundNetwork, name: str, program: str, options: MapOptions) -> Mapping:
    """The mapping of a bound network, before it is executed.

    Raises:
        DoesNotFit: the wanted period is not guaranteed (E0307).
    """
    machine, clusters, binding = found.machine, found.clusters, found.bound.binding
    clustering, application = clusters.clustering, clusters.application
    tile_of = [machine.working_tiles[tile] for tile in binding]
    used = tile_use(application, binding, found.platform)
    orders = application.orders(binding, found.platform)
    channels = _channels(clusters, tile_of, machine)
    flows = [(tile_of[each.source], tile_of[each.target], each.packets) for each in channels]
    guarantee = _guarantee(clusters, found.bound, machine)
    demands = _demands(found, used, guarantee, options)
    require(demands)
    crossbars = recorded(name, clusters.network, clustering, options.strategy.value)
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
            clustering,
            clusters.numbers,
            channels,
            machine,
            options.steps,
            guarantee.period,
            options.spikes_source,
        ),
        clustering.cut,
        None,
        clusters.obstacle,
    )


def _demands(
    found: BoundNetwork, used: Sequence[TileUse], guarantee: Guarantee, options: MapOptions
) -> tuple[Demand, ...]:
    demands = found.clusters.demands(found.machine)
    if found.machine.tile.crossbars.value > 1:
        demands += tile_demands(used, found.machine)
    if (wanted := options.wanted.period) is not None:
        critical = guarantee.critical_text
        demands += (period_demand(guarantee.period, wanted, options.wanted, critical),)
    return demands


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
    is_best = bound.complete or found.period == shortest_period(clusters.application, machine)
    return Guarantee(found.period, critical, is_best)
