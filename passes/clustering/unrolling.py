"""Unrolling: a neuron with more inputs than fit becomes a chain of partial sums.

The first element takes the first F inputs, every further one its predecessor and F - 1 more, and
the neuron itself what remains (Balaji et al., "Enabling resource-aware mapping of spiking neural
networks via spatial decomposition", 2020). Elements get new numbers behind all neurons, neuron by
neuron.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spikeloom.passes.clustering.connections import Connections, Numbers, Offsets, ascending
from spikeloom.passes.clustering.levels import levels_of


@dataclass(frozen=True)
class Unrolled:
    """A network whose neurons have at most a given fan-in.

    Attributes:
        connections: with partial sums, and then relays, behind the original neurons.
        original: the number of original neurons.
        owner: [n], the original neuron that each neuron works for; its own for an original one.
        predecessor: [n], the element whose partial sum a neuron of a chain continues, or -1.
    """

    connections: Connections
    original: int
    owner: Numbers
    predecessor: Numbers

    @cached_property
    def levels(self) -> Numbers:
        """[n], how deep each neuron lies in a time step, as `levels_of` says."""
        return levels_of(self.connections)

    @property
    def is_partial(self) -> NDArray[np.bool_]:
        """[n], elements that add up some inputs of their owner."""
        behind = np.arange(self.connections.neurons) >= self.original
        return behind & (self.connections.fan_in > 1)

    @property
    def is_relay(self) -> NDArray[np.bool_]:
        """[n], neurons that repeat their only input's spikes: no element has a single input."""
        behind = np.arange(self.connections.neurons) >= self.original
        return behind & (self.connections.fan_in == 1)

    def name_of(self, neuron: int) -> str:
        """How a message calls a neuron."""
        if neuron < self.original:
            return f"neuron {neuron}"
        return f"element {neuron} of neuron {self.owner[neuron]}"


def unroll(network: Connections, fan_in: int, order: Offsets | None = None) -> Unrolled:
    """Chains for all neurons with more than `fan_in` inputs, which is at least 2 where any has.

    Inputs are taken in the order of their numbers, or in the given order of all neurons. An
    element spikes at most as often as all that feeds it together; that sum is its `spikes`.
    """
    lengths = network.fan_in
    long = np.flatnonzero(lengths > fan_in)
    n = network.neurons
    if not len(long):
        return untouched(network)
    if fan_in < 2:
        raise ValueError("a chain needs a fan-in of at least 2")
    if order is not None:
        network = replace(network, inputs=reordered(network, long, order))
    # An element beyond the first holds fan_in - 1 inputs of its own, and so does the neuron.
    elements = -(-(lengths[long] - fan_in) // (fan_in - 1))
    total = int(elements.sum())
    index = np.repeat(np.arange(len(long)), elements)
    rank = np.arange(total) - np.repeat(np.cumsum(elements) - elements, elements)
    owner = long[index]
    start = np.where(rank == 0, 0, fan_in + (rank - 1) * (fan_in - 1))
    taken = np.where(rank == 0, fan_in, fan_in - 1)
    number = n + np.arange(total)
    predecessor = np.full(n + total, -1, np.int64)
    predecessor[number] = np.where(rank == 0, -1, number - 1)
    predecessor[long] = n + np.cumsum(elements) - 1
    gone = fan_in + (elements - 1) * (fan_in - 1)
    begin = np.concatenate([network.first[:-1], network.first[owner] + start])
    begin[long] += gone
    count = np.concatenate([lengths, taken])
    count[long] -= gone
    first, inputs = _gathered(network, begin, count, predecessor)
    if order is not None:
        inputs = ascending(first, inputs)
    spikes = np.concatenate([network.spikes, np.zeros(total, np.int64)])
    _chain_spikes(network, spikes, number, network.first[owner], start + taken)
    owners = np.concatenate([np.arange(n), owner]).astype(np.int32)
    connections = network.extended(first, inputs, spikes)
    return Unrolled(connections, n, owners, predecessor.astype(np.int32))


def untouched(network: Connections) -> Unrolled:
    """A network in which no neuron has too many inputs."""
    own = np.arange(network.neurons, dtype=np.int32)
    return Unrolled(network, network.neurons, own, np.full(network.neurons, -1, np.int32))


def reordered(network: Connections, long: Offsets, order: Offsets) -> Numbers:
    """The inputs, those of the long neurons in the given order."""
    place = np.empty(network.neurons, np.int64)
    place[order] = np.arange(network.neurons)
    lengths = network.fan_in[long]
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    at = np.repeat(network.first[long], lengths) + within
    owner = np.repeat(np.arange(len(long)), lengths)
    inputs = network.inputs.copy()
    moved = inputs[at]
    inputs[at] = moved[np.lexsort((place[moved], owner))]
    return inputs


def _gathered(
    network: Connections, begin: Offsets, count: Offsets, predecessor: Offsets
) -> tuple[Offsets, Numbers]:
    """Offsets and inputs of all neurons: a slice of the old inputs, then the predecessor."""
    chained = predecessor >= 0
    first = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count + chained, out=first[1:])
    inputs = np.empty(first[-1], np.int32)
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    inputs[np.repeat(first[:-1], count) + within] = network.inputs[np.repeat(begin, count) + within]
    inputs[first[1:][chained] - 1] = predecessor[chained]
    return first, inputs


def _chain_spikes(
    network: Connections, spikes: Offsets, number: Offsets, begin: Offsets, length: Offsets
) -> None:
    """An element's spikes: those of all inputs from the beginning of its chain."""
    sums = np.concatenate([[0], np.cumsum(network.spikes[network.inputs])])
    spikes[number] = sums[begin + length] - sums[begin]
