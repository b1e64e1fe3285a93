"""Closed-form operation counts of a program: what a dense machine would have to compute.

Counts are per sample and time step. A fully connected layer takes inputs x outputs
multiply-accumulates (MAC), a convolution channels in x kernel^2 x channels out x pixels out, the
taps outside of the image included; each of its gradients takes as many. Normalization, neurons and
sums are linear in the number of cells and left out, as is usual.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt, snn
from spikeloom.dialects.bptt.neurons import FireOp


@dataclass(frozen=True)
class LayerCounts:
    """One set of weights, named as the statement that holds it.

    Attributes:
        weights: trained numbers of the weight itself, without a bias.
        forward: MACs of the currents.
        backward: MACs of the gradient of the input; 0 where nothing needs it.
        update: MACs of the gradient of the weight.
    """

    name: str
    weights: int
    forward: int = 0
    backward: int = 0
    update: int = 0


@dataclass(frozen=True)
class OperationCounts:
    """All layers in the order in which they are computed.

    Attributes:
        neurons: spiking neurons, each updated once per step.
        parameters: trained numbers, biases and normalization included.
    """

    layers: tuple[LayerCounts, ...]
    neurons: int
    parameters: int

    @property
    def weights(self) -> int:
        """Trained numbers of all weights, biases not included."""
        return sum(layer.weights for layer in self.layers)

    @property
    def forward(self) -> int:
        """MACs of the forward pass."""
        return sum(layer.forward for layer in self.layers)

    @property
    def backward(self) -> int:
        """MACs of the backward pass, without the gradients of weights."""
        return sum(layer.backward for layer in self.layers)

    @property
    def update(self) -> int:
        """MACs of the gradients of weights."""
        return sum(layer.update for layer in self.layers)

    @property
    def total(self) -> int:
        """MACs of forward pass, backward pass and weight gradients."""
        return self.forward + self.backward + self.update


def counts_of_step(step: bptt.StepOp) -> OperationCounts:
    """The counts of a training step, per sample and time step."""
    weights = {
        name: _cells(op.type.get_shape())
        for name, op in step.parameters().items()
        if not op.is_running
    }
    layers: dict[str, LayerCounts] = {}

    def layer(name: str) -> LayerCounts:
        return layers.get(name) or LayerCounts(_statement(name), weights[name])

    neurons = 0
    for op in step.walk():
        match op:
            case bptt.SynapseOp() | bptt.ConvolutionOp():
                name = op.weight.root_reference.data
                macs = _macs(op.current, weights[name])
                layers[name] = replace(layer(name), forward=layer(name).forward + macs)
            case bptt.SynapseInputGradientOp() | bptt.ConvolutionInputGradientOp():
                name = op.weight.root_reference.data
                macs = _macs(op.gradient, weights[name])
                layers[name] = replace(layer(name), backward=layer(name).backward + macs)
            case bptt.SynapseWeightGradientOp() | bptt.ConvolutionWeightGradientOp():
                for name in _updated_by(op.weight_gradient):
                    macs = _macs(op.gradient, weights[name])
                    layers[name] = replace(layer(name), update=layer(name).update + macs)
            case FireOp():
                neurons += bptt.unit_count(op.spikes.type)
            case _:
                pass
    return OperationCounts(tuple(layers.values()), neurons, sum(weights.values()))


def counts_of_network(network: snn.NetworkOp) -> OperationCounts:
    """The counts of a network's forward pass, per sample and time step.

    All shapes must be known.
    """
    weights = {
        name: _cells(op.type.get_shape())
        for name, op in network.parameters().items()
        if not op.is_running
    }
    layers: dict[str, LayerCounts] = {}
    neurons = 0
    for op in network.body.block.ops:
        match op:
            case snn.LinearOp() | snn.Conv2dOp():
                name = op.weight_name
                before = layers.get(name) or LayerCounts(_statement(name), weights[name])
                macs = _macs(op.result, weights[name])
                layers[name] = replace(before, forward=before.forward + macs)
            case snn.LifOp():
                neurons += bptt.unit_count(op.spikes.type)
            case _:
                pass
    return OperationCounts(tuple(layers.values()), neurons, sum(weights.values()))


def _macs(current: SSAValue, weights: int) -> int:
    """Every weight of [channels out, ...] is used once for each pixel of a channel."""
    shape = [extent for extent in bptt.tensor_of(current).get_shape() if extent >= 0]
    return weights * _cells(shape[1:])


def _cells(shape: tuple[int, ...] | list[int]) -> int:
    cells = 1
    for extent in shape:
        cells *= extent
    return cells


def _statement(weight: str) -> str:
    return weight.removesuffix(".weight")


def _updated_by(gradient: SSAValue) -> Iterator[str]:
    """The parameters that a gradient updates, alone or in a sum."""
    for use in gradient.uses:
        op: Operation = use.operation
        if isinstance(op, bptt.OptimizeOp):
            yield op.parameter.root_reference.data
        elif isinstance(op, bptt.AddOp):
            yield from _updated_by(op.sum)
