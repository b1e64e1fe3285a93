"""Load-balanced binding: each actor to the tile where it costs least.

The cost of tile t for an actor is a weighted sum (the form of Stuijk 2007), every term being about
1 where a tile is used as much as it can or should be:

    processing   work of the actors on t, the wheel included / (work of all / number of tiles)
    memory       states and buffers on t / memory of t
    bandwidth    the larger of traffic in / bandwidth in and traffic out / bandwidth out
    connections  channels between t and other tiles / connections of t
    distance     traffic x delay to the actors bound so far / the largest of that over all tiles

Actors are bound in the order of criticality, each to the cheapest tile that has what it needs. Then
single actors move, the one with most work on the fullest tile first, while the largest load of
a tile falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.platform import Platform, Tile
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.load_balance_loops import (
    ACTORS,
    CONNECTIONS,
    MEMORY,
    Bound,
    Problem,
    improve,
    look_at,
    place_all,
)
from spikeloom.passes.binding.resources import Infeasible

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Weights:
    """What counts in the cost of a tile."""

    processing: float = 1.0
    memory: float = 0.0
    bandwidth: float = 0.0
    connections: float = 0.0
    distance: float = 0.0


BALANCED = Weights(distance=0.5)


def balanced_binding(
    application: Application,
    platform: Platform,
    weights: Weights = BALANCED,
    usable: Sequence[bool] | None = None,
    moves: int | None = None,
) -> tuple[int, ...]:
    """The tile of every actor.

    Args:
        usable: of every tile; all where left out (a broken tile, or another application's).
        moves: actors that may move afterwards; as many as there are where left out.

    Raises:
        Infeasible: no tile has room for some actor; names it and what the tiles lack.
    """
    count, actors = len(platform.tiles), len(application.states)
    problem = _problem(application, platform, weights, usable)
    bound = Bound(
        np.full(actors, -1, np.int64),
        np.zeros((6, count)),
        np.zeros((6, count)),
        np.zeros((2, count)),
        np.zeros(count, np.bool_),
    )
    failed = place_all(problem, bound, application.columns.by_criticality)
    if failed >= 0:
        name = application.graph.actors[failed].name
        raise _refusal(name, failed, problem, bound, platform.tiles)
    improve(problem, bound, actors if moves is None else moves)
    return tuple(bound.binding.tolist())


def _problem(
    application: Application,
    platform: Platform,
    weights: Weights,
    usable: Sequence[bool] | None,
) -> Problem:
    tiles, columns = platform.tiles, application.columns
    flags = np.ones(len(tiles), np.bool_) if usable is None else np.array(usable, np.bool_)
    return Problem(
        columns.work,
        columns.states,
        columns.first,
        columns.links,
        platform.limits,
        platform.slowness,
        platform.distances,
        platform.distances_to,
        flags,
        bool(weights.distance) or not platform.is_connected,
        np.array(
            [
                weights.processing,
                weights.memory,
                weights.bandwidth,
                weights.connections,
                weights.distance,
            ]
        ),
        max(float(columns.work.sum()), 1.0) / max(1, int(flags.sum())),
    )


def _refusal(
    name: str, actor: int, problem: Problem, bound: Bound, tiles: Sequence[Tile]
) -> Infeasible:
    """Why an actor fits nowhere, given what is bound."""
    look_at(problem, bound, actor)
    left = problem.usable.copy()
    count = len(left)
    if not left.any():
        words = f"actor {name} fits on none of {count} tiles: none of them is usable"
        return Infeasible(words, "tiles")
    for quantity, added, noun, lacking in (
        (ACTORS, np.ones(count), "actors", "can take one more actor"),
        (MEMORY, bound.added[MEMORY], "memory", "has memory left"),
        (CONNECTIONS, bound.added[CONNECTIONS], "connections", "has connections left"),
    ):
        room = problem.limits[quantity] - bound.used[quantity]
        holds = left & (added <= room)
        if not holds.any():
            needed, most = int(added[left].min()), int(room[left].max())
            values = "" if quantity == ACTORS else f" (it needs {needed}, {most} at most are left)"
            words = f"actor {name} fits on none of {count} tiles: none of them {lacking}{values}"
            return Infeasible(words, noun)
        left = holds
    for row, quantity, noun in ((0, CONNECTIONS, "connections"), (1, MEMORY, "memory")):
        needed = bound.used[quantity] + bound.beside[row]
        full = np.flatnonzero((bound.beside[row] > 0) & (needed > problem.limits[quantity]))
        if len(full):
            most, wanted = int(problem.limits[quantity, full[0]]), int(needed[full[0]])
            words = f"tile {tiles[int(full[0])].name} of its neighbours has {most} {noun}"
            return Infeasible(
                f"actor {name} fits on no tile: {words}, and would need {wanted}", noun
            )
    words = f"actor {name} fits on no tile: those with room are not connected to its neighbours'"
    return Infeasible(words, "reach")
