"""What every crossbar holds and every channel carries, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.tiles.columns import NONE, Columns

Integers = NDArray[np.int64]

BITS_OF_A_SUM = 32


@dataclass(frozen=True)
class Crossbar:
    """One cluster.

    Attributes:
        neurons: what it computes, ascending: the cells of its spikes and values.
        inputs: neurons whose spikes it waits for, ascending: its rows.
        columns: numbers of its columns, ascending: the cells of its sums.
        points: the crosspoints in the order in which they are added, as places in `Columns`.
        rows, places: of each crosspoint its row and its column.
    """

    neurons: Integers
    inputs: Integers
    columns: Integers
    points: Integers
    rows: Integers
    places: Integers


@dataclass(frozen=True)
class Way:
    """What one cluster sends another, or itself.

    Attributes:
        source, target: clusters.
        delay: time steps that it waits.
        spikes: neurons, ascending.
        sums: columns whose sums are continued elsewhere, ascending.
    """

    source: int
    target: int
    delay: int
    spikes: Integers
    sums: Integers

    @property
    def bits(self) -> int:
        """The size of a token: a bit for each spike, a word for each sum."""
        return len(self.spikes) + BITS_OF_A_SUM * len(self.sums)


def crossbars_of(clustering: Clustering, columns: Columns) -> list[Crossbar]:
    """All clusters in the order of their numbers."""
    first, feeding = clustering.feeds
    partial = clustering.network.is_partial
    found: list[Crossbar] = []
    members = np.argsort(clustering.cluster_of, kind="stable")
    ends = np.searchsorted(clustering.cluster_of[members], np.arange(clustering.clusters + 1))
    for number in range(clustering.clusters):
        neurons = np.sort(members[ends[number] : ends[number + 1]]).astype(np.int64)
        inputs = np.sort(feeding[first[number] : first[number + 1]]).astype(np.int64)
        inputs = inputs[~partial[inputs]]
        own = _ranges(columns.of_neuron[neurons], columns.of_neuron[neurons + 1])
        points = _ranges(columns.first[own], columns.first[own + 1])
        places = np.repeat(np.arange(len(own)), columns.first[own + 1] - columns.first[own])
        rows = np.searchsorted(inputs, columns.inputs[points])
        found.append(Crossbar(neurons, inputs, own, points, rows, places))
    return found


def ways_of(clustering: Clustering, columns: Columns, crossbars: Sequence[Crossbar]) -> list[Way]:
    """All ways of spikes and sums, sorted by source, target and delay."""
    delays = clustering.network.connections.delays
    assert delays is not None, "a network of the language knows its delays"
    home = clustering.cluster_of
    found: dict[tuple[int, int, int], tuple[list[Integers], list[Integers]]] = {}
    for target, crossbar in enumerate(crossbars):
        waits = columns.continues[crossbar.columns]
        sums = np.unique(waits[waits != NONE])
        inside = crossbar.inputs[home[crossbar.inputs] >= 0]
        both = ((inside, inside), (sums, columns.owner[sums]))
        for kind, (cells, neurons) in enumerate(both):
            keys = np.stack([home[neurons], delays[neurons]]) if len(neurons) else np.zeros((2, 0))
            for source, delay in np.unique(keys.astype(np.int64), axis=1).T.tolist():
                chosen = cells[(home[neurons] == source) & (delays[neurons] == delay)]
                found.setdefault((source, target, delay), ([], []))[kind].append(chosen)
    nothing = np.zeros(0, np.int64)
    return [
        Way(*ends, np.concatenate([nothing, *spikes]), np.concatenate([nothing, *sums]))
        for ends, (spikes, sums) in sorted(found.items())
    ]


def _ranges(begin: Integers, end: Integers) -> Integers:
    """The numbers of all ranges, one range behind the other."""
    count = end - begin
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(begin, count) + within
