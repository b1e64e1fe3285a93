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

from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.resources import Infeasible

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
UNLIMITED = np.inf


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
    tiles = _Tiles(application, platform, weights, usable)
    for actor in application.by_criticality:
        tiles.place(actor)
    tiles.improve(len(application.states) if moves is None else moves)
    return tuple(tiles.binding)


class _Tiles:
    """What is bound so far, as columns over tiles."""

    def __init__(
        self,
        application: Application,
        platform: Platform,
        weights: Weights,
        usable: Sequence[bool] | None,
    ):
        tiles = platform.tiles
        count = len(tiles)
        self._application, self._platform, self._weights = application, platform, weights
        self.binding = [-1] * len(application.states)
        self._usable = np.ones(count, np.bool_) if usable is None else np.array(usable, np.bool_)
        self._most_memory = _limits([tile.memory for tile in tiles])
        self._most_connections = _limits([tile.connections for tile in tiles])
        self._most_actors = _limits([tile.actors for tile in tiles])
        self._most_in = _limits([tile.bandwidth_in for tile in tiles])
        self._most_out = _limits([tile.bandwidth_out for tile in tiles])
        self._share = np.array([tile.wheel / tile.slice for tile in tiles])
        rows = [[UNLIMITED if d is None else d for d in row] for row in platform.delays]
        self._delay = np.array(rows, np.float64).reshape(count, count)
        np.fill_diagonal(self._delay, 0)
        self._far = bool(weights.distance) or not np.isfinite(self._delay).all()
        self._work, self._memory, self._connections = (np.zeros(count) for _ in range(3))
        self._in, self._out, self._actors = (np.zeros(count) for _ in range(3))
        counts = application.repetition.counts
        self._own_work = [
            float(actor.time * times)
            for actor, times in zip(application.graph.actors, counts, strict=True)
        ]
        available = max(1, int(self._usable.sum()))
        self._fair = max(sum(self._own_work), 1.0) / available
        self._links = application.links

    def place(self, actor: int) -> None:
        """Binds an actor to the cheapest tile that has what it needs."""
        added = self._added(actor)
        allowed = self._allowed(actor, added)
        if not allowed.any():
            raise Infeasible(self._why_not(actor, added))
        tile = int(np.argmin(np.where(allowed, self._cost(actor, added), UNLIMITED)))
        self._change(actor, tile, 1, added)

    def improve(self, moves: int) -> None:
        """Moves actors away from the fullest tile while that lowers the largest load."""
        for _ in range(moves):
            fullest = int(np.argmax(self._work))
            here = [actor for actor, tile in enumerate(self.binding) if tile == fullest]
            here.sort(key=lambda actor: (-self._own_work[actor], actor))
            if not any(self._move(actor, fullest) for actor in here):
                return

    def _move(self, actor: int, origin: int) -> bool:
        before = float(self._work.max())
        added = self._added(actor)
        self._change(actor, origin, -1, added)
        work = self._work + self._own_work[actor] * self._share
        allowed = self._allowed(actor, added) & (work < before)
        tile = origin
        if allowed.any():
            tile = int(np.argmin(np.where(allowed, self._cost(actor, added), UNLIMITED)))
        self._change(actor, tile, 1, added)
        return tile != origin

    def _added(self, actor: int) -> _Added:
        """What each tile would give to the actor, given where its neighbours are."""
        columns = np.zeros((5, len(self._work)))
        memory, connections, into, out, distance = columns
        at_others: dict[int, tuple[int, int]] = {}
        own = self._application.states[actor]
        bound = arriving = departing = 0
        for link in self._links[actor]:
            if link.other == actor:
                own += link.local
                continue
            tile = self.binding[link.other]
            if tile < 0:
                continue
            own += link.here
            memory[tile] += link.local - link.here
            bound += 1
            connections[tile] -= 1
            if link.leaves:
                departing += link.traffic
                out[tile] -= link.traffic
            else:
                arriving += link.traffic
                into[tile] -= link.traffic
            if self._far:
                delay = self._delay[:, tile] if link.leaves else self._delay[tile]
                distance += link.traffic * delay
            most, there = at_others.get(tile, (0, 0))
            at_others[tile] = (most + 1, there + link.there)
        columns += np.array([[own], [bound], [arriving], [departing], [0]])
        return _Added(memory, connections, into, out, distance, at_others)

    def _allowed(self, actor: int, added: _Added) -> Flags:
        allowed = self._usable & (self._actors + 1 <= self._most_actors)
        allowed &= self._memory + added.memory <= self._most_memory
        allowed &= self._connections + added.connections <= self._most_connections
        if self._far:
            allowed &= np.isfinite(added.distance)
        for tile, (connections, memory) in added.at_others.items():
            full = self._connections[tile] + connections > self._most_connections[tile]
            if full or self._memory[tile] + memory > self._most_memory[tile]:
                kept = bool(allowed[tile])
                allowed[:] = False
                allowed[tile] = kept
        return allowed

    def _cost(self, actor: int, added: _Added) -> Floats:
        weights = self._weights
        cost = weights.processing * (self._work + self._own_work[actor] * self._share) / self._fair
        if weights.memory:
            cost += weights.memory * (self._memory + added.memory) / self._most_memory
        if weights.bandwidth:
            into = (self._in + added.into) / self._most_in
            cost += weights.bandwidth * np.maximum(into, (self._out + added.out) / self._most_out)
        if weights.connections:
            used = self._connections + added.connections
            cost += weights.connections * used / np.maximum(self._most_connections, 1)
        if weights.distance:
            finite = added.distance[np.isfinite(added.distance)]
            farthest = float(finite.max(initial=0))
            if farthest:
                cost += weights.distance * added.distance / farthest
        return cost

    def _change(self, actor: int, tile: int, sign: int, added: _Added) -> None:
        """Binds (sign 1) or frees (sign -1) an actor."""
        self._work[tile] += sign * self._own_work[actor] * self._share[tile]
        self._actors[tile] += sign
        self._memory[tile] += sign * added.memory[tile]
        self._connections[tile] += sign * added.connections[tile]
        self._in[tile] += sign * added.into[tile]
        self._out[tile] += sign * added.out[tile]
        for link in self._links[actor]:
            other = self.binding[link.other] if link.other != actor else -1
            if other >= 0 and other != tile:
                self._memory[other] += sign * link.there
                self._connections[other] += sign
                traffic = self._in if link.leaves else self._out
                traffic[other] += sign * link.traffic
        self.binding[actor] = tile if sign > 0 else -1

    def _why_not(self, actor: int, added: _Added) -> str:
        name = self._application.graph.actors[actor].name
        checks = (
            ("is usable", self._usable),
            ("can take one more actor", self._actors + 1 <= self._most_actors),
            ("has memory left", self._memory + added.memory <= self._most_memory),
            ("has connections", self._connections + added.connections <= self._most_connections),
        )
        left = np.ones(len(self._work), np.bool_)
        for what, holds in checks:
            left &= holds
            if not left.any():
                return f"actor {name} fits on none of {len(left)} tiles: none of them {what}"
        return f"actor {name} fits on no tile: the tiles of its neighbours are full or out of reach"


@dataclass(frozen=True)
class _Added:
    """What an actor adds to a tile; `at_others` connections and memory at its neighbours' tiles."""

    memory: Floats
    connections: Floats
    into: Floats
    out: Floats
    distance: Floats
    at_others: dict[int, tuple[int, int]]


def _limits(values: Sequence[int | None]) -> Floats:
    return np.array([UNLIMITED if value is None else value for value in values], np.float64)
