"""What no binding can change: the fewest tiles a program needs, the shortest period it can have."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.load_balance_loops import ACTORS, MEMORY


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
    actors, memory, work = len(application.states), application.least_memory, application.work
    limits = platform.limits[:, list(usable)]
    demands = (
        Demand(Limit.ACTORS, _largest(limits[ACTORS], actors), f"{actors} actors"),
        Demand(
            Limit.MEMORY,
            _largest(limits[MEMORY], memory),
            f"{memory} of memory for states and buffers",
        ),
        Demand(
            Limit.PERIOD,
            _fastest([platform.shares[tile] for tile in usable], work, period),
            f"{work} cycles of work in a period of {period}",
        ),
    )
    return max(demands, key=lambda each: len(usable) + 1 if each.count is None else each.count)


def _largest(limits: NDArray[np.float64], needed: int) -> int | None:
    """Tiles of which the limits add up to what is needed, the largest first; at least one."""
    enough = np.flatnonzero(np.cumsum(np.sort(limits)[::-1]) >= needed)
    return int(enough[0]) + 1 if len(enough) else None


def _fastest(shares: Sequence[tuple[int, int]], work: int, period: Fraction) -> int | None:
    """Tiles whose shares of a period hold the work, those with the largest shares first."""
    alike = Counter(shares)
    left, count = Fraction(work), 0
    for slice, wheel in sorted(alike, key=lambda share: -Fraction(*share)):
        cycles = period * Fraction(slice, wheel)
        needed = max(math.ceil(left / cycles), 1 - count)
        if needed <= alike[slice, wheel]:
            return count + needed
        left -= cycles * alike[slice, wheel]
        count += alike[slice, wheel]
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
    share = max(Fraction(*share) for share in {platform.shares[tile] for tile in usable})
    alone = application.alone
    if alone.critical_cycle and len({step.source for step in alone.critical_cycle}) > 1:
        names = " -> ".join(step.source for step in alone.critical_cycle[:4])
        cut = " ..." if len(alone.critical_cycle) > 4 else ""
        found = Shortest(alone.period, f"its cycle {names}{cut} takes that long on any tiles")
    else:
        found = Shortest(Fraction(0), "")
    busiest = application.busiest
    work = 0 if busiest is None else int(application.works[busiest])
    if busiest is not None and work / share > found.period:
        name = application.graph.actors[busiest].name
        found = Shortest(work / share, f"its actor {name} alone takes that long")
    return found
