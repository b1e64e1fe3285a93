"""Fully connected synapses and operations on sequences as such."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import Operation

from spikeloom.dialects import bptt
from spikeloom.verification.arrays import Array
from spikeloom.verification.step_frame import Frame, Rule


def synapse(op: bptt.SynapseOp, frame: Frame) -> tuple[Array, ...]:
    """I = W x + b."""
    weight = frame.parameter(op.weight)
    current = frame[op.input] @ weight.T
    return (current if op.bias is None else current + frame.parameter(op.bias),)


def input_gradient(op: bptt.SynapseInputGradientOp, frame: Frame) -> tuple[Array, ...]:
    """gx = W^T gu, not computed where a mask is zero."""
    weight = frame.parameter(op.weight)
    return (masked(op, frame[op.gradient] @ weight, frame),)


def weight_gradient(op: bptt.SynapseWeightGradientOp, frame: Frame) -> tuple[Array, ...]:
    """gW = sum over time and batch of gu (outer) x."""
    gradient, value = frame[op.gradient], frame[op.input]
    rows = gradient.reshape(-1, gradient.shape[-1])
    return (rows.T @ value.reshape(-1, value.shape[-1]),)


def bias_gradient(op: bptt.BiasGradientOp, frame: Frame) -> tuple[Array, ...]:
    """The sum over everything but the channel."""
    return (sum_but_channels(frame[op.gradient]),)


def sum_but_channels(sequence: Array) -> Array:
    """[T, B, channels, ...] summed to [channels]."""
    return sequence.sum(axis=tuple(axis for axis in range(sequence.ndim) if axis != 2))


def masked(op: Operation, gradient: Array, frame: Frame) -> Array:
    """The gradient of an input, zero where the operation's mask is."""
    mask = getattr(op, "mask", None)
    return gradient if mask is None else gradient * frame[mask]


def add(op: bptt.AddOp, frame: Frame) -> tuple[Array, ...]:
    """The sum of two values."""
    return (frame[op.left] + frame[op.right],)


def reshape(op: bptt.ReshapeOp, frame: Frame) -> tuple[Array, ...]:
    """The same numbers with another shape of a sample."""
    value, shape = frame[op.value], bptt.tensor_of(op.reshaped).get_shape()
    leading = shape.count(DYNAMIC_INDEX)
    return (value.reshape(*value.shape[:leading], *shape[leading:]),)


def delay(op: bptt.DelayOp, frame: Frame) -> tuple[Array, ...]:
    """x[t-1]."""
    value = frame[op.value]
    return (np.concatenate([np.zeros_like(value[:1]), value[:-1]]),)


def advance(op: bptt.AdvanceOp, frame: Frame) -> tuple[Array, ...]:
    """x[t+1]."""
    value = frame[op.value]
    return (np.concatenate([value[1:], np.zeros_like(value[:1])]),)


MATRIX_RULES: dict[type[Operation], Rule] = {
    bptt.SynapseOp: synapse,
    bptt.SynapseInputGradientOp: input_gradient,
    bptt.SynapseWeightGradientOp: weight_gradient,
    bptt.BiasGradientOp: bias_gradient,
    bptt.AddOp: add,
    bptt.ReshapeOp: reshape,
    bptt.DelayOp: delay,
    bptt.AdvanceOp: advance,
}
"""By the kind of operation."""
