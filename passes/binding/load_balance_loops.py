"""The compiled loops of load-balanced binding: costs of all tiles for one actor after the other.

Quantities that a tile gives are rows of a table over tiles: memory, connections, traffic in,
traffic out, actors, work. All are whole numbers in floats, and therefore exact, except for the work
on a tile with a slice of its wheel.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikeloom.passes.compiled import Column, compiled

MEMORY, CONNECTIONS, TRAFFIC_IN, TRAFFIC_OUT, ACTORS, WORK = range(6)
OTHER, LEAVES, TRAFFIC, LOCAL, HERE, THERE = range(6)
DISTANCE = 5


class Problem(NamedTuple):
    """What does not change while actors are bound.

    Attributes:
        work, states: of every actor.
        first, links: the links of an actor are the columns `first[actor]` to `first[actor + 1]`
            of `links`, which has the rows other, leaves, traffic, local, here, there.
        limits: [quantity, tile], infinite where there is none; work has none (`Platform.limits`).
        share: wheel / slice of every tile.
        delay_from, delay_to: cycles from the tile of a row to that of a column, and the other way;
            infinite where there is no connection.
        far: whether distances count.
        weights: of processing, memory, bandwidth, connections and distance.
        fair: the work that a tile should have.
    """

    work: Column
    states: Column
    first: Column
    links: Column
    limits: Column
    share: Column
    delay_from: Column
    delay_to: Column
    usable: Column
    far: bool
    weights: Column
    fair: float


class Bound(NamedTuple):
    """What is bound so far.

    Attributes:
        binding: the tile of every actor, -1 where it has none.
        used: [quantity, tile].
        added: [quantity, tile] what the actor in question would add; the last row is its distance.
        beside: [2, tile] connections and memory that it would add at tiles of its neighbours.
        allowed: whether a tile has what the actor needs.
    """

    binding: Column
    used: Column
    added: Column
    beside: Column
    allowed: Column


@compiled
def look_at(problem: Problem, bound: Bound, actor: int) -> bool:
    """Fills in what an actor would add to every tile, and which ones allow it; is there one?"""
    _add_up(problem, bound, actor)
    return _find_allowed(problem, bound)


@compiled
def _find_allowed(problem: Problem, bound: Bound) -> bool:
    """Which tiles allow the actor of which `added` is known; is there one?"""
    used, added, limits = bound.used, bound.added, problem.limits
    blocking, blocked = -1, 0
    for tile in range(len(problem.share)):
        connections, memory = bound.beside[0, tile], bound.beside[1, tile]
        if connections or memory:
            full = used[CONNECTIONS, tile] + connections > limits[CONNECTIONS, tile]
            if full or used[MEMORY, tile] + memory > limits[MEMORY, tile]:
                blocking = tile
                blocked += 1
    found = False
    for tile in range(len(problem.share)):
        # A neighbour's tile that is full allows only itself; two such tiles allow nothing.
        good = problem.usable[tile] and (blocked == 0 or (blocked == 1 and tile == blocking))
        good = good and used[ACTORS, tile] + 1 <= limits[ACTORS, tile]
        good = good and used[MEMORY, tile] + added[MEMORY, tile] <= limits[MEMORY, tile]
        needed = used[CONNECTIONS, tile] + added[CONNECTIONS, tile]
        good = good and needed <= limits[CONNECTIONS, tile]
        good = good and (not problem.far or np.isfinite(added[DISTANCE, tile]))
        bound.allowed[tile] = good
        found = found or good
    return found


@compiled
def _add_up(problem: Problem, bound: Bound, actor: int) -> None:
    added, beside, links = bound.added, bound.beside, problem.links
    added[:] = 0
    beside[:] = 0
    own = problem.states[actor]
    joined = arriving = departing = 0.0
    for link in range(problem.first[actor], problem.first[actor + 1]):
        other = int(links[OTHER, link])
        if other == actor:
            own += links[LOCAL, link]
            continue
        tile = bound.binding[other]
        if tile < 0:
            continue
        traffic = links[TRAFFIC, link]
        own += links[HERE, link]
        added[MEMORY, tile] += links[LOCAL, link] - links[HERE, link]
        joined += 1
        added[CONNECTIONS, tile] -= 1
        leaves = links[LEAVES, link] > 0
        if leaves:
            departing += traffic
            added[TRAFFIC_OUT, tile] -= traffic
        else:
            arriving += traffic
            added[TRAFFIC_IN, tile] -= traffic
        if problem.far:
            _add_distance(added[DISTANCE], traffic, problem, tile, leaves)
        beside[0, tile] += 1
        beside[1, tile] += links[THERE, link]
    for tile in range(len(problem.share)):
        added[MEMORY, tile] += own
        added[CONNECTIONS, tile] += joined
        added[TRAFFIC_IN, tile] += arriving
        added[TRAFFIC_OUT, tile] += departing


@compiled
def _add_distance(
    distance: Column, traffic: float, problem: Problem, tile: int, leaves: bool
) -> None:
    """Traffic between each tile and one; rows of two tables, so that numbers lie side by side."""
    delay = problem.delay_to[tile] if leaves else problem.delay_from[tile]
    for here in range(len(distance)):
        distance[here] += traffic * delay[here]


@compiled
def cheapest(problem: Problem, bound: Bound, actor: int, most_work: float) -> int:
    """The cheapest tile that is allowed and has less than `most_work` with the actor; -1: none."""
    processing, memory, bandwidth, connections, distance = problem.weights
    used, added, limits = bound.used, bound.added, problem.limits
    farthest = 0.0
    for tile in range(len(problem.share)):
        if np.isfinite(added[DISTANCE, tile]):
            farthest = max(farthest, added[DISTANCE, tile])
    best, least = -1, np.inf
    for tile in range(len(problem.share)):
        work = used[WORK, tile] + problem.work[actor] * problem.share[tile]
        if not bound.allowed[tile] or work >= most_work:
            continue
        cost = processing * work / problem.fair
        if memory:
            needed = used[MEMORY, tile] + added[MEMORY, tile]
            cost += memory * needed / max(limits[MEMORY, tile], 1.0)
        if bandwidth:
            into = (used[TRAFFIC_IN, tile] + added[TRAFFIC_IN, tile]) / limits[TRAFFIC_IN, tile]
            out = (used[TRAFFIC_OUT, tile] + added[TRAFFIC_OUT, tile]) / limits[TRAFFIC_OUT, tile]
            cost += bandwidth * max(into, out)
        if connections:
            needed = used[CONNECTIONS, tile] + added[CONNECTIONS, tile]
            cost += connections * needed / max(limits[CONNECTIONS, tile], 1.0)
        if distance and farthest:
            cost += distance * added[DISTANCE, tile] / farthest
        if cost < least:
            best, least = tile, cost
    return best


@compiled
def change(problem: Problem, bound: Bound, actor: int, tile: int, sign: int) -> None:
    """Binds (sign 1) or frees (sign -1) an actor of which `added` is known."""
    used, added, links = bound.used, bound.added, problem.links
    used[WORK, tile] += sign * problem.work[actor] * problem.share[tile]
    used[ACTORS, tile] += sign
    for quantity in (MEMORY, CONNECTIONS, TRAFFIC_IN, TRAFFIC_OUT):
        used[quantity, tile] += sign * added[quantity, tile]
    for link in range(problem.first[actor], problem.first[actor + 1]):
        neighbour = int(links[OTHER, link])
        other = bound.binding[neighbour] if neighbour != actor else -1
        if other >= 0 and other != tile:
            used[MEMORY, other] += sign * links[THERE, link]
            used[CONNECTIONS, other] += sign
            traffic = TRAFFIC_IN if links[LEAVES, link] > 0 else TRAFFIC_OUT
            used[traffic, other] += sign * links[TRAFFIC, link]
    bound.binding[actor] = tile if sign > 0 else -1


@compiled
def place_all(problem: Problem, bound: Bound, order: Column) -> int:
    """Binds the actors in their order; the first one that fits nowhere, -1 where all fit."""
    for actor in order:
        if not look_at(problem, bound, actor):
            return int(actor)
        change(problem, bound, actor, cheapest(problem, bound, actor, np.inf), 1)
    return -1


@compiled
def move_from(problem: Problem, bound: Bound, actor: int) -> bool:
    """Moves an actor to the cheapest tile that stays below the largest load, if there is one."""
    origin = int(bound.binding[actor])
    most_work = bound.used[WORK].max()
    if not _has_room(problem, bound, actor, most_work):
        return False
    _add_up(problem, bound, actor)
    change(problem, bound, actor, origin, -1)
    # What it would add depends on its neighbours only, what is allowed on what is used.
    _find_allowed(problem, bound)
    tile = cheapest(problem, bound, actor, most_work)
    change(problem, bound, actor, tile if tile >= 0 else origin, 1)
    return tile >= 0 and tile != origin


@compiled
def _has_room(problem: Problem, bound: Bound, actor: int, most_work: float) -> bool:
    """Whether some other tile would stay below `most_work` with the actor."""
    for tile in range(len(problem.share)):
        work = bound.used[WORK, tile] + problem.work[actor] * problem.share[tile]
        if problem.usable[tile] and tile != bound.binding[actor] and work < most_work:
            return True
    return False


@compiled
def improve(problem: Problem, bound: Bound, moves: int) -> None:
    """Moves actors away from the fullest tile while that lowers the largest load."""
    for _ in range(moves):
        fullest = int(np.argmax(bound.used[WORK]))
        here = np.flatnonzero(bound.binding == fullest)
        moved = False
        for place in np.argsort(-problem.work[here], kind="mergesort"):
            if move_from(problem, bound, int(here[place])):
                moved = True
                break
        if not moved:
            return
