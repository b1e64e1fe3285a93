"""Merging clusters: the smallest first, with the one that shares most of its inputs.

Where none shares any, with the fullest that still has room. A cluster that finds no partner is
left as it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import transposed
from spikeloom.passes.compiled import Column, compiled

TRIES = 64
"""Clusters looked at in one bucket when no inputs are shared."""


class Network(NamedTuple):
    """What merging does not change.

    Attributes:
        holders_first, holders: the clusters that each neuron feeds, before merging.
        spikes: of each neuron, the worth of sharing it.
        cluster_of: of each neuron, before merging.
        limits: inputs, outputs and crosspoints of a cluster, at most.
    """

    holders_first: Column
    holders: Column
    spikes: Column
    cluster_of: Column
    limits: Column


class Clusters(NamedTuple):
    """All clusters, those that have become part of another included.

    Attributes:
        parent: the cluster that each has become part of, itself while it stands.
        start, length: where its inputs lie in the pool, and how many they are.
        outputs, synapses: what it holds.
        version: how often it has grown.
        levels: that of all its neurons; clusters of different levels are never merged.
    """

    parent: Column
    start: Column
    length: Column
    outputs: Column
    synapses: Column
    version: Column
    levels: Column


class Queues(NamedTuple):
    """Clusters by size (inputs and outputs), and by inputs alone; old versions are outdated.

    Attributes:
        by_size, by_inputs: the first entry of each list, -1 at its end.
        cluster, version: of each entry.
        next_of_size, next_of_inputs: the entry behind each, in the two lists it stands in.
    """

    by_size: Column
    by_inputs: Column
    cluster: Column
    version: Column
    next_of_size: Column
    next_of_inputs: Column


class Partners(NamedTuple):
    """Clusters met behind the inputs of one.

    Attributes:
        seen_at: the step at which each was met last.
        counted_for: the input for which each was counted last.
        shared: inputs in common; worth: spikes that no longer cross after merging.
        found: the clusters met, as many as were counted.
    """

    seen_at: Column
    counted_for: Column
    shared: Column
    worth: Column
    found: Column


def merged(clustering: Clustering) -> Clustering:
    """The clustering with clusters put together where they fit into one crossbar."""
    limits, count = clustering.limits, clustering.clusters
    connections = clustering.network.connections
    first, inputs = clustering.feeds
    bounds = (limits.most_inputs, limits.most_outputs, limits.most_crosspoints)
    network = Network(
        *transposed(first, inputs, np.arange(count), connections.neurons),
        connections.spikes,
        clustering.cluster_of,
        np.array(bounds, np.int64),
    )
    clusters = Clusters(
        np.arange(count, dtype=np.int32),
        first[:count].copy(),
        np.diff(first),
        clustering.outputs.astype(np.int64),
        clustering.crosspoints,
        np.zeros(count, np.int64),
        clustering.levels,
    )
    _merge(network, clusters, inputs)
    inside = clustering.cluster_of >= 0
    found = np.full(len(inside), -1, np.int32)
    found[inside] = clusters.parent[clustering.cluster_of[inside]]
    return replace(clustering, cluster_of=found).numbered()


@compiled
def _root(parent: Column, cluster: int) -> int:
    """The cluster that this one has become part of."""
    while parent[cluster] != cluster:
        parent[cluster] = parent[parent[cluster]]
        cluster = parent[cluster]
    return cluster


@compiled
def _merge(network: Network, clusters: Clusters, inputs: Column) -> None:
    """Merges until no cluster finds a partner; `parent` then names the root of every cluster."""
    count = len(clusters.parent)
    pool = np.concatenate((inputs, np.empty(len(inputs) + 1024, np.int32)))
    used = len(inputs)
    in_union = np.full(len(network.spikes), -1, np.int64)
    partners = _no_partners(count)
    queues = _empty_queues(count, network.limits)
    entries = 0
    for cluster in range(count - 1, -1, -1):
        entries = _queue(queues, clusters, cluster, entries)
    step = 0
    stamp = 0
    size = 0
    while size < len(queues.by_size):
        entry = queues.by_size[size]
        if entry < 0:
            size += 1
            continue
        queues.by_size[size] = queues.next_of_size[entry]
        cluster = queues.cluster[entry]
        if not _current(queues, clusters, entry):
            continue
        step += 1
        found, stamp = _meet(network, clusters, partners, pool, cluster, step, stamp)
        best = _closest(network.limits, clusters, partners, cluster, found)
        if best < 0:
            best = _fullest(network.limits, clusters, queues, cluster)
        if best < 0:
            continue
        needed = clusters.length[cluster] + clusters.length[best]
        if used + needed > len(pool):
            pool = np.concatenate((pool, np.empty(len(pool) + needed, np.int32)))
        used = _unite(clusters, pool, in_union, cluster, best, used, step)
        if entries == len(queues.cluster):
            queues = _larger(queues)
        entries = _queue(queues, clusters, best, entries)
        size = min(size, _size(queues, clusters, best))
    for cluster in range(count):
        clusters.parent[cluster] = _root(clusters.parent, cluster)


@compiled
def _no_partners(count: int) -> Partners:
    return Partners(
        np.full(count, -1, np.int64),
        np.full(count, -1, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.empty(count, np.int32),
    )


@compiled
def _empty_queues(count: int, limits: Column) -> Queues:
    capacity = 4 * count + 16
    return Queues(
        np.full(limits[0] + limits[1] + 1, -1, np.int64),
        np.full(limits[0] + 1, -1, np.int64),
        np.empty(capacity, np.int32),
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int64),
        np.empty(capacity, np.int64),
    )


@compiled
def _larger(queues: Queues) -> Queues:
    """The same queues with twice the room."""
    more = len(queues.cluster)
    return Queues(
        queues.by_size,
        queues.by_inputs,
        np.concatenate((queues.cluster, np.empty(more, np.int32))),
        np.concatenate((queues.version, np.empty(more, np.int64))),
        np.concatenate((queues.next_of_size, np.empty(more, np.int64))),
        np.concatenate((queues.next_of_inputs, np.empty(more, np.int64))),
    )


@compiled
def _size(queues: Queues, clusters: Clusters, cluster: int) -> int:
    """Inputs and outputs of a cluster."""
    return clusters.length[cluster] + clusters.outputs[cluster]


@compiled
def _current(queues: Queues, clusters: Clusters, entry: int) -> bool:
    """Whether an entry's cluster still stands as it was queued."""
    cluster = queues.cluster[entry]
    stands = clusters.parent[cluster] == cluster
    return stands and clusters.version[cluster] == queues.version[entry]


