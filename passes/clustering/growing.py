"""Growing clusters: always the neuron that needs the fewest new inputs.

A cluster starts with a neuron and takes, again and again, the neuron that adds the fewest inputs,
until inputs, outputs or crosspoints are full; then the next one starts beside it, with a neuron
that shares inputs with the last one. What a neuron still needs is kept in buckets, one per number
of new inputs; entries are never moved, only added again and checked when they are taken out. The
time is proportional to the connections between the inputs of clusters and the neurons not yet
placed.

Ties are broken by the order in which neurons stand in the lists; with lists in a canonical order
(`canonical_order`) the result does not depend on the neurons' numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikeloom.passes.clustering.canonical import canonical_order
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Offsets, transposed
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.unrolling import Unrolled
from spikeloom.passes.compiled import Column, compiled

REACH = 4096
"""Neurons looked at behind one input; beyond it, a neuron that shares the input may be missed."""


class Graph(NamedTuple):
    """Connections by target (`first`, `inputs`) and by source (`out_first`, `targets`).

    Neurons of different `levels` never share a cluster.
    """

    first: Column
    inputs: Column
    out_first: Column
    targets: Column
    levels: Column


class Frontier(NamedTuple):
    """What is known of every neuron.

    Attributes:
        cluster_of: -1 while it is not placed.
        input_of: the last cluster that it was an input of.
        overlap, overlap_with: inputs that it shares with a cluster, and which cluster.
        open_from: its first target that may not be placed yet, as a place in `targets`.
        met_by: the neuron that was placed when it was met last.
        met: neurons met while one neuron was placed.
    """

    cluster_of: Column
    input_of: Column
    overlap: Column
    overlap_with: Column
    open_from: Column
    met_by: Column
    met: Column


class Buckets(NamedTuple):
    """Linked lists of neurons by the inputs that they still need, `heads[needed]`; -1 ends one."""

    heads: Column
    neuron: Column
    following: Column


def grown(network: Unrolled, limits: Limits, order: Offsets | None = None) -> Clustering:
    """Clusters by growing alone; `order` is the canonical order where it is known already."""
    connections = network.connections
    order = canonical_order(connections) if order is None else order
    out_first, targets = connections.outgoing(order)
    inputs = transposed(out_first, targets, order, connections.neurons)[1]
    graph = Graph(connections.first, inputs, out_first, targets, network.levels)
    bounds = (limits.most_inputs, limits.most_outputs, limits.most_crosspoints)
    return Clustering(network, limits, _grow(graph, order, *bounds, REACH))


@compiled
def _grow(
    graph: Graph,
    order: Column,
    most_inputs: int,
    most_outputs: int,
    most_crosspoints: int,
    reach: int,
) -> Column:
    """The cluster of every neuron, -1 without inputs; `order` is that of asking to start one."""
    n = len(graph.first) - 1
    frontier = _nothing_known(graph.out_first)
    cluster_of = frontier.cluster_of
    buckets = _empty_buckets(most_inputs)
    next_start = 0
    cluster = 0
    seed = -1
    while True:
        if seed < 0:
            next_start = _next_start(graph.first, cluster_of, order, next_start)
            if next_start == n:
                return cluster_of
            seed = order[next_start]
        buckets.heads[:] = -1
        used = 0
        inputs = 0
        outputs = 0
        synapses = 0
        lowest = 0
        candidate = seed
        while candidate >= 0:
            cluster_of[candidate] = cluster
            outputs += 1
            synapses += graph.first[candidate + 1] - graph.first[candidate]
            added, met = _join(graph, frontier, candidate, cluster, reach)
            inputs += added
            if used + met > len(buckets.neuron):
                buckets = _larger(buckets, met)
            free = most_inputs - inputs
            used, lowest = _queue(graph.first, frontier, buckets, met, used, free, lowest)
            if outputs == most_outputs:
                break
            room = most_crosspoints - synapses
            candidate, lowest = _cheapest(graph.first, frontier, buckets, lowest, free, room)
        seed = _nearest(buckets, cluster_of)
        cluster += 1


@compiled
def _nothing_known(out_first: Column) -> Frontier:
    n = len(out_first) - 1
    return Frontier(
        np.full(n, -1, np.int32),
        np.full(n, -1, np.int32),
        np.zeros(n, np.int32),
        np.full(n, -1, np.int32),
        out_first[:n].copy(),
        np.full(n, -1, np.int32),
        np.empty(n, np.int32),
    )


@compiled
def _empty_buckets(most_inputs: int) -> Buckets:
    capacity = 1 << 16
    heads = np.full(most_inputs + 1, -1, np.int64)
    return Buckets(heads, np.empty(capacity, np.int32), np.empty(capacity, np.int64))


@compiled
def _larger(buckets: Buckets, least: int) -> Buckets:
    """The same buckets with at least twice the room."""
    more = max(len(buckets.neuron), least)
    return Buckets(
        buckets.heads,
        np.concatenate((buckets.neuron, np.empty(more, np.int32))),
        np.concatenate((buckets.following, np.empty(more, np.int64))),
    )


@compiled
def _next_start(first: Column, cluster_of: Column, order: Column, index: int) -> int:
    """The place in `order` of the next neuron that has inputs and no cluster."""
    while index < len(order):
        neuron = order[index]
        if cluster_of[neuron] < 0 and first[neuron + 1] > first[neuron]:
            break
        index += 1
    return index


@compiled
def _join(
    graph: Graph, frontier: Frontier, candidate: int, cluster: int, reach: int
) -> tuple[int, int]:
    """Counts overlaps with the new inputs that a neuron brings: how many they are, and who met."""
    added = 0
    met = 0
    cluster_of = frontier.cluster_of
    for at in range(graph.first[candidate], graph.first[candidate + 1]):
        source = graph.inputs[at]
        if frontier.input_of[source] == cluster:
            continue
        frontier.input_of[source] = cluster
        added += 1
        begin = frontier.open_from[source]
        end = graph.out_first[source + 1]
        while begin < end and cluster_of[graph.targets[begin]] >= 0:
            begin += 1
        frontier.open_from[source] = begin
        for place in range(begin, min(end, begin + reach)):
            target = graph.targets[place]
            if cluster_of[target] >= 0 or graph.levels[target] != graph.levels[candidate]:
                continue
            if frontier.overlap_with[target] != cluster:
                frontier.overlap_with[target] = cluster
                frontier.overlap[target] = 0
            frontier.overlap[target] += 1
            if frontier.met_by[target] != candidate:
                frontier.met_by[target] = candidate
                frontier.met[met] = target
                met += 1
    return added, met


@compiled
def _queue(
    first: Column,
    frontier: Frontier,
    buckets: Buckets,
    met: int,
    used: int,
    free: int,
    lowest: int,
) -> tuple[int, int]:
    """Puts the neurons just met into their buckets: entries in use, and the lowest bucket."""
    for index in range(met):
        target = frontier.met[index]
        needed = first[target + 1] - first[target] - frontier.overlap[target]
        if needed <= free:
            buckets.neuron[used] = target
            buckets.following[used] = buckets.heads[needed]
            buckets.heads[needed] = used
            used += 1
            lowest = min(lowest, needed)
    return used, lowest


@compiled
def _cheapest(
    first: Column, frontier: Frontier, buckets: Buckets, lowest: int, free: int, room: int
) -> tuple[int, int]:
    """Takes out the neuron that needs the fewest new inputs, -1 without one; and its bucket."""
    while lowest <= free:
        entry = buckets.heads[lowest]
        if entry < 0:
            lowest += 1
            continue
        buckets.heads[lowest] = buckets.following[entry]
        target = buckets.neuron[entry]
        if frontier.cluster_of[target] >= 0:
            continue
        fan_in = first[target + 1] - first[target]
        # One that needs less by now stands in a lower bucket, too.
        if fan_in - frontier.overlap[target] == lowest and fan_in <= room:
            return target, lowest
    return -1, lowest


@compiled
def _nearest(buckets: Buckets, cluster_of: Column) -> int:
    """The neuron that nearly belonged to the last cluster, -1 without one."""
    for needed in range(len(buckets.heads)):
        entry = buckets.heads[needed]
        while entry >= 0:
            if cluster_of[buckets.neuron[entry]] < 0:
                return buckets.neuron[entry]
            entry = buckets.following[entry]
    return -1
