"""An order of the neurons that does not depend on their numbers.

Colour refinement (Weisfeiler & Leman 1968): a neuron's colour starts with its spikes, fan-in and
fan-out, and takes in, round by round, the colours of what feeds it and of what it feeds. Neurons
sorted by their final colour come in the same order however they were numbered. Neurons of one
colour look alike from everywhere; only among them does the number decide, and where they are
interchangeable (the neurons of a dense layer, say) that changes nothing but names.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.passes.clustering.connections import Connections, Numbers, Offsets
from spikeloom.passes.compiled import compiled

Colours = NDArray[np.uint64]
ROUNDS = 12
"""More rounds than this see further than any crossbar reaches."""


@compiled
def refine(
    first: Offsets, inputs: Numbers, colours: Colours, from_inputs: Colours, from_outputs: Colours
) -> None:
    """Adds up the scrambled colours of everything that feeds each neuron, and that it feeds.

    The two sums are kept apart and do not depend on the order of the neighbours.
    """
    for neuron in range(len(colours)):
        own = colours[neuron] * np.uint64(0x9E3779B97F4A7C15)
        own ^= own >> np.uint64(29)
        own *= np.uint64(0xBF58476D1CE4E5B9)
        total = np.uint64(0)
        for at in range(first[neuron], first[neuron + 1]):
            source = inputs[at]
            colour = colours[source] * np.uint64(0xD6E8FEB86659FD93)
            colour ^= colour >> np.uint64(32)
            total += colour * np.uint64(0x94D049BB133111EB)
            from_outputs[source] += own
        from_inputs[neuron] = total


def canonical_order(network: Connections) -> Offsets:
    """[n], the neurons in an order that depends on the network's structure and spikes only."""
    n = network.neurons
    colours = _scrambled(network.spikes.astype(np.uint64), np.uint64(1))
    colours = _scrambled(colours ^ network.fan_in.astype(np.uint64), np.uint64(2))
    colours = _scrambled(colours ^ network.fan_out.astype(np.uint64), np.uint64(3))
    if network.delays is not None:
        colours = _scrambled(colours ^ network.delays.astype(np.uint64), np.uint64(7))
    distinct = len(np.unique(colours))
    for _ in range(ROUNDS):
        from_inputs, from_outputs = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
        refine(network.first, network.inputs, colours, from_inputs, from_outputs)
        finer = _scrambled(colours, np.uint64(4)) + _scrambled(from_inputs, np.uint64(5))
        finer = _scrambled(finer + from_outputs, np.uint64(6))
        found = len(np.unique(finer))
        if found == distinct:
            break
        colours, distinct = finer, found
    return np.argsort(colours, kind="stable").astype(np.int64)


def _scrambled(values: Colours, salt: np.uint64) -> Colours:
    """The finalizer of SplitMix64 (Steele, Lea & Flood 2014) after adding a salt."""
    with np.errstate(over="ignore"):
        mixed = values + salt * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
