"""The connections of a network of the `snn` dialect: layers are neurons, the rest is synapses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spikeloom.diagnostics import error
from spikeloom.dialects.snn import NetworkOp
from spikeloom.passes.clustering.connections import Connections
from spikeloom.passes.clustering.layers import ConnectionsBuilder
from spikeloom.passes.clustering.network_layers import Layer, layers_of
from spikeloom.passes.clustering.synapses import (
    Sources,
    fully_connected,
    one_to_one,
    side_by_side,
    summed,
    window_units,
    windowed,
)
from spikeloom.passes.clustering.tracing import Tracer, WindowSizes

MAX_SYNAPSES = 2**28
"""More are not made; they would take some gigabytes."""


@dataclass(frozen=True)
class NetworkConnections:
    """Connections of a whole network, and the layers that its neurons belong to, in order."""

    connections: Connections
    layers: tuple[Layer, ...]

    def layer_of(self, neuron: int) -> Layer:
        """The layer that a neuron belongs to."""
        return next(layer for layer in self.layers if neuron in layer.neurons)

    def name_of(self, neuron: int) -> str:
        """How a message calls a neuron: `hidden[7]`."""
        layer = self.layer_of(neuron)
        return f"{layer.name}[{neuron - layer.neurons.start}]"


def connections_of_network(
    network: NetworkOp, spikes: Mapping[str, int] | None = None
) -> NetworkConnections:
    """The connections of a network whose shapes are known.

    `spikes` are those of one neuron in one inference, by `Layer.profiled_name`; 1 for a layer that
    is not there.

    Raises:
        DiagnosticError: shapes are not known, currents depend on their own past without a neuron
            between (E0204), or there are too many synapses (E0306).
    """
    found = layers_of(network)
    builder = ConnectionsBuilder()
    tracer = Tracer(found, _SynapseLists())
    synapses = 0
    for layer in found.layers:
        sources = tracer.feeding(layer)
        builder.add(sources)
        synapses += len(sources.inputs)
        if synapses > MAX_SYNAPSES:
            message = f"the network has more than {MAX_SYNAPSES} synapses up to `{layer.name}`"
            raise error("E0306", message, layer.location, "cluster a smaller network")
    known = spikes or {}
    units = [len(layer.neurons) for layer in found.layers]
    counts = np.repeat([known.get(layer.profiled_name, 1) for layer in found.layers], units)
    delays = np.repeat([layer.delay for layer in found.layers], units).astype(np.int32)
    connections = builder.connections(counts, delays)
    return NetworkConnections(connections, found.layers)


class _SynapseLists:
    """The algebra of synapses: what feeds units is a list for each of them."""

    def nothing(self, units: int) -> Sources:
        return Sources(np.zeros(units + 1, np.int64), np.zeros(0, np.int32))

    def neurons(self, numbers: range) -> Sources:
        return one_to_one(numbers.start, len(numbers))

    def dense(self, source: Sources, outputs: int) -> Sources:
        return fully_connected(source, outputs)

    def convolved(
        self,
        source: Sources,
        image: tuple[int, ...],
        output: tuple[int, ...],
        window: WindowSizes,
    ) -> Sources:
        return windowed(source, window_units(image, output[1:], *window), output[0])

    def pooled(
        self,
        source: Sources,
        image: tuple[int, ...],
        output: tuple[int, ...],
        window: WindowSizes,
    ) -> Sources:
        return windowed(source, window_units(image, output[1:], *window, depthwise=True))

    def summed(self, left: Sources, right: Sources) -> Sources:
        return summed(left, right)

    def side_by_side(self, left: Sources, right: Sources) -> Sources:
        return side_by_side(left, right)
