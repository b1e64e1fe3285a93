"""Whether the static orders of tiles can be followed for ever."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence

from spikeloom.dialects.dataflow.firing_order import MAX_FIRINGS
from spikeloom.dialects.dataflow.graph import Graph, Repetition, TooManyFirings


class ImpossibleOrder(Exception):
    """An order fires its actors in wrong proportions, or waits for ever."""


def check_orders(
    graph: Graph,
    repetition: Repetition,
    bound: Mapping[str, Sequence[int]],
    orders: Mapping[str, Sequence[int]],
) -> None:
    """Checks the orders of tiles, by the tile's name; `bound` has the actors of every such tile.

    The graph itself does not deadlock. Tiles without an order fire what they can.

    Raises:
        ImpossibleOrder: names the tile and the actor.
        TooManyFirings: the orders together are longer than `MAX_FIRINGS`.
    """
    rounds = {
        tile: _iterations(graph, repetition, tile, bound[tile], order)
        for tile, order in orders.items()
        if order or bound[tile]
    }
    if not rounds:
        return
    iterations = math.lcm(*rounds.values())
    if repetition.total * iterations > MAX_FIRINGS:
        raise TooManyFirings(repetition.total * iterations, MAX_FIRINGS)
    counts = [count * iterations for count in repetition.counts]
    _Execution(graph, counts, {tile: orders[tile] for tile in rounds}).run()


def _iterations(
    graph: Graph, repetition: Repetition, tile: str, bound: Sequence[int], order: Sequence[int]
) -> int:
    """How many iterations of the graph one round of an order is."""
    fired = Counter(order)
    iterations = max(1, fired[bound[0]] // repetition.counts[bound[0]])
    for actor in bound:
        wanted = iterations * repetition.counts[actor]
        if fired[actor] != wanted:
            name = graph.actors[actor].name
            raise ImpossibleOrder(
                f"the order of tile @{tile} fires @{name} {fired[actor]} x, but {wanted} x in "
                f"{iterations} iteration{'s' if iterations > 1 else ''} of the graph"
            )
    return iterations


class _Execution:
    """Firings without time, as soon as tokens and orders allow: what waits then waits for ever."""

    def __init__(self, graph: Graph, counts: list[int], orders: Mapping[str, Sequence[int]]):
        self._graph = graph
        self._left = counts
        self._orders = orders
        self._next = dict.fromkeys(orders, 0)
        self._tile = {actor: tile for tile, order in orders.items() for actor in order}
        self._tokens = [channel.tokens for channel in graph.channels]
        self._entering: list[list[int]] = [[] for _ in graph.actors]
        self._leaving: list[list[int]] = [[] for _ in graph.actors]
        for number, channel in enumerate(graph.channels):
            self._entering[channel.target].append(number)
            self._leaving[channel.source].append(number)
        self._waiting = deque(range(len(graph.actors)))
        self._is_waiting = [True] * len(graph.actors)

    def run(self) -> None:
        """Fires every actor as often as it has to, or raises an ImpossibleOrder."""
        while self._waiting:
            actor = self._waiting.popleft()
            self._is_waiting[actor] = False
            tile = self._tile.get(actor)
            if tile is None:
                while self._fires(actor):
                    pass
            else:
                while self._fires(self._head(tile)):
                    self._next[tile] += 1
        for tile in self._orders:
            head = self._head(tile)
            if self._left[head]:
                raise ImpossibleOrder(self._problem(tile, head))

    def _head(self, tile: str) -> int:
        order = self._orders[tile]
        return order[self._next[tile] % len(order)]

    def _lacking(self, actor: int) -> int | None:
        """The first channel with too few tokens for a firing."""
        for number in self._entering[actor]:
            if self._tokens[number] < self._graph.channels[number].consumption:
                return number
        return None

    def _fires(self, actor: int) -> bool:
        if not self._left[actor] or self._lacking(actor) is not None:
            return False
        self._left[actor] -= 1
        for number in self._entering[actor]:
            self._tokens[number] -= self._graph.channels[number].consumption
        for number in self._leaving[actor]:
            channel = self._graph.channels[number]
            self._tokens[number] += channel.production
            if not self._is_waiting[channel.target]:
                self._is_waiting[channel.target] = True
                self._waiting.append(channel.target)
        return True

    def _problem(self, tile: str, actor: int) -> str:
        names = self._graph.actors
        number = self._lacking(actor)
        assert number is not None, "an actor that is next and has firings left lacks tokens"
        channel = self._graph.channels[number]
        return (
            f"tile @{tile} waits for ever: @{names[actor].name} is next in its order and lacks "
            f"tokens of @{names[channel.source].name} on the channel `{channel.name}`"
        )
