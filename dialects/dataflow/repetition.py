"""The repetition vector: firings that bring every channel back to its initial tokens.

For each channel q[source] x production = q[target] x consumption; the smallest positive integers
of each connected component (Lee & Messerschmitt 1987).
"""

from __future__ import annotations

import math

from spikeloom.dialects.dataflow.firing_order import MAX_FIRINGS
from spikeloom.dialects.dataflow.graph import (
    Channel,
    Graph,
    InconsistentRates,
    Repetition,
    Step,
    TooManyFirings,
)

_MOST_FIRINGS = 2**62
"""Counts above it are not even computed: they would grow with every channel."""


def repetition_vector(graph: Graph) -> Repetition:
    """The repetition vector of a graph.

    Raises:
        InconsistentRates: there is none; names the channels of a cycle that contradicts itself.
        TooManyFirings: an actor fires so often that no analysis would end.
    """
    if graph.is_single_rate:
        return Repetition((1,) * len(graph.actors))
    joined: list[list[tuple[int, int, int, int]]] = [[] for _ in graph.actors]
    for number, channel in enumerate(graph.channels):
        source, target = channel.source, channel.target
        made, taken = channel.production, channel.consumption
        joined[source].append((target, number, made, taken))
        joined[target].append((source, number, taken, made))
    counts = [0] * len(graph.actors)
    reached_by: list[int | None] = [None] * len(graph.actors)
    for first in range(len(graph.actors)):
        if not counts[first]:
            _count_component(first, joined, counts, reached_by)
    for number, channel in enumerate(graph.channels):
        made = counts[channel.source] * channel.production
        if made != counts[channel.target] * channel.consumption:
            raise InconsistentRates(_contradiction(graph, reached_by, number))
    return Repetition(tuple(counts))


def _count_component(
    first: int,
    joined: list[list[tuple[int, int, int, int]]],
    counts: list[int],
    reached_by: list[int | None],
) -> None:
    """The counts that the channels of a spanning tree of one component ask for.

    `joined` has for each actor the other end of its channels, their number, and the tokens that
    a firing here and one there move.

    A share is count / count of `first` in lowest terms, so that `first` fires at least as often
    as any denominator says, and the least common multiple of all of them exactly so often.
    """
    shares: dict[int, tuple[int, int]] = {first: (1, 1)}
    component = [first]
    scale = 1
    for actor in component:
        above, below = shares[actor]
        for other, number, made, taken in joined[actor]:
            if other in shares:
                continue
            numerator, denominator = above * made, below * taken
            common = math.gcd(numerator, denominator)
            shares[other] = numerator // common, denominator // common
            scale = math.lcm(scale, denominator // common)
            if max(scale, numerator // common) > _MOST_FIRINGS:
                raise TooManyFirings(max(scale, numerator // common), MAX_FIRINGS)
            reached_by[other] = number
            component.append(other)
    for actor in component:
        above, below = shares[actor]
        counts[actor] = above * (scale // below)


def _contradiction(graph: Graph, reached_by: list[int | None], number: int) -> list[Step]:
    """The cycle that channel `number` closes in the tree of `reached_by`."""
    closing = graph.channels[number]
    left = _path_to_root(graph, reached_by, closing.source)
    right = _path_to_root(graph, reached_by, closing.target)
    while left and right and left[-1] == right[-1]:
        left.pop()
        right.pop()
    channels = [closing, *right, *reversed(left)]
    return [_step(graph, channel) for channel in channels]


def _path_to_root(graph: Graph, reached_by: list[int | None], actor: int) -> list[Channel]:
    path: list[Channel] = []
    while (number := reached_by[actor]) is not None:
        channel = graph.channels[number]
        path.append(channel)
        actor = channel.source if channel.target == actor else channel.target
        if channel.source == channel.target:
            break
    return path


def _step(graph: Graph, channel: Channel) -> Step:
    actors = graph.actors
    return Step(actors[channel.source].name, channel.name, actors[channel.target].name)
