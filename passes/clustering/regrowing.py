"""Growing anew: clusters that send each other many spikes are dissolved together and grown again.

Moves of single neurons cannot exchange half of a full crossbar for half of another one. Regions of
a cluster and those that it exchanges most spikes with are divided anew by attraction, and keep what
was found where it takes fewer crossbars, or as many and fewer spikes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spikeloom.passes.clustering.attracting import attracted
from spikeloom.passes.clustering.clustering import Clustering, Traffic
from spikeloom.passes.clustering.connections import Numbers, Offsets
from spikeloom.passes.clustering.merging import merged
from spikeloom.passes.clustering.regions import Region, region_of

NEIGHBOURS = 4
"""Clusters of a region, beside the one that it is named after."""
REGIONS = 512
"""Regions, at most; those of the clusters with the most traffic come first."""
PATIENCE = 48
"""So many regions in a row that gain nothing are the last."""


def regrown(clustering: Clustering, order: Offsets, price: int) -> Clustering:
    """The clustering with no more clusters and, where these are as many, no more spikes.

    `order` is the canonical order of all neurons, `price` that of an input, as for `attracted`.
    """
    connections = clustering.network.connections
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    cluster_of = clustering.cluster_of.copy()
    in_vain = 0
    for clusters in _regions(clustering.traffic, clustering.levels):
        region = region_of(connections, clustering.limits, cluster_of, clusters, rank)
        found = _divided(region, price)
        in_vain += 1
        if region.cost(found) < region.cost(region.division):
            cluster_of[region.members] = clusters[found.cluster_of[: len(region.members)]]
            in_vain = 0
        if in_vain == PATIENCE:
            break
    return replace(clustering, cluster_of=cluster_of).numbered()


def _divided(region: Region, price: int) -> Clustering:
    """A region's members, grown together anew."""
    order = np.arange(region.network.connections.neurons)
    limits = region.division.limits
    return merged(attracted(region.network, limits, order, price, region.crossing))


def _regions(traffic: Traffic, levels: Numbers) -> list[Offsets]:
    """Clusters and their neighbours, without doubles; those with the most traffic come first."""
    alike = levels[traffic.source] == levels[traffic.target]
    source, target = traffic.source[alike], traffic.target[alike]
    ends = np.concatenate([source, target])
    others = np.concatenate([target, source])
    spikes = np.concatenate([traffic.spikes[alike], traffic.spikes[alike]])
    sums = np.zeros(len(levels), np.int64)
    np.add.at(sums, ends, spikes)
    pairs, place = np.unique(ends.astype(np.int64) * len(levels) + others, return_inverse=True)
    exchanged = np.zeros(len(pairs), np.int64)
    np.add.at(exchanged, place, spikes)
    one, other = np.divmod(pairs, max(1, len(levels)))
    begin = np.searchsorted(one, np.arange(len(levels) + 1))
    found: dict[tuple[int, ...], None] = {}
    for cluster in np.argsort(-sums, kind="stable")[:REGIONS].tolist():
        near = slice(begin[cluster], begin[cluster + 1])
        nearest = np.argsort(-exchanged[near], kind="stable")[:NEIGHBOURS]
        if len(nearest):
            found[tuple(sorted([cluster, *other[near][nearest].tolist()]))] = None
    return [np.array(clusters) for clusters in found]
