"""What no binding can change: the fewest tiles a program needs, the shortest period it can have."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from spikeloom.dialects.dataflow.platform import Platform, Tile
from spikeloom.passes.binding.application import Application


class Limit(Enum):
    """What stands against a program."""

    TILES = "tiles"
    ACTORS = "actors"
    MEMORY = "memory"
    CONNECTIONS = "connections"
    REACH = "reach"
    PERIOD = "period"


@dataclass(frozen=True)
class Demand:
    """Tiles that a limit asks for at least; `count` is None where all tiles are too few."""

    limit: Limit
    count: int | None
    needed: str


def least_tiles(
    application: Application, platform: Platform, usable: Sequence[int], period: Fraction
) -> Demand:
    """The fewest tiles that together have what a program needs, and which limit says so.

    Always at least one; `usable` are the tiles to choose from.
    """
    tiles = [platform.tiles[tile] for tile in usable]
    actors, memory, work = len(application.states), application.least_memory, application.work
    demands = (
        Demand(Limit.ACTORS, _largest(tiles, lambda tile: tile.actors, actors), f"{actors} actors"),
        Demand(
            Limit.MEMORY,
            _largest(tiles, lambda tile: tile.memory, memory),
            f"{memory} of memory for states and buffers",
        ),
        Demand(
            Limit.PERIOD,
            _fastest(tiles, work, period),
            f"{work} cycles of work in a period of {period}",
        ),
    )
    return max(demands, key=lambda each: len(tiles) + 1 if each.count is None else each.count)


def _largest(tiles: Sequence[Tile], limit: Callable[[Tile], int | None], needed: int) -> int | None:
    """Tiles of which the limits add up to what is needed, the largest first."""
    limits = [limit(tile) for tile in tiles]
    if tiles and None in limits:
        return 1
    return _counted(sorted((each or 0 for each in limits), reverse=True), needed)


def _fastest(tiles: Sequence[Tile], work: int, period: Fraction) -> int | None:
    """Tiles whose shares of a period hold the work, those with the largest shares first."""
    alike = Counter((tile.slice, tile.wheel) for tile in tiles)
    left, count = Fraction(work), 0
    for slice, wheel in sorted(alike, key=lambda share: -Fraction(*share)):
        cycles = period * Fraction(slice, wheel)
        needed = max(math.ceil(left / cycles), 1 - count)
        if needed <= alike[slice, wheel]:
            return count + needed
        left -= cycles * alike[slice, wheel]
        count += alike[slice, wheel]
    return None


def _counted(amounts: Sequence[int], needed: int) -> int | None:
    """How many of the amounts, the first ones, are enough; at least one."""
    total = 0
    for number, amount in enumerate(amounts, start=1):
        total += amount
        if total >= needed:
            return number
    return None


@dataclass(frozen=True)
class Shortest:
    """A period below which no binding comes, and whose it is: an actor's, or a cycle's."""

    period: Fraction
    whose: str


def shortest_period(
    application: Application, platform: Platform, usable: Sequence[int]
) -> Shortest:
    """The period of the graph alone, and of its busiest actor on the tile with the largest share.

    `usable` holds one tile at least.
    """
    share = max(Fraction(platform.tiles[tile].slice, platform.tiles[tile].wheel) for tile in usable)
    alone = application.alone
    if alone.critical_cycle and len({step.source for step in alone.critical_cycle}) > 1:
        names = " -> ".join(step.source for step in alone.critical_cycle[:4])
        cut = " ..." if len(alone.critical_cycle) > 4 else ""
        found = Shortest(alone.period, f"its cycle {names}{cut} takes that long on any tiles")
    else:
        found = Shortest(Fraction(0), "")
    counts = application.repetition.counts
    works = [a.time * times for a, times in zip(application.graph.actors, counts, strict=True)]
    busiest = max(works, default=0)
    if busiest / share > found.period:
        name = application.graph.actors[works.index(busiest)].name
        found = Shortest(busiest / share, f"its actor {name} alone takes that long")
    return found
