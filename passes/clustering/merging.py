"""Merging clusters: the smallest first, with the one that shares most of its inputs.

Where none shares any, with the fullest that still has room. A cluster that finds no partner is
left as it is.
"""

from __future__ import annotations

import numpy as np

from spikeloom.passes.clustering.compiled import compiled
from spikeloom.passes.clustering.connections import Numbers, Offsets

TRIES = 64
"""Clusters looked at in one bucket when no inputs are shared."""


@compiled
def root_of(parent: Numbers, cluster: int) -> int:
    """The cluster that this one has become part of."""
    while parent[cluster] != cluster:
        parent[cluster] = parent[parent[cluster]]
        cluster = parent[cluster]
    return cluster


@compiled
def merge(
    pair_first: Offsets,
    pair_inputs: Numbers,
    holders_first: Offsets,
    holders: Numbers,
    outputs: Offsets,
    synapses: Offsets,
    spikes: Offsets,
    cluster_of: Numbers,
    most_inputs: int,
    most_outputs: int,
    most_crosspoints: int,
    neurons: int,
) -> Numbers:
    """For every cluster the one it has become part of.

    Args:
        pair_first, pair_inputs: the inputs of each cluster; holders_first, holders: the clusters
            that each neuron feeds.
        outputs, synapses: of each cluster, changed in place.
        spikes: of each neuron, the worth of sharing it.
        cluster_of: of each neuron, before merging.
    """
    clusters = len(outputs)
    parent = np.arange(clusters).astype(np.int32)
    start = pair_first[:clusters].copy()
    length = np.diff(pair_first)
    pool = np.concatenate((pair_inputs, np.empty(len(pair_inputs) + 1024, np.int32)))
    used = len(pair_inputs)
    shared = np.zeros(clusters, np.int64)
    worth = np.zeros(clusters, np.int64)
    seen_by = np.full(clusters, -1, np.int64)
    counted_for = np.full(clusters, -1, np.int64)
    touched = np.empty(clusters, np.int32)
    in_union = np.full(neurons, -1, np.int64)
    version = np.zeros(clusters, np.int64)
    # Queues by size: a cluster is queued again when it grows; old entries are outdated.
    sizes = most_inputs + most_outputs + 1
    heads = np.full(sizes, -1, np.int64)
    room = np.full(most_inputs + 1, -1, np.int64)
    capacity = 4 * clusters + 16
    queued = np.empty(capacity, np.int32)
    queued_version = np.empty(capacity, np.int64)
    link = np.empty(capacity, np.int64)
    room_link = np.empty(capacity, np.int64)
    entries = 0
    for cluster in range(clusters - 1, -1, -1):
        size = min(sizes - 1, length[cluster] + outputs[cluster])
        queued[entries] = cluster
        queued_version[entries] = 0
        link[entries] = heads[size]
        heads[size] = entries
        room_link[entries] = room[length[cluster]]
        room[length[cluster]] = entries
        entries += 1
    step = 0
    stamp = 0
    size = 0
    while size < sizes:
        entry = heads[size]
        if entry < 0:
            size += 1
            continue
        heads[size] = link[entry]
        cluster = queued[entry]
        if parent[cluster] != cluster or version[cluster] != queued_version[entry]:
            continue
        step += 1
        found = 0
        for at in range(start[cluster], start[cluster] + length[cluster]):
            neuron = pool[at]
            stamp += 1
            own = cluster_of[neuron]
            if own >= 0:
                maker = root_of(parent, own)
                if maker != cluster:
                    if seen_by[maker] != step:
                        seen_by[maker] = step
                        shared[maker] = 0
                        worth[maker] = 0
                        touched[found] = maker
                        found += 1
                    worth[maker] += spikes[neuron]
            for place in range(holders_first[neuron], holders_first[neuron + 1]):
                other = root_of(parent, holders[place])
                if other == cluster or counted_for[other] == stamp:
                    continue
                counted_for[other] = stamp
                if seen_by[other] != step:
                    seen_by[other] = step
                    shared[other] = 0
                    worth[other] = 0
                    touched[found] = other
                    found += 1
                shared[other] += 1
                worth[other] += spikes[neuron]
        best = -1
        for index in range(found):
            other = touched[index]
            together = length[cluster] + length[other] - shared[other]
            if (
                together > most_inputs
                or outputs[cluster] + outputs[other] > most_outputs
                or synapses[cluster] + synapses[other] > most_crosspoints
            ):
                continue
            if (
                best < 0
                or shared[other] > shared[best]
                or (shared[other] == shared[best] and worth[other] > worth[best])
                or (shared[other] == shared[best] and worth[other] == worth[best] and other < best)
            ):
                best = other
        level = most_inputs - length[cluster]
        while best < 0 and level >= 0:
            place = room[level]
            tries = 0
            before = -1
            while place >= 0 and best < 0 and tries < TRIES:
                other = queued[place]
                following = room_link[place]
                if parent[other] != other or version[other] != queued_version[place]:
                    if before < 0:
                        room[level] = following
                    else:
                        room_link[before] = following
                    place = following
                    continue
                tries += 1
                if (
                    other != cluster
                    and outputs[cluster] + outputs[other] <= most_outputs
                    and synapses[cluster] + synapses[other] <= most_crosspoints
                ):
                    best = other
                before = place
                place = following
            level -= 1
        if best < 0:
            continue
        needed = length[cluster] + length[best]
        if used + needed > len(pool):
            pool = np.concatenate((pool, np.empty(len(pool) + needed, np.int32)))
        begin = used
        for part in range(2):
            source = best if part == 0 else cluster
            for at in range(start[source], start[source] + length[source]):
                neuron = pool[at]
                if in_union[neuron] != step:
                    in_union[neuron] = step
                    pool[used] = neuron
                    used += 1
        parent[cluster] = best
        start[best] = begin
        length[best] = used - begin
        outputs[best] += outputs[cluster]
        synapses[best] += synapses[cluster]
        version[best] += 1
        if entries == capacity:
            queued = np.concatenate((queued, np.empty(capacity, np.int32)))
            queued_version = np.concatenate((queued_version, np.empty(capacity, np.int64)))
            link = np.concatenate((link, np.empty(capacity, np.int64)))
            room_link = np.concatenate((room_link, np.empty(capacity, np.int64)))
            capacity *= 2
        grown = min(sizes - 1, length[best] + outputs[best])
        queued[entries] = best
        queued_version[entries] = version[best]
        link[entries] = heads[grown]
        heads[grown] = entries
        room_link[entries] = room[length[best]]
        room[length[best]] = entries
        entries += 1
        size = min(size, grown)
    for cluster in range(clusters):
        parent[cluster] = root_of(parent, cluster)
    return parent
