"""How deep each neuron lies within one time step.

A crossbar computes all its neurons at once, so that a neuron and what feeds it in the same time
step belong into different clusters; where clusters hold neurons of one level only, they can be
computed level by level, and no spikes run in a circle within a time step.
"""

from __future__ import annotations

import numpy as np

from spikeloom.passes.clustering.connections import Connections, Numbers
from spikeloom.passes.compiled import Column, compiled


def levels_of(network: Connections) -> Numbers:
    """[n], the longest way to each neuron through spikes that are used without delay.

    All 0 where delays are not known.

    Raises:
        ValueError: neurons feed each other within one time step.
    """
    levels = np.zeros(network.neurons, np.int32)
    if network.delays is None:
        return levels
    out_first, targets = network.outgoing()
    at_once = (network.delays == 0).astype(np.int64)
    if _measure(network.first, network.inputs, out_first, targets, at_once, levels) < len(levels):
        raise ValueError("neurons feed each other within one time step")
    return levels


@compiled
def _measure(
    first: Column,
    inputs: Column,
    out_first: Column,
    targets: Column,
    at_once: Column,
    levels: Column,
) -> int:
    """Fills in the levels in topological order (Kahn 1962); the number of neurons reached."""
    n = len(levels)
    waiting_for = np.zeros(n, np.int64)
    ready = np.empty(n, np.int64)
    last = 0
    for neuron in range(n):
        for at in range(first[neuron], first[neuron + 1]):
            waiting_for[neuron] += at_once[inputs[at]]
        if waiting_for[neuron] == 0:
            levels[neuron] = 1 if first[neuron + 1] > first[neuron] else 0
            ready[last] = neuron
            last += 1
    done = 0
    while done < last:
        neuron = ready[done]
        done += 1
        if at_once[neuron] == 0:
            continue
        for place in range(out_first[neuron], out_first[neuron + 1]):
            target = targets[place]
            levels[target] = max(levels[target], levels[neuron] + 1)
            waiting_for[target] -= 1
            if waiting_for[target] == 0:
                ready[last] = target
                last += 1
    return done
