"""How much room the channels of a bound graph get, in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.graph import Graph

SOURCE, TARGET, PRODUCTION, CONSUMPTION, TOKENS, SIZE, LOCAL, OUTPUT, INPUT = range(9)
"""Rows of a `channel_table`."""


@dataclass(frozen=True)
class Room:
    """Of one channel, None being unlimited; which count depends on the binding.

    Attributes:
        local: both actors are on one tile.
        source, target: output and input buffer, where they are on two.
    """

    local: int | None = None
    source: int | None = None
    target: int | None = None


UNLIMITED = Room()


def channel_table(
    graph: Graph, room: Sequence[Room] = (), sizes: Sequence[int] = ()
) -> NDArray[np.int64]:
    """All that is known of channels before they meet tiles, rows over channels.

    Ends, rates, initial tokens and size of a token, then the room inside a tile, at the source and
    at the target, -1 being unlimited. Room is unlimited and a size 1 where left out.
    """
    found = np.empty((9, len(graph.channels)), np.int64)
    found[: TOKENS + 1] = graph.columns
    found[SIZE] = sizes or 1
    limits = [(each.local, each.source, each.target) for each in room] or [(None, None, None)]
    values = [[-1 if value is None else value for value in row] for row in limits]
    found[LOCAL : INPUT + 1] = np.array(values, np.int64).T
    return found


def room_for(
    graph: Graph,
    order: Sequence[int],
    capacities: Sequence[int | None] = (),
    spare: int = 1,
) -> tuple[Room, ...]:
    """Room with which the projections of `order` never deadlock, on any binding.

    What lies in a channel at most while one tile follows the order, and the tokens of `spare`
    firings more, so that a producer need not wait for its consumer. A capacity of the channel
    replaces all three numbers; the order must be possible with it.
    """
    bounds = list(capacities) or [None] * len(graph.channels)
    most = _most_tokens(graph, order)
    return tuple(
        Room(
            highest + spare * channel.production,
            highest + spare * channel.production,
            (1 + spare) * channel.consumption,
        )
        if bound is None
        else Room(bound, bound, bound)
        for channel, highest, bound in zip(graph.channels, most, bounds, strict=True)
    )


def _most_tokens(graph: Graph, order: Sequence[int]) -> list[int]:
    entering: list[list[int]] = [[] for _ in graph.actors]
    leaving: list[list[int]] = [[] for _ in graph.actors]
    for number, channel in enumerate(graph.channels):
        entering[channel.target].append(number)
        leaving[channel.source].append(number)
    tokens = [channel.tokens for channel in graph.channels]
    most = list(tokens)
    for actor in order:
        # What a firing reads stays in its place until the firing ends.
        for number in leaving[actor]:
            tokens[number] += graph.channels[number].production
            most[number] = max(most[number], tokens[number])
        for number in entering[actor]:
            tokens[number] -= graph.channels[number].consumption
    return most
