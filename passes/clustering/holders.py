"""Who holds what: for every neuron the clusters that it feeds, and by how many members of each.

A linked list per neuron, in a pool of entries that never grows: moving a member from one cluster to
another frees before it takes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikeloom.passes.compiled import Column, compiled


class Holders(NamedTuple):
    """Lists of (cluster, members) by neuron.

    Attributes:
        heads: [neurons + 1], the first entry of each list, -1 at its end; the last list is that of
            free entries.
        following: [entries], the next entry.
        cluster, members: [entries], a cluster, and how many of its members the neuron feeds.
        inputs: [clusters], distinct neurons that feed each.
    """

    heads: Column
    following: Column
    cluster: Column
    members: Column
    inputs: Column


@compiled
def held(holders: Holders, neuron: int, cluster: int) -> int:
    """Members of a cluster that a neuron feeds."""
    entry = holders.heads[neuron]
    while entry >= 0:
        if holders.cluster[entry] == cluster:
            return holders.members[entry]
        entry = holders.following[entry]
    return 0


@compiled
def take(holders: Holders, neuron: int, cluster: int) -> None:
    """One member more of the cluster is fed by the neuron."""
    entry = holders.heads[neuron]
    while entry >= 0:
        if holders.cluster[entry] == cluster:
            holders.members[entry] += 1
            return
        entry = holders.following[entry]
    free = len(holders.heads) - 1
    entry = holders.heads[free]
    holders.heads[free] = holders.following[entry]
    holders.cluster[entry] = cluster
    holders.members[entry] = 1
    holders.following[entry] = holders.heads[neuron]
    holders.heads[neuron] = entry
    holders.inputs[cluster] += 1


@compiled
def release(holders: Holders, neuron: int, cluster: int) -> None:
    """One member less of the cluster is fed by the neuron."""
    before = -1
    entry = holders.heads[neuron]
    while holders.cluster[entry] != cluster:
        before = entry
        entry = holders.following[entry]
    holders.members[entry] -= 1
    if holders.members[entry] > 0:
        return
    if before < 0:
        holders.heads[neuron] = holders.following[entry]
    else:
        holders.following[before] = holders.following[entry]
    free = len(holders.heads) - 1
    holders.following[entry] = holders.heads[free]
    holders.heads[free] = entry
    holders.inputs[cluster] -= 1


@compiled
def _fill(first: Column, inputs: Column, cluster_of: Column, holders: Holders) -> None:
    for neuron in range(len(cluster_of)):
        if cluster_of[neuron] >= 0:
            for at in range(first[neuron], first[neuron + 1]):
                take(holders, inputs[at], cluster_of[neuron])


def holders_of(
    first: Column, inputs: Column, cluster_of: Column, clusters: int, room: int
) -> Holders:
    """The lists of a clustering, with `room` entries in all."""
    neurons = len(cluster_of)
    heads = np.full(neurons + 1, -1, np.int64)
    following = np.arange(1, room + 1, dtype=np.int64)
    following[-1:] = -1
    heads[neurons] = 0 if room else -1
    empty = np.zeros(room, np.int32)
    holders = Holders(heads, following, empty, empty.copy(), np.zeros(clusters, np.int64))
    _fill(first, inputs, cluster_of, holders)
    return holders
