"""Growing clusters by attraction: spikes that stay inside, less a price for every new input.

Neurons that feed each other attract each other, and so do neurons that share an input: the spikes
of a neuron, divided among all that it feeds, pull whoever belongs to it (as hypergraph partitioners
rate pairs, Karypis et al. 1999). A cluster starts with a neuron and takes, again and again, the one
with the greatest pull less the price of its new inputs, until the crossbar is full. `growing` looks
at new inputs only; which of the two leaves less traffic depends on the network.

All sums are whole numbers and ties go to whoever stands first in the canonical order, so that
the neurons' numbers do not matter.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Offsets
from spikeloom.passes.clustering.growing import REACH, Graph
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.unrolling import Unrolled
from spikeloom.passes.compiled import Column, compiled

UNIT = 64
"""The price of a new input is counted in this fraction of a neuron's mean spikes."""
SCALE = 4096
"""Spikes are multiplied by it before they are divided among the neurons that they reach."""


class Pull(NamedTuple):
    """What does not change: the pull of each neuron's spikes, and the price of an input.

    Attributes:
        weight: [n], the spikes that count, divided by the neurons that they reach.
        order, rank: the canonical order, and the place of each neuron in it.
        price: of a new input.
        limits: inputs, outputs and crosspoints of a cluster, at most.
    """

    weight: Column
    order: Column
    rank: Column
    price: int
    limits: Column


class Frontier(NamedTuple):
    """What is known of every neuron; `*_by` name the last cluster, or neuron, that did so.

    Attributes:
        cluster_of: -1 while it is not placed.
        input_of, pulled_by: the cluster that it feeds, and that its spikes pull others to.
        seen_by, overlap, pull: a cluster that it may join, the inputs that both share, the pull.
        met_by: the neuron that was placed when it was met last.
        seen, met: those that may join the cluster, and those met while one neuron was placed.
    """

    cluster_of: Column
    input_of: Column
    pulled_by: Column
    seen_by: Column
    overlap: Column
    pull: Column
    met_by: Column
    seen: Column
    met: Column


