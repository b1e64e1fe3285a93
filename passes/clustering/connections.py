"""A network as its connections: who feeds whom, and how often everybody spikes.

Columns instead of objects, so that a hundred million synapses are two arrays. Layers are built
from index arithmetic (`layers.ConnectionsBuilder`), never synapse by synapse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.passes.compiled import compiled

Numbers = NDArray[np.int32]
Offsets = NDArray[np.int64]


@dataclass(frozen=True)
class Connections:
    """Neurons 0 to n - 1 with what feeds them.

    Attributes:
        first: [n + 1], where the inputs of each neuron begin in `inputs`.
        inputs: the neurons that feed, ascending and distinct for each neuron.
        spikes: [n], spikes of each neuron in one inference.
        delays: [n], time steps after which each neuron's spikes are used; None where nothing is
            known of it: then a spike arrives at a later step than it was sent.
    """

    first: Offsets
    inputs: Numbers
    spikes: Offsets
    delays: Numbers | None = None

    def __post_init__(self) -> None:
        if len(self.first) != len(self.spikes) + 1 or self.first[-1] != len(self.inputs):
            raise ValueError("offsets, inputs and spikes do not fit together")
        if self.delays is not None and len(self.delays) != len(self.spikes):
            raise ValueError("there is one delay for each neuron")

    @property
    def neurons(self) -> int:
        """The number of neurons, inputs of the network included."""
        return len(self.spikes)

    @property
    def synapses(self) -> int:
        """The number of connections."""
        return len(self.inputs)

    @property
    def fan_in(self) -> Offsets:
        """[n], inputs of each neuron; 0 for an input of the network."""
        return np.diff(self.first)

    @property
    def fan_out(self) -> Offsets:
        """[n], neurons that each neuron feeds."""
        return np.bincount(self.inputs, minlength=self.neurons).astype(np.int64)

    def inputs_of(self, neuron: int) -> Numbers:
        """What feeds a neuron, ascending."""
        return self.inputs[self.first[neuron] : self.first[neuron + 1]]

    def outgoing(self, order: Offsets | None = None) -> tuple[Offsets, Numbers]:
        """The same connections by source: offsets [n + 1] and the neurons fed.

        They come in the order of their numbers, or in the given order of all neurons.
        """
        sequence = np.arange(self.neurons) if order is None else order
        return transposed(self.first, self.inputs, sequence, self.neurons)

    def renumbered(self, order: Offsets) -> Connections:
        """The same network with neuron `order[i]` called i."""
        place = np.empty(self.neurons, np.int32)
        place[order] = np.arange(self.neurons, dtype=np.int32)
        lengths = self.fan_in[order]
        first = np.zeros(self.neurons + 1, np.int64)
        np.cumsum(lengths, out=first[1:])
        within = np.arange(self.synapses) - np.repeat(first[:-1], lengths)
        inputs = place[self.inputs[np.repeat(self.first[order], lengths) + within]]
        inputs = ascending(first, inputs)
        delays = None if self.delays is None else self.delays[order]
        return Connections(first, inputs, self.spikes[order], delays)

    def extended(self, first: Offsets, inputs: Numbers, spikes: Offsets) -> Connections:
        """Other connections, with more neurons behind these, whose spikes are used at once."""
        if self.delays is None:
            return Connections(first, inputs, spikes)
        more = np.zeros(len(spikes) - self.neurons, np.int32)
        return Connections(first, inputs, spikes, np.concatenate([self.delays, more]))


def ascending(first: Offsets, inputs: Numbers) -> Numbers:
    """All lists of inputs in ascending order, in linear time."""
    if are_ascending(first, inputs):
        return inputs
    most = int(inputs.max(initial=-1)) + 1
    out_first, targets = transposed(first, inputs, np.arange(len(first) - 1), most)
    return transposed(out_first, targets, np.arange(most), len(first) - 1)[1]


@compiled
def are_ascending(first: Offsets, inputs: Numbers) -> bool:
    """Whether every list is in ascending order already."""
    for owner in range(len(first) - 1):
        for at in range(first[owner] + 1, first[owner + 1]):
            if inputs[at - 1] > inputs[at]:
                return False
    return True


@compiled
def transposed(
    first: Offsets, members: Numbers, order: Offsets, count: int
) -> tuple[Offsets, Numbers]:
    """Lists by owner turned into lists by member, of which there are `count`.

    In every list the owners come in the given order.
    """
    offsets = np.zeros(count + 1, np.int64)
    for at in range(len(members)):
        offsets[members[at] + 1] += 1
    for number in range(count):
        offsets[number + 1] += offsets[number]
    owners = np.empty(len(members), np.int32)
    place = offsets[:count].copy()
    for index in range(len(order)):
        owner = order[index]
        for at in range(first[owner], first[owner + 1]):
            member = members[at]
            owners[place[member]] = owner
            place[member] += 1
    return offsets, owners


def connections_of(
    fan_in: Mapping[int, Sequence[int]], neurons: int, spikes: Sequence[int] | None = None
) -> Connections:
    """The connections of a mapping from neurons to what feeds them; doubles count once."""
    lists = [sorted(set(fan_in.get(neuron, ()))) for neuron in range(neurons)]
    first = np.zeros(neurons + 1, np.int64)
    np.cumsum([len(each) for each in lists], out=first[1:])
    inputs = np.array([number for each in lists for number in each], np.int32)
    counts = np.ones(neurons, np.int64) if spikes is None else np.asarray(spikes, np.int64)
    return Connections(first, inputs, counts)


@compiled
def distinct_inputs(
    first: Offsets, inputs: Numbers, begin: Offsets, members: Offsets, neurons: int
) -> tuple[Offsets, Numbers]:
    """What feeds each group, every neuron once: offsets and neurons, in order of appearance.

    Group g has the members `members[begin[g]]` to `members[begin[g + 1] - 1]`; all inputs are
    below `neurons`.
    """
    groups = len(begin) - 1
    offsets = np.zeros(groups + 1, np.int64)
    seen_by = np.full(neurons, -1, np.int32)
    found = np.empty(1024, np.int32)
    used = 0
    for group in range(groups):
        for place in range(begin[group], begin[group + 1]):
            member = members[place]
            for at in range(first[member], first[member + 1]):
                neuron = inputs[at]
                if seen_by[neuron] != group:
                    seen_by[neuron] = group
                    if used == len(found):
                        found = np.concatenate((found, np.empty(len(found), np.int32)))
                    found[used] = neuron
                    used += 1
        offsets[group + 1] = used
    return offsets, found[:used]
