"""A few clusters as a network of their own: their neurons, and what feeds them from outside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Connections, Numbers, Offsets, ascending
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.unrolling import Unrolled, untouched


@dataclass(frozen=True)
class Region:
    """Clusters of one level that may be divided anew.

    Attributes:
        network: members first, then what feeds them from outside, both in the canonical order; it
            knows no delays, and needs none within a level.
        members: [m], what the members are called in the whole network.
        clusters: the numbers of the clusters, ascending.
        crossing: [n], spikes that count when they enter a cluster that does not send them.
        division: the members as they are divided now, clusters being numbered from 0.
    """

    network: Unrolled
    members: Offsets
    clusters: Offsets
    crossing: Offsets
    division: Clustering

    def cost(self, division: Clustering) -> tuple[int, int]:
        """Clusters, and spikes that enter them from others, inside or outside of the region."""
        first, neuron = division.feeds
        target = np.repeat(np.arange(division.clusters), np.diff(first))
        enters = division.cluster_of[neuron] != target
        return division.clusters, int(self.crossing[neuron[enters]].sum())


def region_of(
    connections: Connections,
    limits: Limits,
    cluster_of: Numbers,
    clusters: Offsets,
    rank: Offsets,
) -> Region:
    """The region of some clusters; `rank` is the place of each neuron in the canonical order."""
    members = np.flatnonzero(np.isin(cluster_of, clusters))
    members = members[np.argsort(rank[members])]
    lengths = connections.fan_in[members]
    first = np.zeros(len(members) + 1, np.int64)
    np.cumsum(lengths, out=first[1:])
    within = np.arange(int(first[-1])) - np.repeat(first[:-1], lengths)
    sources = connections.inputs[np.repeat(connections.first[members], lengths) + within]
    outside = np.setdiff1d(sources, members)
    names = np.concatenate([members, outside[np.argsort(rank[outside])]])
    place = np.empty(connections.neurons, np.int32)
    place[names] = np.arange(len(names), dtype=np.int32)
    first = np.concatenate([first, np.full(len(outside), first[-1])])
    crossing = np.where(cluster_of[names] >= 0, connections.spikes[names], 0)
    inputs = ascending(first, place[sources])
    network = untouched(Connections(first, inputs, crossing))
    within_region = np.full(len(names), -1, np.int32)
    within_region[: len(members)] = np.searchsorted(clusters, cluster_of[members])
    division = Clustering(network, limits, within_region).numbered()
    return Region(network, members, clusters, crossing, division)