def attracted(
    network: Unrolled,
    limits: Limits,
    order: Offsets,
    price: int,
    crossing: Offsets | None = None,
) -> Clustering:
    """Clusters by growing alone; `price`, at least 1, is that of an input in 64ths of mean spikes.

    `order` is the canonical order of all neurons. `crossing` are the spikes of each neuron that
    count when they enter another cluster: those of all but the inputs of the network, unless said.
    """
    connections = network.connections
    if crossing is None:
        crossing = np.where(connections.fan_in > 0, connections.spikes, 0)
    out_first, targets = connections.outgoing(order)
    shared = crossing * SCALE // np.maximum(1, np.diff(out_first))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    bounds = (limits.most_inputs, limits.most_outputs, limits.most_crosspoints)
    total, count = int(crossing.sum()), max(1, int(np.count_nonzero(crossing)))
    costs = max(1, total * SCALE * price // (count * UNIT))
    pull = Pull(shared, order, rank, costs, np.array(bounds, np.int64))
    graph = Graph(connections.first, connections.inputs, out_first, targets, network.levels)
    return Clustering(network, limits, _grow(graph, pull, REACH))


@compiled
def _grow(graph: Graph, pull: Pull, reach: int) -> Column:
    """The cluster of every neuron, -1 without inputs."""
    frontier = _nothing_known(len(graph.first) - 1)
    next_start = 0
    cluster = 0
    seed = -1
    while True:
        if seed < 0:
            next_start = _next_start(graph.first, frontier.cluster_of, pull.order, next_start)
            if next_start == len(pull.order):
                return frontier.cluster_of
            seed = pull.order[next_start]
        seen = _fill(graph, pull, frontier, cluster, seed, reach)
        seed = _most_attracted(graph.first, pull, frontier, seen)
        cluster += 1


@compiled
def _nothing_known(n: int) -> Frontier:
    return Frontier(
        np.full(n, -1, np.int32),
        np.full(n, -1, np.int32),
        np.full(n, -1, np.int32),
        np.full(n, -1, np.int32),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.full(n, -1, np.int32),
        np.empty(n, np.int32),
        np.empty(n, np.int32),
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
def _cost(first: Column, pull: Pull, frontier: Frontier, neuron: int) -> tuple[int, int]:
    """The price of a neuron's new inputs less its pull, and how many inputs these are."""
    needed = first[neuron + 1] - first[neuron] - frontier.overlap[neuron]
    return needed * pull.price - frontier.pull[neuron], needed


@compiled
def _fill(graph: Graph, pull: Pull, frontier: Frontier, cluster: int, seed: int, reach: int) -> int:
    """Grows one cluster; the number of neurons seen that might have joined."""
    first = graph.first
    queue = [(np.int64(0), np.int64(pull.rank[seed]))]
    inputs = 0
    outputs = 0
    synapses = 0
    seen = 0
    while len(queue) > 0 and outputs < pull.limits[1]:
        cost, rank = heappop(queue)
        neuron = pull.order[rank]
        if frontier.cluster_of[neuron] >= 0:
            continue
        if outputs > 0:
            now, needed = _cost(first, pull, frontier, neuron)
            fits = synapses + first[neuron + 1] - first[neuron] <= pull.limits[2]
            # One that costs less by now stands in the queue a second time.
            if now != cost or inputs + needed > pull.limits[0] or not fits:
                continue
        frontier.cluster_of[neuron] = cluster
        outputs += 1
        synapses += first[neuron + 1] - first[neuron]
        added, seen, met = _join(graph, pull, frontier, neuron, seen, reach)
        inputs += added
        for index in range(met):
            target = frontier.met[index]
            now, needed = _cost(first, pull, frontier, target)
            if inputs + needed <= pull.limits[0]:
                heappush(queue, (np.int64(now), np.int64(pull.rank[target])))
    return seen


@compiled
def _join(
    graph: Graph, pull: Pull, frontier: Frontier, neuron: int, seen: int, reach: int
) -> tuple[int, int, int]:
    """Spreads the pull of a new member: inputs that it brings, neurons seen so far, and met now."""
    cluster = frontier.cluster_of[neuron]
    added = 0
    met = 0
    begin = graph.first[neuron]
    for at in range(begin - 1, graph.first[neuron + 1]):
        source = neuron if at < begin else graph.inputs[at]
        is_new = at >= begin and frontier.input_of[source] != cluster
        weight = 0 if frontier.pulled_by[source] == cluster else pull.weight[source]
        frontier.pulled_by[source] = cluster
        if is_new:
            frontier.input_of[source] = cluster
            added += 1
        if is_new or weight > 0:
            seen, met = _spread(graph, frontier, neuron, source, is_new, weight, seen, met, reach)
    return added, seen, met


@compiled
def _spread(
    graph: Graph,
    frontier: Frontier,
    neuron: int,
    source: int,
    is_new: bool,
    weight: int,
    seen: int,
    met: int,
    reach: int,
) -> tuple[int, int]:
    """Tells a source, and everybody whom it feeds, that it is an input, or pulls, now."""
    cluster_of = frontier.cluster_of
    cluster = cluster_of[neuron]
    begin = graph.out_first[source]
    for place in range(begin - 1, min(graph.out_first[source + 1], begin + reach)):
        other = source if place < begin else graph.targets[place]
        is_input = graph.first[other + 1] == graph.first[other]
        if cluster_of[other] >= 0 or is_input or graph.levels[other] != graph.levels[neuron]:
            continue
        if frontier.seen_by[other] != cluster:
            frontier.seen_by[other] = cluster
            frontier.overlap[other] = 0
            frontier.pull[other] = 0
            frontier.seen[seen] = other
            seen += 1
        if frontier.met_by[other] != neuron:
            frontier.met_by[other] = neuron
            frontier.met[met] = other
            met += 1
        frontier.pull[other] += weight
        if is_new and place >= begin:
            frontier.overlap[other] += 1
    return seen, met


@compiled
def _most_attracted(first: Column, pull: Pull, frontier: Frontier, seen: int) -> int:
    """The neuron that nearly belonged to the last cluster, -1 without one."""
    best = -1
    lowest = 0
    for index in range(seen):
        neuron = frontier.seen[index]
        if frontier.cluster_of[neuron] >= 0:
            continue
        cost = _cost(first, pull, frontier, neuron)[0]
        if best < 0 or (cost, pull.rank[neuron]) < (lowest, pull.rank[best]):
            best, lowest = neuron, cost
    return best
