"""A network as its connections: who feeds whom, and how often everybody spikes.

Columns instead of objects, so that a hundred million synapses are two arrays. Layers are built
from index arithmetic (`ConnectionsBuilder`), never synapse by synapse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.passes.clustering.compiled import compiled

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
    """The inputs of every neuron in ascending order."""
    numbers = np.arange(len(first) - 1)
    out_first, targets = transposed(first, inputs, numbers, len(numbers))
    return transposed(out_first, targets, numbers, len(numbers))[1]


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


class ConnectionsBuilder:
    """Builds the connections of a network layer by layer; a layer is a range of neurons."""

    def __init__(self) -> None:
        self._blocks: list[tuple[Offsets, Numbers]] = []
        self.neurons = 0

    def inputs(self, count: int) -> range:
        """Neurons that nothing feeds."""
        return self._add(np.zeros(count, np.int64), np.zeros(0, np.int32))

    def dense(self, *sources: range, outputs: int) -> range:
        """Every neuron is fed by all of the sources."""
        feeding = np.sort(np.concatenate([np.asarray(s, np.int32) for s in sources]))
        return self._add(np.full(outputs, len(feeding)), np.tile(feeding, outputs))

    def window(
        self,
        source: range,
        shape: tuple[int, int, int],
        channels: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        depthwise: bool = False,
    ) -> tuple[range, tuple[int, int, int]]:
        """A convolution (or, depthwise, a pool) over an image of [channels, rows, columns].

        Windows reach over the edge by `padding`; what lies outside is not connected. Returns the
        layer and its shape.
        """
        depth, height, width = shape
        rows = _windows(height, kernel, stride, padding)
        columns = _windows(width, kernel, stride, padding)
        inside = (rows >= 0)[:, None, :, None] & (columns >= 0)[None, :, None, :]
        position = rows[:, None, :, None] * width + columns[None, :, None, :]
        out = (channels, len(rows), len(columns))
        if depthwise:
            plane = np.arange(channels)[:, None] * height * width + source.start
            lengths = np.tile(inside.sum((2, 3)).ravel(), channels)
            flat = position[inside]
            return self._add(lengths, (plane + flat).ravel().astype(np.int32)), out
        lengths = inside.sum((2, 3)).ravel() * depth
        planes = np.arange(depth) * height * width + source.start
        every = [
            (planes[:, None] + position[y, x][inside[y, x]]).ravel()
            for y in range(len(rows))
            for x in range(len(columns))
        ]
        one_channel = np.concatenate(every).astype(np.int32)
        return self._add(np.tile(lengths, channels), np.tile(one_channel, channels)), out

    def connections(self, spikes: Sequence[int] | None = None) -> Connections:
        """All layers together; without `spikes` everybody spikes once."""
        first = np.zeros(self.neurons + 1, np.int64)
        np.cumsum(np.concatenate([lengths for lengths, _ in self._blocks]), out=first[1:])
        inputs = np.concatenate([inputs for _, inputs in self._blocks])
        counts = np.ones(self.neurons, np.int64) if spikes is None else np.asarray(spikes, np.int64)
        return Connections(first, inputs, counts)

    def _add(self, lengths: Offsets, inputs: Numbers) -> range:
        self._blocks.append((lengths, inputs))
        start = self.neurons
        self.neurons += len(lengths)
        return range(start, self.neurons)


def _windows(size: int, kernel: int, stride: int, padding: int) -> Offsets:
    """[outputs, kernel], the pixel at each place of each window, -1 outside."""
    count = (size + 2 * padding - kernel) // stride + 1
    pixels = np.arange(count)[:, None] * stride + np.arange(kernel)[None] - padding
    return np.where((pixels >= 0) & (pixels < size), pixels, -1)
