"""Growing clusters: always the neuron that needs the fewest new inputs.

A cluster starts with a neuron and takes, again and again, the neuron that adds the fewest inputs,
until inputs, outputs or crosspoints are full; then the next one starts beside it, with a neuron that
shares inputs with the last one. What a neuron still needs is kept in buckets, one per number of new inputs;
entries are never moved, only added again and checked when they are taken out. The time is
proportional to the connections between the inputs of clusters and the neurons not yet placed.

Ties are broken by the order in which neurons stand in the lists; with lists in a canonical order
(`canonical_order`) the result does not depend on the neurons' numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.passes.clustering.compiled import compiled
from spikeloom.passes.clustering.connections import Numbers, Offsets

Bits = NDArray[np.bool_]


@compiled
def grow(
    first: Offsets,
    inputs: Numbers,
    out_first: Offsets,
    targets: Numbers,
    order: Offsets,
    most_inputs: int,
    most_outputs: int,
    most_crosspoints: int,
    reach: int,
) -> Numbers:
    """The cluster of every neuron, -1 without inputs.

    Args:
        first, inputs: connections by target; out_first, targets: the same by source.
        order: all neurons, as they are asked to start a cluster.
        most_inputs, most_outputs, most_crosspoints: limits of a cluster.
        reach: neurons looked at behind each input that joins a cluster, at most; an overlap beyond
            them is not seen.
    """
    n = len(first) - 1
    cluster_of = np.full(n, -1, np.int32)
    stamp = np.full(n, -1, np.int32)  # the last cluster that a neuron was an input of
    overlap = np.zeros(n, np.int32)
    overlap_in = np.full(n, -1, np.int32)  # the cluster that `overlap` counts for
    from_here = out_first[:n].copy()  # targets before it are placed
    touched = np.empty(n, np.int32)
    met_by = np.full(n, -1, np.int32)
    heads = np.full(most_inputs + 1, -1, np.int64)
    capacity = 1 << 16
    item = np.empty(capacity, np.int32)
    link = np.empty(capacity, np.int64)
    next_start = 0
    cluster = 0
    seed = -1
    while True:
        if seed < 0:
            while next_start < n and (
                cluster_of[order[next_start]] >= 0
                or first[order[next_start] + 1] == first[order[next_start]]
            ):
                next_start += 1
            if next_start == n:
                return cluster_of
            seed = order[next_start]
        heads[:] = -1
        used = 0
        in_count = 0
        out_count = 0
        synapses = 0
        lowest = 0
        candidate = seed
        seed = -1
        while candidate >= 0:
            fan_in = first[candidate + 1] - first[candidate]
            cluster_of[candidate] = cluster
            out_count += 1
            synapses += fan_in
            met = 0
            for at in range(first[candidate], first[candidate + 1]):
                source = inputs[at]
                if stamp[source] == cluster:
                    continue
                stamp[source] = cluster
                in_count += 1
                begin = from_here[source]
                end = out_first[source + 1]
                while begin < end and cluster_of[targets[begin]] >= 0:
                    begin += 1
                from_here[source] = begin
                for place in range(begin, min(end, begin + reach)):
                    target = targets[place]
                    if cluster_of[target] >= 0:
                        continue
                    if overlap_in[target] != cluster:
                        overlap_in[target] = cluster
                        overlap[target] = 0
                    overlap[target] += 1
                    if met_by[target] != candidate:
                        met_by[target] = candidate
                        touched[met] = target
                        met += 1
            if used + met > capacity:
                more = max(capacity, met)
                item = np.concatenate((item, np.empty(more, np.int32)))
                link = np.concatenate((link, np.empty(more, np.int64)))
                capacity += more
            for index in range(met):
                target = touched[index]
                needed = first[target + 1] - first[target] - overlap[target]
                if needed <= most_inputs - in_count:
                    item[used] = target
                    link[used] = heads[needed]
                    heads[needed] = used
                    used += 1
                    if needed < lowest:
                        lowest = needed
            candidate = -1
            if out_count == most_outputs:
                break
            while candidate < 0 and lowest <= most_inputs - in_count:
                entry = heads[lowest]
                if entry < 0:
                    lowest += 1
                    continue
                heads[lowest] = link[entry]
                target = item[entry]
                if cluster_of[target] >= 0:
                    continue
                fan_in = first[target + 1] - first[target]
                needed = fan_in - overlap[target]
                if needed != lowest:
                    continue  # outdated: it stands in a lower bucket, too
                if synapses + fan_in > most_crosspoints:
                    continue
                candidate = target
        # The next cluster starts with the neuron that nearly belonged to this one.
        level = 0
        while level <= most_inputs and seed < 0:
            entry = heads[level]
            while entry >= 0 and seed < 0:
                if cluster_of[item[entry]] < 0:
                    seed = item[entry]
                entry = link[entry]
            level += 1
        cluster += 1
