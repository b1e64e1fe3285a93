"""What neurons send in a time step and in an inference: spikes of one bit, or numbers.

A partial sum, the potential of an `li` and an analog input are numbers, sent in every time step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import f32

from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.dialects.snn import element_type
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Offsets
from spikeloom.passes.clustering.network import NetworkConnections
from spikeloom.passes.tiles.network import TileNetwork

Integers = NDArray[np.integer]

NUMBER_BITS = 32
"""Of a number; a spike has one bit."""


def sends_numbers(network: NetworkConnections, clustering: Clustering) -> NDArray[np.bool_]:
    """[n], neurons that send a number in every time step."""
    unrolled = clustering.network
    units = [len(layer.neurons) for layer in network.layers]
    own = np.repeat([element_type(layer.value) == f32 for layer in network.layers], units)
    return own[unrolled.owner] | unrolled.is_partial


def packets_of(clustering: Clustering, numbers: NDArray[np.bool_], steps: int) -> Offsets:
    """[n], what each neuron sends in an inference of so many time steps: spikes, or numbers."""
    return np.where(numbers, steps, clustering.network.connections.spikes)


@dataclass(frozen=True)
class Tokens:
    """What channels between different clusters carry, in the order of the dataflow graph.

    Attributes:
        bits: of one token, that is of one time step.
        packets: of one inference.
    """

    bits: tuple[int, ...]
    packets: tuple[int, ...]


def tokens_of_ways(network: TileNetwork, graph: Graph, packets: Offsets, steps: int) -> Tokens:
    """Of a network that tiles execute: a partial sum for each term of a neuron."""
    sent = {
        (way.source, way.target, way.delay): int(packets[way.spikes].sum()) + steps * len(way.sums)
        for way in network.ways
    }
    ends = [(each.source, each.target, each.tokens) for each in graph.channels]
    return Tokens(tuple(network.sizes(graph)), tuple(sent[each] for each in ends))


def tokens_of_links(clustering: Clustering, numbers: NDArray[np.bool_], packets: Offsets) -> Tokens:
    """Of any clustering: one spike or number for each neuron."""
    between = np.flatnonzero(clustering.links.source != clustering.links.target)
    bits = np.where(numbers, NUMBER_BITS, 1)
    columns = [_link_sums(clustering, each)[between] for each in (bits, packets)]
    return Tokens(tuple(columns[0].tolist()), tuple(columns[1].tolist()))


def _link_sums(clustering: Clustering, values: Offsets) -> Offsets:
    """For each of `Clustering.links` the sum over all neurons that go along it."""
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
    np.add.at(sums, place, values[neuron[inside]])
    return sums
