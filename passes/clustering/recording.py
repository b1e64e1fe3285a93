"""A clustering as operations of the IR."""

from __future__ import annotations

import itertools
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Block, Operation, Region

from spikeloom.dialects.snn.crossbars import ClusterOp, CrossbarsOp, LayerOp, LinkOp
from spikeloom.dialects.snn.crossbars_types import LimitsAttr, NeuronsAttr
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.network import NetworkConnections


def recorded(
    name: str, network: NetworkConnections, clustering: Clustering, strategy: str
) -> CrossbarsOp:
    """The clustering of a network of this name."""
    layers = _layers(network, clustering)
    starts = np.cumsum([0, *(layer.units.value.data for layer in layers)])
    names = [layer.layer.data for layer in layers]

    def neurons(numbers: NDArray[np.integer]) -> list[NeuronsAttr]:
        ends = np.searchsorted(numbers, starts)
        return [
            NeuronsAttr.get(names[layer], numbers[begin:end] - starts[layer])
            for layer, (begin, end) in enumerate(itertools.pairwise(ends))
            if end > begin
        ]

    operations: list[Operation] = [*layers]
    first, feeding = clustering.feeds
    members = np.argsort(clustering.cluster_of, kind="stable")
    ends = np.searchsorted(clustering.cluster_of[members], np.arange(clustering.clusters + 1))
    for number, synapses in enumerate(clustering.crosspoints.tolist()):
        computes = np.sort(members[ends[number] : ends[number + 1]])
        reads = np.sort(feeding[first[number] : first[number + 1]])
        operations.append(ClusterOp(number, neurons(computes), neurons(reads), synapses))
    links = clustering.links
    columns = (links.source, links.target, links.spikes, links.delay)
    operations += [LinkOp(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]
    limits = LimitsAttr.get(asdict(clustering.limits))
    return CrossbarsOp(name, limits, strategy, clustering.cut, Region(Block(operations)))


def _layers(network: NetworkConnections, clustering: Clustering) -> list[LayerOp]:
    """The network's layers, then runs of partial sums or relays that work for one layer."""
    layers = [
        LayerOp(
            layer.name,
            len(layer.neurons),
            "relay" if layer.repeats else "neurons" if layer.is_computed else "input",
            layer.delay,
        )
        for layer in network.layers
    ]
    unrolled = clustering.network
    ends = np.array([layer.neurons.stop for layer in network.layers])
    owners = np.searchsorted(ends, unrolled.owner[unrolled.original :], side="right")
    relays = unrolled.is_relay[unrolled.original :]
    keys = owners * 2 + relays
    breaks = np.flatnonzero(np.diff(keys)) + 1
    taken = {layer.name for layer in network.layers}
    for run in np.split(keys, breaks) if len(keys) else []:
        kind = "relay" if run[0] % 2 else "partial"
        base = name = f"{network.layers[int(run[0]) // 2].name}.{kind}"
        while name in taken:
            name = f"{base}.{len(taken)}"
        taken.add(name)
        layers.append(LayerOp(name, len(run), kind))
    return layers
