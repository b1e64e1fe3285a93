"""What a binding takes of every tile, and whether the tile has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from spikeloom.dialects.dataflow.platform import Platform, Tile
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.transfers import Unconnected


class Infeasible(Exception):
    """No binding was found, or one breaks a limit; the message names object, limit and value.

    `limit` is tiles, actors, memory, connections or reach, where one of them is to blame.
    """

    def __init__(self, message: str, limit: str | None = None):
        super().__init__(message)
        self.limit = limit


@dataclass(frozen=True)
class TileUse:
    """What a tile gives to one application.

    Attributes:
        actors: how many are bound to it.
        work: cycles per iteration, the rest of the wheel included.
        memory: for states and buffers.
        connections: channels to and from other tiles.
        traffic_in, traffic_out: token sizes per iteration.
    """

    actors: int
    work: Fraction
    memory: int
    connections: int
    traffic_in: int
    traffic_out: int


def tile_use(
    application: Application, binding: Sequence[int], platform: Platform
) -> tuple[TileUse, ...]:
    """What a binding takes of every tile."""
    count = len(platform.tiles)
    actors, memory, connections = [0] * count, [0] * count, [0] * count
    traffic_in, traffic_out = [0] * count, [0] * count
    work = [Fraction(0)] * count
    counts = application.repetition.counts
    for actor, tile in enumerate(binding):
        actors[tile] += 1
        memory[tile] += application.states[actor]
        work[tile] += work_on(application, actor, platform.tiles[tile])
    for number, channel in enumerate(application.graph.channels):
        source, target = binding[channel.source], binding[channel.target]
        size, room = application.sizes[number], application.room[number]
        if source == target:
            memory[source] += size * (room.local or 0)
            continue
        moved = size * channel.production * counts[channel.source]
        memory[source] += size * (room.source or 0)
        memory[target] += size * (room.target or 0)
        traffic_out[source] += moved
        traffic_in[target] += moved
        connections[source] += 1
        connections[target] += 1
    columns = (actors, work, memory, connections, traffic_in, traffic_out)
    return tuple(TileUse(*each) for each in zip(*columns, strict=True))


def work_on(application: Application, actor: int, tile: Tile) -> Fraction:
    """Cycles per iteration that an actor takes on a tile with its share of the wheel."""
    work = application.graph.actors[actor].time * application.repetition.counts[actor]
    return Fraction(work * tile.wheel, tile.slice)


def check_binding(application: Application, binding: Sequence[int], platform: Platform) -> None:
    """Every limit of every tile.

    Raises:
        Infeasible: one is exceeded; names tile, limit and value.
        Unconnected: a channel joins tiles without a connection.
    """
    for tile, use in zip(platform.tiles, tile_use(application, binding, platform), strict=True):
        for what, value, limit in (
            ("actors", use.actors, tile.actors),
            ("memory", use.memory, tile.memory),
            ("connections", use.connections, tile.connections),
        ):
            if limit is not None and value > limit:
                message = f"tile {tile.name} has {limit} {what}, but needs {value}"
                raise Infeasible(message, what)
    for channel in application.graph.channels:
        source, target = binding[channel.source], binding[channel.target]
        if source != target and platform.delays[source][target] is None:
            tiles = platform.tiles
            raise Unconnected(channel.name, tiles[source].name, tiles[target].name)
