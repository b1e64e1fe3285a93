"""What a binding takes of every tile, and whether the tile has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.platform import Platform, Tile
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.buffers import INPUT, LOCAL, OUTPUT, SIZE, SOURCE, TARGET
from spikeloom.passes.binding.load_balance_loops import ACTORS, CONNECTIONS, MEMORY
from spikeloom.passes.binding.transfers import Unconnected

_LIMITED = [ACTORS, MEMORY, CONNECTIONS]
_LIMITED_NAMES = ("actors", "memory", "connections")


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
    tile = np.array(binding, np.int64)
    used = _limited_use(application, tile, len(platform.tiles))
    full = np.argwhere((used > platform.limits[_LIMITED]).T)
    if len(full):
        at, row = int(full[0, 0]), int(full[0, 1])
        what, limit = _LIMITED_NAMES[row], int(platform.limits[_LIMITED[row], at])
        name, value = platform.tiles[at].name, int(used[row, at])
        raise Infeasible(f"tile {name} has {limit} {what}, but needs {value}", what)
    source, target = tile[application.channels[[SOURCE, TARGET]]]
    apart = np.flatnonzero(platform.cycles[source, target] < 0)
    if len(apart):
        tiles, channel = platform.tiles, application.graph.channels[int(apart[0])]
        names = (tiles[binding[end]].name for end in (channel.source, channel.target))
        raise Unconnected(channel.name, *names)


def _limited_use(
    application: Application, tile: NDArray[np.int64], tiles: int
) -> NDArray[np.float64]:
    """[quantity, tile] actors, memory and connections, as `tile_use` has them."""
    channels = application.channels
    source, target = tile[channels[[SOURCE, TARGET]]]
    size, room = channels[SIZE], np.maximum(channels[[LOCAL, OUTPUT, INPUT]], 0)
    inside, outside = source == target, source != target

    used = np.zeros((3, tiles))
    for row, at, amounts in (
        (0, tile, np.ones(len(tile))),
        (1, tile, application.columns.states),
        (1, source, size * (inside * room[0] + outside * room[1])),
        (1, target, size * (outside * room[2])),
        (2, source, outside),
        (2, target, outside),
    ):
        used[row] += np.bincount(at, amounts, tiles)
    return used