@compiled
def _queue(queues: Queues, clusters: Clusters, cluster: int, entry: int) -> int:
    """Adds an entry for a cluster; the number of entries then."""
    size = _size(queues, clusters, cluster)
    inputs = clusters.length[cluster]
    queues.cluster[entry] = cluster
    queues.version[entry] = clusters.version[cluster]
    queues.next_of_size[entry] = queues.by_size[size]
    queues.by_size[size] = entry
    queues.next_of_inputs[entry] = queues.by_inputs[inputs]
    queues.by_inputs[inputs] = entry
    return entry + 1


@compiled
def _see(partners: Partners, cluster: int, step: int, found: int) -> int:
    """Adds a cluster to those met, once per step."""
    if partners.seen_at[cluster] == step:
        return found
    partners.seen_at[cluster] = step
    partners.shared[cluster] = 0
    partners.worth[cluster] = 0
    partners.found[found] = cluster
    return found + 1


@compiled
def _meet(
    network: Network,
    clusters: Clusters,
    partners: Partners,
    pool: Column,
    cluster: int,
    step: int,
    stamp: int,
) -> tuple[int, int]:
    """Counts what a cluster shares with others: how many were met, and the last input's stamp."""
    found = 0
    begin = clusters.start[cluster]
    for at in range(begin, begin + clusters.length[cluster]):
        neuron = pool[at]
        stamp += 1
        own = network.cluster_of[neuron]
        if own >= 0:
            maker = _root(clusters.parent, own)
            if maker != cluster:
                found = _see(partners, maker, step, found)
                partners.worth[maker] += network.spikes[neuron]
        for place in range(network.holders_first[neuron], network.holders_first[neuron + 1]):
            other = _root(clusters.parent, network.holders[place])
            if other != cluster and partners.counted_for[other] != stamp:
                partners.counted_for[other] = stamp
                found = _see(partners, other, step, found)
                partners.shared[other] += 1
                partners.worth[other] += network.spikes[neuron]
    return found, stamp


@compiled
def _have_room(limits: Column, clusters: Clusters, one: int, other: int, shared: int) -> bool:
    """Whether two clusters with so many inputs in common fit into one crossbar."""
    return (
        clusters.levels[one] == clusters.levels[other]
        and clusters.length[one] + clusters.length[other] - shared <= limits[0]
        and clusters.outputs[one] + clusters.outputs[other] <= limits[1]
        and clusters.synapses[one] + clusters.synapses[other] <= limits[2]
    )


@compiled
def _closest(
    limits: Column, clusters: Clusters, partners: Partners, cluster: int, found: int
) -> int:
    """The partner with the most inputs in common, then the most spikes, then the first; or -1."""
    best = -1
    for index in range(found):
        other = partners.found[index]
        shared, worth = partners.shared[other], partners.worth[other]
        if not _have_room(limits, clusters, cluster, other, shared):
            continue
        if (
            best < 0
            or shared > partners.shared[best]
            or (shared == partners.shared[best] and worth > partners.worth[best])
            or (shared == partners.shared[best] and worth == partners.worth[best] and other < best)
        ):
            best = other
    return best


@compiled
def _fullest(limits: Column, clusters: Clusters, queues: Queues, cluster: int) -> int:
    """A cluster with as many inputs as still fit, or -1; outdated entries leave their list."""
    for inputs in range(limits[0] - clusters.length[cluster], -1, -1):
        entry = queues.by_inputs[inputs]
        tries = 0
        before = -1
        while entry >= 0 and tries < TRIES:
            other = queues.cluster[entry]
            following = queues.next_of_inputs[entry]
            if not _current(queues, clusters, entry):
                if before < 0:
                    queues.by_inputs[inputs] = following
                else:
                    queues.next_of_inputs[before] = following
            else:
                tries += 1
                before = entry
                if other != cluster and _have_room(limits, clusters, cluster, other, 0):
                    return other
            entry = following
    return -1


@compiled
def _unite(
    clusters: Clusters,
    pool: Column,
    in_union: Column,
    cluster: int,
    best: int,
    used: int,
    step: int,
) -> int:
    """Makes one cluster part of another; the pool's length then."""
    begin = used
    for part in range(2):
        source = best if part == 0 else cluster
        start = clusters.start[source]
        for at in range(start, start + clusters.length[source]):
            neuron = pool[at]
            if in_union[neuron] != step:
                in_union[neuron] = step
                pool[used] = neuron
                used += 1
    clusters.parent[cluster] = best
    clusters.start[best] = begin
    clusters.length[best] = used - begin
    clusters.outputs[best] += clusters.outputs[cluster]
    clusters.synapses[best] += clusters.synapses[cluster]
    clusters.version[best] += 1
    return used
