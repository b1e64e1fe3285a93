"""How many bits the channels between clusters carry in one time step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import f32

from spikeloom.dialects.snn import element_type
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Offsets
from spikeloom.passes.clustering.network import NetworkConnections

Integers = NDArray[np.integer]

NUMBER_BITS = 32
"""Of a partial sum or a potential; a spike has one bit."""


def neuron_bits(network: NetworkConnections, clustering: Clustering) -> Offsets:
    """[n], bits that each neuron sends in a time step: a spike or a number."""
    unrolled = clustering.network
    units = [len(layer.neurons) for layer in network.layers]
    numbers = [element_type(layer.value) == f32 for layer in network.layers]
    own = np.where(np.repeat(numbers, units), NUMBER_BITS, 1)
    bits = own[unrolled.owner].astype(np.int64)
    bits[unrolled.is_partial] = NUMBER_BITS
    return bits


def link_bits(clustering: Clustering, bits: Offsets) -> Offsets:
    """Bits of one token of each of `Clustering.links`: all neurons that the target reads."""
    first, neuron = clustering.feeds
    source = clustering.cluster_of[neuron].astype(np.int64)
    target = np.repeat(np.arange(clustering.clusters), np.diff(first))
    inside = source >= 0
    delays = clustering.network.connections.delays
    delay = np.ones(len(neuron), np.int64) if delays is None else delays[neuron].astype(np.int64)
    links = clustering.links
    span = int(max(delay.max(initial=0), links.delay.max(initial=0))) + 1
    sums = np.zeros(len(links.source), np.int64)

    def key(sources: Integers, targets: Integers, waits: Integers) -> Integers:
        return (sources.astype(np.int64) * clustering.clusters + targets) * span + waits

    known = key(links.source, links.target, links.delay)
    place = np.searchsorted(known, key(source[inside], target[inside], delay[inside]))
    np.add.at(sums, place, bits[neuron[inside]])
    return sums
