"""The gradient rule of each network operation: from its result's gradient to its operands'.

A rule writes into a `Place`: among whole sequences, or at one step of a scan from the last step
to the first. Gradients of weights and biases are sums over time and always stand outside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.ir import SSAValue

from spikeloom.dialects import bptt, snn
from spikeloom.dialects.bptt.neurons import FireGradientOp, IntegrateGradientOp
from spikeloom.dialects.neuron import Reset
from spikeloom.passes.bptt.expansion import Emitter, Expansion, SavedNeuron


@dataclass(frozen=True)
class Place:
    """Where rules write, and what they find there.

    Attributes:
        expansion: the step under construction.
        emitter: where operations go.
        gradients: the terms of each network value's gradient so far; rules add to them.
        value_of: what the forward pass made of a network value.
        type_of: the type that a network value has here.
    """

    expansion: Expansion
    emitter: Emitter
    gradients: dict[SSAValue, list[SSAValue]]
    value_of: Callable[[SSAValue], SSAValue]
    type_of: Callable[[SSAValue], bptt.Tensor]

    def gradient_type(self, value: SSAValue) -> bptt.Tensor:
        """The type of a network value's gradient."""
        return bptt.real_like(self.type_of(value))


def propagate(
    place: Place,
    op: snn.NetworkValueOperation,
    gradient: SSAValue,
    saved: SavedNeuron | None = None,
    following: SSAValue | None = None,
) -> SSAValue | None:
    """Adds to the gradients of an operation's operands.

    Args:
        gradient: the gradient of the operation's result.
        saved: of spiking neurons, what their forward pass kept.
        following: of neurons at one step, their current's gradient at the next step.

    Returns:
        Of neurons, their current's gradient.
    """
    if isinstance(op, snn.LifOp | snn.LiOp):
        return _through_neurons(place, op, gradient, saved, following)
    if isinstance(op, snn.BatchnormOp):
        _batchnorm_gradients(place, op, gradient)
    for position, operand in enumerate(op.operands):
        if place.expansion.needs_gradient(operand):
            place.gradients[operand].append(_operand_gradient(place, op, position, gradient))
    return None


def _operand_gradient(
    place: Place, op: snn.NetworkValueOperation, position: int, gradient: SSAValue
) -> SSAValue:
    """What the gradient of an operation's result says of one of its operands."""
    emit, type = place.emitter.emit, place.gradient_type(op.operands[position])
    match op:
        case snn.AddOp():
            return gradient
        case snn.PreviousOp():
            return emit(bptt.AdvanceOp(gradient), op).shifted
        case snn.FlattenOp() | snn.ReshapeOp():
            return emit(bptt.ReshapeOp(gradient, type), op).reshaped
        case snn.LinearOp():
            back = bptt.SynapseInputGradientOp(gradient, op.weight, type)
            return emit(back, op).input_gradient
        case snn.Conv2dOp():
            back = bptt.ConvolutionInputGradientOp(gradient, op.weight, op.window, type)
            return emit(back, op).input_gradient
        case snn.Pool2dOp():
            return _through_pool(place, op, gradient)
        case snn.BatchnormOp():
            return _through_batchnorm(place, op, gradient)
        case snn.ConcatOp():
            channels = (snn.known_shape(op.left) or (0,))[0]
            return emit(bptt.SliceOp(gradient, position * channels, type), op).part
        case _:
            raise AssertionError(f"no gradient rule for {op.name}")


def _through_neurons(
    place: Place,
    op: snn.LifOp | snn.LiOp,
    gradient: SSAValue,
    saved: SavedNeuron | None,
    following: SSAValue | None,
) -> SSAValue:
    if isinstance(op, snn.LiOp):
        leaky = IntegrateGradientOp(gradient, op.decay, op.layer.data, following)
        current_gradient = place.emitter.emit(leaky, op).result
    else:
        assert saved is not None
        reset_to_zero = op.neuron.reset.data is Reset.ZERO
        fire = FireGradientOp(
            gradient,
            op.neuron,
            op.layer.data,
            spikes=saved.spikes if reset_to_zero else None,
            mask=saved.mask,
            potential=saved.potential if op.neuron.saves_potential else None,
            next_gradient=following,
        )
        current_gradient = place.emitter.emit(fire, op).gradient
    place.gradients[op.current].append(current_gradient)
    return current_gradient


def _through_pool(place: Place, op: snn.Pool2dOp, gradient: SSAValue) -> SSAValue:
    kind = op.kind.data
    value = pooled = None
    if kind is bptt.PoolKind.MAX:
        value, pooled = place.value_of(op.value), place.value_of(op.pooled)
    type = place.gradient_type(op.value)
    back = bptt.PoolGradientOp(gradient, kind, op.window, value, pooled, type)
    return place.emitter.emit(back, op).value_gradient


def _batchnorm_gradients(place: Place, op: snn.BatchnormOp, gradient: SSAValue) -> None:
    """Sums over batch, time and space: the gradients of scale and shift."""
    expansion, emitter = place.expansion, place.emitter
    moments, value = expansion.moments[op], place.value_of(op.current)
    scale = bptt.ScaleGradientOp(gradient, value, moments.mean, moments.variance, op.epsilon)
    scale_gradient = emitter.emit(scale, op).scale_gradient
    shift = bptt.BiasGradientOp(gradient, op.parameter(op.shift_name).type)
    shift_gradient = emitter.emit(shift, op).bias_gradient
    expansion.parameter_gradient(op, op.scale_name, scale_gradient)
    expansion.parameter_gradient(op, op.shift_name, shift_gradient)


def _through_batchnorm(place: Place, op: snn.BatchnormOp, gradient: SSAValue) -> SSAValue:
    """The statistics are functions of the value: the two sums above correct its gradient."""
    expansion = place.expansion
    moments, sums = expansion.moments[op], expansion.gradients
    back = bptt.NormalizeGradientOp(
        gradient,
        place.value_of(op.current),
        moments.mean,
        moments.variance,
        sums[op.scale_name],
        sums[op.shift_name],
        op.scale,
        op.epsilon,
    )
    return place.emitter.emit(back, op).value_gradient


def weight_gradients(
    expansion: Expansion, op: snn.LinearOp | snn.Conv2dOp, gradient: SSAValue
) -> None:
    """Sums over batch, time and space: the gradients of a weight and a bias."""
    emitter, input = expansion.emitter, expansion.sequence(op.input)
    type = op.parameter(op.weight_name).type
    if isinstance(op, snn.LinearOp):
        synapse = bptt.SynapseWeightGradientOp(gradient, input, type)
        weight = emitter.emit(synapse, op).weight_gradient
    else:
        window = bptt.ConvolutionWeightGradientOp(gradient, input, op.window, type)
        weight = emitter.emit(window, op).weight_gradient
    expansion.parameter_gradient(op, op.weight_name, weight)
    if op.bias_name is not None:
        bias = bptt.BiasGradientOp(gradient, op.parameter(op.bias_name).type)
        expansion.parameter_gradient(op, op.bias_name, emitter.emit(bias, op).bias_gradient)
