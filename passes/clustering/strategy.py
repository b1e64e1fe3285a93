"""The default strategy: grow, merge, and move single neurons, in an order free of numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spikeloom.passes.clustering.canonical import canonical_order
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Connections, Numbers, transposed
from spikeloom.passes.clustering.growing import grow
from spikeloom.passes.clustering.limits import Limits, too_wide
from spikeloom.passes.clustering.merging import merge
from spikeloom.passes.clustering.unrolling import Unrolled, unroll

REACH = 4096
"""Neurons looked at behind one input; beyond it, a neuron that shares the input may be missed."""
_UNLIMITED = 2**62


def cluster(network: Connections, limits: Limits, unrolling: bool = True) -> Clustering:
    """Clusters of a network under the limits of a crossbar.

    Raises:
        DiagnosticError: a neuron has more inputs than fit and must not be unrolled (E0306).
    """
    widest = int(network.fan_in.argmax()) if network.neurons else 0
    if not unrolling and network.neurons and network.fan_in[widest] > limits.longest:
        raise too_wide(f"neuron {widest}", int(network.fan_in[widest]), limits.longest)
    unrolled = unroll(network, limits.longest)
    return merged(grown(unrolled, limits))


def grown(network: Unrolled, limits: Limits) -> Clustering:
    """Clusters by growing alone."""
    connections = network.connections
    order = canonical_order(connections)
    out_first, targets = connections.outgoing(order)
    inputs = transposed(out_first, targets, order, connections.neurons)[1]
    crosspoints = limits.crosspoints or _UNLIMITED
    cluster_of = grow(
        connections.first, inputs, out_first, targets, order,
        limits.inputs, limits.outputs, crosspoints, REACH,
    )  # fmt: skip
    return Clustering(network, limits, cluster_of)


def merged(clustering: Clustering) -> Clustering:
    """The clustering with clusters put together where they fit into one crossbar."""
    limits, count = clustering.limits, clustering.clusters
    connections = clustering.network.connections
    first, inputs = clustering.feeds
    holders_first, holders = transposed(first, inputs, np.arange(count), connections.neurons)
    parent = merge(
        first, inputs, holders_first, holders,
        clustering.outputs.astype(np.int64), clustering.crosspoints, connections.spikes,
        clustering.cluster_of, limits.inputs, limits.outputs,
        limits.crosspoints or _UNLIMITED, connections.neurons,
    )  # fmt: skip
    return replace(clustering, cluster_of=_numbered(parent, clustering.cluster_of))


def _numbered(parent: Numbers, cluster_of: Numbers) -> Numbers:
    """Clusters after merging, numbered without gaps in the order of their first growth."""
    kept = np.unique(parent)
    number = np.full(len(parent), -1, np.int32)
    number[kept] = np.arange(len(kept), dtype=np.int32)
    inside = cluster_of >= 0
    found = np.full(len(cluster_of), -1, np.int32)
    found[inside] = number[parent[cluster_of[inside]]]
    return found
