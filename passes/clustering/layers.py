"""Connections layer by layer, for networks that are given as layers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from spikeloom.passes.clustering.connections import Connections, Numbers, Offsets, ascending
from spikeloom.passes.clustering.synapses import (
    Sources,
    fully_connected,
    one_to_one,
    side_by_side,
    window_units,
    windowed,
)


class ConnectionsBuilder:
    """Builds the connections of a network layer by layer; a layer is a range of neurons."""

    def __init__(self) -> None:
        self._layers: list[Sources] = []
        self.neurons = 0

    def inputs(self, count: int) -> range:
        """Neurons that nothing feeds."""
        return self.add(Sources(np.zeros(count + 1, np.int64), np.zeros(0, np.int32)))

    def dense(self, *sources: range, outputs: int) -> range:
        """Every neuron is fed by all of the sources."""
        together = reduce(side_by_side, [one_to_one(s.start, len(s)) for s in sources])
        return self.add(fully_connected(together, outputs))

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
        rows, columns = ((size + 2 * padding - kernel) // stride + 1 for size in shape[1:])
        windows = window_units(shape, (rows, columns), kernel, stride, padding, depthwise)
        image = one_to_one(source.start, len(source))
        layer = self.add(windowed(image, windows, 1 if depthwise else channels))
        return layer, (channels, rows, columns)

    def add(self, sources: Sources) -> range:
        """A layer with these sources."""
        self._layers.append(sources)
        start = self.neurons
        self.neurons += sources.units
        return range(start, self.neurons)

    def connections(
        self, spikes: Sequence[int] | Offsets | None = None, delays: Numbers | None = None
    ) -> Connections:
        """All layers together, which the builder then forgets.

        Without `spikes` everybody spikes once.
        """
        first = np.zeros(self.neurons + 1, np.int64)
        np.cumsum(np.concatenate([np.diff(each.first) for each in self._layers]), out=first[1:])
        inputs = np.concatenate([each.inputs for each in self._layers])
        self._layers.clear()
        counts = np.ones(self.neurons, np.int64) if spikes is None else np.asarray(spikes, np.int64)
        return Connections(first, ascending(first, inputs), counts, delays)
