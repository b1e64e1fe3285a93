"""Expansion of a multirate graph: one node per firing of one iteration, every rate 1.

Firing j of a consumer needs the tokens j c to (j + 1) c - 1; token k is the product of firing
(k - t) div p of the producer, t being the initial tokens (Lee & Messerschmitt 1987; Sriram &
Bhattacharyya, Embedded Multiprocessors, section 3.2). A firing of an earlier iteration is as many
initial tokens ago.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.firing_order import MAX_FIRINGS
from spikeloom.dialects.dataflow.graph import Graph, Repetition, TooManyFirings

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Precedences:
    """Firings and what each waits for, as columns: edge i says that firing `target[i]` starts
    `weight[i]` after the start of `source[i]`, `tokens[i]` iterations ago.

    Attributes:
        actor, firing: of every node.
        channel: of every edge, numbers of the graph it comes from.
    """

    actor: Integers
    firing: Integers
    source: Integers
    target: Integers
    weight: Integers
    tokens: Integers
    channel: Integers

    @property
    def nodes(self) -> int:
        """The number of firings."""
        return len(self.actor)


def expand(graph: Graph, repetition: Repetition) -> Precedences:
    """The firings of one iteration; parallel precedences are reduced to the tightest.

    Raises:
        TooManyFirings: the iteration is longer than `MAX_FIRINGS`.
    """
    if repetition.total > MAX_FIRINGS:
        raise TooManyFirings(repetition.total, MAX_FIRINGS)
    counts = np.array(repetition.counts, np.int64)
    first = np.concatenate([[0], np.cumsum(counts)])
    actor = np.repeat(np.arange(len(counts)), counts)
    times = np.array([each.time for each in graph.actors], np.int64)
    if len(graph.channels) and counts.max() == 1:
        table = np.array([(c.source, c.target, c.tokens, c.production) for c in graph.channels])
        source, target, tokens = table[:, 0], table[:, 1], table[:, 2] // table[:, 3]
        channel = np.arange(len(table))
        # One firing consumes all that one produces; what does not fill a firing is no delay.
    else:
        parts = [_edges(graph, number, counts, first) for number in range(len(graph.channels))]
        empty = np.zeros((4, 0), np.int64)
        source, target, tokens, channel = np.concatenate([empty, *parts], axis=1)
    source, target, tokens, channel = _tightest(source, target, tokens, channel)
    return Precedences(
        actor,
        np.arange(len(actor)) - first[actor],
        source,
        target,
        times[actor[source]],
        tokens,
        channel,
    )


def _edges(graph: Graph, number: int, counts: Integers, first: Integers) -> Integers:
    """Columns source, target, tokens and channel of one channel's precedences."""
    channel = graph.channels[number]
    consumer = np.arange(counts[channel.target], dtype=np.int64)
    low = (consumer * channel.consumption - channel.tokens) // channel.production
    high = ((consumer + 1) * channel.consumption - 1 - channel.tokens) // channel.production
    lengths = high - low + 1
    target = np.repeat(consumer, lengths)
    within = np.arange(len(target)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ago, firing = np.divmod(np.repeat(low, lengths) + within, counts[channel.source])
    return np.stack(
        [
            first[channel.source] + firing,
            first[channel.target] + target,
            -ago,
            np.full(len(target), number),
        ]
    )


def _tightest(
    source: Integers, target: Integers, tokens: Integers, channel: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """Of all edges between two nodes the one with the fewest tokens, sorted by source."""
    order = np.lexsort((tokens, target, source))
    source, target = source[order], target[order]
    kept = np.ones(len(order), np.bool_)
    kept[1:] = (source[1:] != source[:-1]) | (target[1:] != target[:-1])
    chosen = order[kept]
    return source[kept], target[kept], tokens[chosen], channel[chosen]
