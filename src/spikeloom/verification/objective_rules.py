"""Readout, loss and updates: what a training step is for.

Losses are computed in double precision, as the machine's loss unit does. Optimizers start from a
state of zeros: what is executed is the first step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.ir import Operation

from spikeloom.dialects import bptt
from spikeloom.dialects.training import (
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPSILON,
    LossKind,
    OptimizerAttr,
    OptimizerKind,
)
from spikeloom.verification.arrays import Array
from spikeloom.verification.step_frame import Frame, Rule


def readout(op: bptt.ReadoutOp, frame: Frame) -> tuple[Array, ...]:
    """The output summed over time, or averaged."""
    return (frame[op.output].sum(axis=0) * _scale(op, frame),)


def readout_gradient(op: bptt.ReadoutGradientOp, frame: Frame) -> tuple[Array, ...]:
    """The readout's gradient at every step."""
    each = frame[op.gradient] * _scale(op, frame)
    return (np.broadcast_to(each, (frame.steps, *each.shape)),)


def _scale(op: bptt.ReadoutOp | bptt.ReadoutGradientOp, frame: Frame) -> float:
    is_mean = op.kind.data is bptt.ReadoutKind.MEAN
    return frame.constant(1.0 / frame.steps if is_mean else 1.0)


@dataclass(frozen=True)
class Objective:
    """A loss [], the right decisions [] and the readout's gradient [B, classes]."""

    loss: Array
    correct: Array
    gradient: Array


def objective(kind: LossKind, output: Array, labels: Array) -> Objective:
    """The loss of a readout [B, classes] for labels [B], in double precision."""
    scores = output.astype(np.float64)
    target = np.eye(scores.shape[1])[labels]
    if kind is LossKind.MSE:
        loss = np.mean((scores - target) ** 2)
        gradient = 2 * (scores - target) / scores.size
    else:
        shifted = scores - scores.max(axis=1, keepdims=True)
        logarithm = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        loss = -np.sum(logarithm * target) / len(labels)
        gradient = (np.exp(logarithm) - target) / len(labels)
    correct = np.sum(scores.argmax(axis=1) == labels)
    return Objective(np.asarray(loss), np.asarray(correct), gradient)


def loss(op: bptt.LossOp, frame: Frame) -> tuple[Array, ...]:
    """The loss, the right decisions, and the gradient if it is asked for."""
    found = objective(op.kind.data, frame[op.readout], frame[op.label])
    results = (frame.real(found.loss), found.correct)
    return results if op.gradient is None else (*results, frame.real(found.gradient))


def updated(optimizer: OptimizerAttr, parameter: Array, gradient: Array) -> Array:
    """The parameter after the first step; computed in the arrays' precision."""
    real = parameter.dtype.type
    rate, decay = optimizer.rate.value.data, optimizer.decay.value.data
    if optimizer.kind.data is OptimizerKind.SGD:
        return parameter - real(np.float32(rate)) * gradient
    first, second = real(1.0 - ADAM_BETA1) * gradient, real(1.0 - ADAM_BETA2) * gradient**2
    stride, correction = real(rate / (1.0 - ADAM_BETA1)), real(1.0 / (1.0 - ADAM_BETA2))
    change = stride * first / (np.sqrt(second * correction) + real(ADAM_EPSILON))
    return real(1.0 - rate * decay) * parameter - change


OBJECTIVE_RULES: dict[type[Operation], Rule] = {
    bptt.ReadoutOp: readout,
    bptt.ReadoutGradientOp: readout_gradient,
    bptt.LossOp: loss,
}
"""By the kind of operation."""
