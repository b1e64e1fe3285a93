"""The repetition vector: firings that bring every channel back to its initial tokens.

For each channel q[source] x production = q[target] x consumption; the smallest positive integers
of each connected component (Lee & Messerschmitt 1987).
"""

from __future__ import annotations

import math
from fractions import Fraction

from spikeloom.dialects.dataflow.graph import Channel, Graph, InconsistentRates, Repetition, Step


def repetition_vector(graph: Graph) -> Repetition:
    """The repetition vector of a graph.

    Raises:
        InconsistentRates: there is none; names the channels of a cycle that contradicts itself.
    """
    if all(channel.production == channel.consumption for channel in graph.channels):
        return Repetition((1,) * len(graph.actors))
    neighbours: list[list[tuple[int, Fraction, int]]] = [[] for _ in graph.actors]
    for number, channel in enumerate(graph.channels):
        ratio = Fraction(channel.production, channel.consumption)
        neighbours[channel.source].append((channel.target, ratio, number))
        neighbours[channel.target].append((channel.source, 1 / ratio, number))
    shares: list[Fraction | None] = [None] * len(graph.actors)
    reached_by: list[int | None] = [None] * len(graph.actors)
    counts = [0] * len(graph.actors)
    for first in range(len(graph.actors)):
        if shares[first] is not None:
            continue
        shares[first] = Fraction(1)
        component = [first]
        for actor in component:
            share = shares[actor]
            assert share is not None
            for other, ratio, number in neighbours[actor]:
                if shares[other] is None:
                    shares[other] = share * ratio
                    reached_by[other] = number
                    component.append(other)
                elif shares[other] != share * ratio:
                    raise InconsistentRates(_contradiction(graph, reached_by, number))
        found = [share for actor in component if (share := shares[actor]) is not None]
        scale = math.lcm(*(share.denominator for share in found))
        whole = [int(share * scale) for share in found]
        common = math.gcd(*whole)
        for actor, count in zip(component, whole, strict=True):
            counts[actor] = count // common
    return Repetition(tuple(counts))


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
