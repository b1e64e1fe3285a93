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
MAX_PRECEDENCES = 2**24
"""Pairs of firings of which one waits for the other: some GiB while they are sorted."""


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
        TooManyFirings: the iteration is longer than `MAX_FIRINGS`, or has more than
            `MAX_PRECEDENCES`.
    """
    if repetition.total > MAX_FIRINGS:
        raise TooManyFirings(repetition.total, MAX_FIRINGS)
    times = np.array([each.time for each in graph.actors], np.int64)
    return expand_columns(columns_of(graph), times, np.array(repetition.counts, np.int64))


def expand_columns(channels: Integers, times: Integers, counts: Integers) -> Precedences:
    """The same for a graph in columns: not more than `MAX_FIRINGS`.

    Args:
        channels: rows source, target, production, consumption and tokens.
        times, counts: the time of a firing and the firings of an iteration, of every actor.

    Raises:
        TooManyFirings: the iteration has more than `MAX_PRECEDENCES`.
    """
    first = np.concatenate([[0], np.cumsum(counts)])
    actor = np.repeat(np.arange(len(counts)), counts)
    source, target, tokens, channel = _precedences(channels, counts, first)
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


def _precedences(
    channels: Integers, counts: Integers, first: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """Columns source, target, tokens and channel of all precedences."""
    producer, consumer, production, consumption, tokens = channels
    if counts.max(initial=1) == 1:
        # One firing consumes all that one produces; what does not fill a firing is no delay.
        return producer, consumer, tokens // production, np.arange(len(producer))
    most = sum((counts[producer] + counts[consumer]).tolist())
    if most > MAX_PRECEDENCES:
        raise TooManyFirings(most, MAX_PRECEDENCES, "precedences")
    channel, firing = _runs(counts[consumer])
    made, taken, held = production[channel], consumption[channel], tokens[channel]
    low = (firing * taken - held) // made
    lengths = ((firing + 1) * taken - 1 - held) // made - low + 1
    needed_by, within = _runs(lengths)
    channel = channel[needed_by]
    ago, source = np.divmod(low[needed_by] + within, counts[producer[channel]])
    target = first[consumer[channel]] + firing[needed_by]
    return first[producer[channel]] + source, target, -ago, channel


def columns_of(graph: Graph) -> Integers:
    """The channels as rows source, target, production, consumption and tokens."""
    channels = graph.channels
    columns = (
        [channel.source for channel in channels],
        [channel.target for channel in channels],
        [channel.production for channel in channels],
        [channel.consumption for channel in channels],
        [channel.tokens for channel in channels],
    )
    return np.array(columns, np.int64)


def _runs(lengths: Integers) -> tuple[Integers, Integers]:
    """Each index as often as its length says, and the place within its run."""
    index = np.repeat(np.arange(len(lengths)), lengths)
    ends = np.cumsum(lengths)
    return index, np.arange(len(index)) - (ends - lengths)[index]


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
