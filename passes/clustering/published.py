"""The published greedy strategy, for comparison: fullest cluster first.

Neurons in the order of their numbers, the parts of a chain before its neuron; each goes into the
first cluster that still fits, clusters sorted by inputs + outputs, largest first; where none fits a
new one is opened (Song et al., "Compiling spiking neural networks to neuromorphic hardware", LCTES
2020, as the authors' program `ncc_prototype` does it). Three deviations: a neuron with too many
inputs has been unrolled or refused, never cut short; no sink is added to connect parts that are
not connected; and where delays are known a cluster takes neurons of one level only, so that no
spikes run in a circle within a time step. The result depends on the neurons' numbering.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.unrolling import Unrolled


def cluster_as_published(network: Unrolled, limits: Limits) -> Clustering:
    """Clusters of a network unrolled to `limits.longest`."""
    connections, levels = network.connections, network.levels
    clusters: list[_Cluster] = []
    cluster_of = np.full(connections.neurons, -1, np.int32)
    for chain in _chains(network):
        left = list(chain)
        order = sorted(range(len(clusters)), key=lambda c: -clusters[c].filled)
        for number in order:
            if not left:
                break
            inputs = set(connections.inputs_of(left[0]).tolist())
            same = clusters[number].level == levels[left[0]]
            if same and clusters[number].take(inputs, limits):
                cluster_of[left.pop(0)] = number
        while left:
            clusters.append(_Cluster(int(levels[left[0]])))
            taken = clusters[-1].take(set(connections.inputs_of(left[0]).tolist()), limits)
            assert taken, "an empty cluster takes what is not too wide"
            cluster_of[left.pop(0)] = len(clusters) - 1
    return Clustering(network, limits, cluster_of)


class _Cluster:
    """What one cluster holds so far."""

    def __init__(self, level: int) -> None:
        self.level = level
        self.inputs: set[int] = set()
        self.outputs = 0
        self.synapses = 0

    @property
    def filled(self) -> int:
        """Inputs and outputs together."""
        return len(self.inputs) + self.outputs

    def take(self, inputs: set[int], limits: Limits) -> bool:
        """Takes a neuron with these inputs if it fits."""
        synapses = self.synapses + len(inputs)
        if self.outputs >= limits.most_outputs or len(self.inputs | inputs) > limits.most_inputs:
            return False
        if synapses > limits.most_crosspoints:
            return False
        self.inputs |= inputs
        self.outputs += 1
        self.synapses = synapses
        return True


def _chains(network: Unrolled) -> Iterator[list[int]]:
    """For every original neuron with inputs the elements of its chain and then itself."""
    elements: dict[int, list[int]] = {}
    for element in range(network.original, network.connections.neurons):
        elements.setdefault(int(network.owner[element]), []).append(element)
    fan_in = network.connections.fan_in
    for neuron in range(network.original):
        if fan_in[neuron]:
            yield [*elements.get(neuron, ()), neuron]
