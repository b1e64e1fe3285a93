"""The connections of a network of the `snn` dialect: layers are neurons, the rest is synapses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import error
from spikeloom.dialects.snn import (
    AddOp,
    ConcatOp,
    Conv2dOp,
    LinearOp,
    NetworkOp,
    Pool2dOp,
    PreviousOp,
    known_shape,
)
from spikeloom.passes.clustering.connections import Connections
from spikeloom.passes.clustering.layers import ConnectionsBuilder
from spikeloom.passes.clustering.network_layers import Layer, Layers, Port, is_layer, layers_of
from spikeloom.passes.clustering.synapses import (
    Sources,
    fully_connected,
    one_to_one,
    side_by_side,
    summed,
    window_units,
    windowed,
)

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
    synapses = 0
    for layer in found.layers:
        sources = _sources_of_layer(layer, found)
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


def _sources_of_layer(layer: Layer, layers: Layers) -> Sources:
    if layer.repeats is not None:
        return one_to_one(layer.repeats.neurons.start, len(layer.neurons))
    op = layer.value.owner
    if not isinstance(op, Operation):
        return Sources(np.zeros(len(layer.neurons) + 1, np.int64), np.zeros(0, np.int32))
    return _Tracer(layers).through(op, 0)


class _Tracer:
    """Finds the sources of values, operation by operation, each once."""

    def __init__(self, layers: Layers):
        self.layers = layers
        self.known: dict[Port, Sources] = {}

    def through(self, op: Operation, delay: int) -> Sources:
        """The sources of an operation's units, whether they are neurons or not."""
        before = delay + isinstance(op, PreviousOp)
        waiting = [(operand, before) for operand in op.operands]
        while waiting:
            value, steps = port = waiting[-1]
            inner = value.owner
            if port in self.known:
                waiting.pop()
            elif is_layer(value):
                numbers = self.layers.ports[port]
                self.known[port] = one_to_one(numbers.start, len(numbers))
            else:
                assert isinstance(inner, Operation)
                earlier = steps + isinstance(inner, PreviousOp)
                missing = [
                    (each, earlier) for each in inner.operands if (each, earlier) not in self.known
                ]
                waiting += missing
                if not missing:
                    self.known[port] = self._step(inner, earlier)
        return self._step(op, before)

    def _step(self, op: Operation, delay: int) -> Sources:
        """The sources of an operation's result, given those of its operands."""
        operands = [self.known[operand, delay] for operand in op.operands]
        if isinstance(op, LinearOp):
            return fully_connected(operands[0], _shape(op.result)[0])
        if isinstance(op, Conv2dOp):
            image, output = _shape(op.input), _shape(op.result)
            windows = window_units(image, output[1:], *op.window.sizes)
            return windowed(operands[0], windows, output[0])
        if isinstance(op, Pool2dOp):
            image, output = _shape(op.value), _shape(op.pooled)
            windows = window_units(image, output[1:], *op.window.sizes, depthwise=True)
            return windowed(operands[0], windows)
        if isinstance(op, AddOp):
            return summed(*operands)
        if isinstance(op, ConcatOp):
            return side_by_side(*operands)
        return operands[0]  # element by element, or another arrangement


def _shape(value: SSAValue) -> tuple[int, ...]:
    shape = known_shape(value)
    assert shape is not None
    return shape
