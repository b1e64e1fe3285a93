"""The operations of a network, each at one time step."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import snn
from spikeloom.dialects.pool_kind import PoolKind
from spikeloom.dialects.window import WindowAttr
from spikeloom.verification import image_arithmetic as images
from spikeloom.verification.arrays import Array
from spikeloom.verification.image_arithmetic import Window
from spikeloom.verification.network_frame import NetworkFrame, StepRule
from spikeloom.verification.neuron_arithmetic import Neuron
from spikeloom.verification.normalization_rules import (
    mean_and_variance,
    per_channel,
    standardized,
)


def _linear(op: snn.LinearOp, frame: NetworkFrame, time: int) -> Array:
    weight, value = frame.parameters[op.weight_name], frame.values[op.input][time]
    current = value @ weight.T
    return current if op.bias_name is None else current + frame.parameters[op.bias_name]


def _add(op: snn.AddOp, frame: NetworkFrame, time: int) -> Array:
    return frame.values[op.left][time] + frame.values[op.right][time]


def _reshape(op: snn.FlattenOp | snn.ReshapeOp, frame: NetworkFrame, time: int) -> Array:
    shape = snn.known_shape(op.results[0])
    assert shape is not None
    return frame.values[op.operands[0]][time].reshape(-1, *shape)


def _previous(op: snn.PreviousOp, frame: NetworkFrame, time: int) -> Array:
    if time > 0:
        return frame.values[op.value][time - 1]
    shape = snn.known_shape(op.result)
    assert shape is not None
    return np.zeros((frame.batch, *shape), frame.precision)


def _lif(op: snn.LifOp, frame: NetworkFrame, time: int) -> Array:
    neuron, current = Neuron.of(op.neuron, frame.precision), frame.values[op.current][time]
    before = frame.states.get(op, np.zeros_like(current))
    spikes = frame.values[op.spikes][time - 1] if time > 0 else np.zeros_like(current)
    potential = frame.states[op] = neuron.potential(before, spikes, current)
    return frame.fire((op.layer.data, time), neuron, potential)[0]


def _li(op: snn.LiOp, frame: NetworkFrame, time: int) -> Array:
    current = frame.values[op.current][time]
    before = frame.states.get(op, np.zeros_like(current))
    decay = frame.precision(np.float32(op.decay.value.data))
    frame.states[op] = decay * before + current
    return frame.states[op]


def _conv2d(op: snn.Conv2dOp, frame: NetworkFrame, time: int) -> Array:
    weight, image = frame.parameters[op.weight_name], frame.values[op.input][time]
    window = _window(op.window, op.input, op.result)
    current = images.convolve(image, weight, window)
    if op.bias_name is None:
        return current
    return current + frame.parameters[op.bias_name][:, None, None]


def _pool2d(op: snn.Pool2dOp, frame: NetworkFrame, time: int) -> Array:
    image, window = frame.values[op.value][time], _window(op.window, op.value, op.pooled)
    if op.kind.data is PoolKind.MAX:
        return images.pool_max(image, window)
    scale = 1.0 / op.window.taps if op.kind.data is PoolKind.AVG else 1.0
    return images.pool_sum(image, window) * frame.precision(np.float32(scale))


def _concat(op: snn.ConcatOp, frame: NetworkFrame, time: int) -> Array:
    return np.concatenate([frame.values[op.left][time], frame.values[op.right][time]], axis=1)


def _batchnorm(op: snn.BatchnormOp, frame: NetworkFrame, time: int) -> Array:
    if time == 0:
        sequence = frame.sequence(op.current)
        mean, variance = (frame.parameters[n] for n in (op.mean_name, op.variance_name))
        if frame.training:
            mean, variance = mean_and_variance(sequence, frame.precision)
        epsilon = frame.precision(np.float32(op.epsilon.value.data))
        hat = standardized(sequence, mean, variance, epsilon)
        scale, shift = (frame.parameters[n] for n in (op.scale_name, op.shift_name))
        frame.states[op] = per_channel(scale, sequence) * hat + per_channel(shift, sequence)
    return frame.states[op][time]


def _window(attribute: WindowAttr, image: SSAValue, result: SSAValue) -> Window:
    before, after = snn.known_shape(image), snn.known_shape(result)
    assert before is not None
    assert after is not None
    return Window.of(attribute, (before[1], before[2]), (after[1], after[2]))


OVER_TIME: tuple[type[Operation], ...] = (snn.BatchnormOp,)
"""Operations that read all steps of their operands at each of theirs."""

STEP_RULES: dict[type[Operation], StepRule] = {
    snn.LinearOp: _linear,
    snn.Conv2dOp: _conv2d,
    snn.Pool2dOp: _pool2d,
    snn.BatchnormOp: _batchnorm,
    snn.ConcatOp: _concat,
    snn.AddOp: _add,
    snn.FlattenOp: _reshape,
    snn.ReshapeOp: _reshape,
    snn.PreviousOp: _previous,
    snn.LifOp: _lif,
    snn.LiOp: _li,
}
"""By the kind of operation."""
