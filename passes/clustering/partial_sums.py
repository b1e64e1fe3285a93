"""Unrolling into trees: partial sums of disjoint inputs, and a neuron that adds them up.

Where many neurons share their inputs, as in a dense layer, the partial sums of all of them over the
same inputs fit into one crossbar, while an element of a chain has its predecessor as an input of
its own. A tree is as deep as the logarithm of the fan-in, a chain as long as the fan-in.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spikeloom.passes.clustering.connections import Connections, Numbers, Offsets, ascending
from spikeloom.passes.clustering.synapses import of_lengths
from spikeloom.passes.clustering.unrolling import Unrolled, reordered, untouched


def unroll_as_tree(network: Connections, fan_in: int, order: Offsets) -> Unrolled:
    """Partial sums of `fan_in` inputs for all neurons with more, in the given order of all neurons.

    `fan_in` is at least 2 where any neuron has more. Elements get new numbers behind all neurons;
    an element's `spikes` are the sum of those of its inputs.
    """
    long = np.flatnonzero(network.fan_in > fan_in)
    if not len(long):
        return untouched(network)
    if fan_in < 2:
        raise ValueError("a partial sum needs a fan-in of at least 2")
    connections = replace(network, inputs=reordered(network, long, order))
    owner = np.arange(network.neurons, dtype=np.int32)
    while len(long):
        connections, owner = _grouped(connections, owner, long, fan_in)
        long = np.flatnonzero(connections.fan_in > fan_in)
    return Unrolled(
        replace(connections, inputs=ascending(connections.first, connections.inputs)),
        network.neurons,
        owner,
        np.full(connections.neurons, -1, np.int32),
    )


def _grouped(
    network: Connections, owner: Numbers, long: Offsets, fan_in: int
) -> tuple[Connections, Numbers]:
    """One layer of partial sums: every long neuron is fed by elements with `fan_in` inputs each.

    A single input that is left over stays with the neuron. Returns the owners too.
    """
    lengths, n = network.fan_in[long], network.neurons
    single = lengths % fan_in == 1
    elements = -(-(lengths - single) // fan_in)
    total = int(elements.sum())
    index = np.repeat(np.arange(len(long)), elements)
    rank = np.arange(total) - np.repeat(np.cumsum(elements) - elements, elements)
    taken = np.minimum(fan_in, (lengths - single)[index] - rank * fan_in)
    begin = network.first[long][index] + rank * fan_in
    behind = of_lengths(taken, network.inputs[_spread(begin, taken)])
    keeps = network.fan_in
    keeps[long] = single
    from_old = network.first[:-1].copy()
    from_old[long] += lengths - single
    given = np.zeros(n, np.int64)
    given[long] = elements
    first = np.concatenate([[0], np.cumsum(keeps + given)])
    inputs = np.empty(first[-1], np.int32)
    inputs[_spread(first[:-1], keeps)] = network.inputs[_spread(from_old, keeps)]
    inputs[_spread((first[:-1] + keeps)[long], elements)] = n + np.arange(total)
    sums = np.concatenate([[0], np.cumsum(network.spikes[network.inputs])])
    grown = network.extended(
        np.concatenate([first, behind.first[1:] + first[-1]]),
        np.concatenate([inputs, behind.inputs]),
        np.concatenate([network.spikes, sums[begin + taken] - sums[begin]]),
    )
    return grown, np.concatenate([owner, owner[long][index]])


def _spread(begin: Offsets, count: Offsets) -> Offsets:
    """The places begin, begin + 1, ... of every slice, one slice behind the other."""
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(begin, count) + within
