"""Batch normalization in a training step: statistics, their use, their gradients.

The channel is axis 2 of a sequence [T, B, channels, ...]. Sums run in double precision, as on
the machine within a tile.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.ir import Operation

from spikeloom.dialects import bptt
from spikeloom.verification.arrays import Array, Precision
from spikeloom.verification.step_frame import Frame, Rule

CHANNEL = 2


def per_channel(statistic: Array, like: Array) -> Array:
    """[channels] in the shape that goes with a sequence."""
    return statistic.reshape(-1, *[1] * (like.ndim - CHANNEL - 1))


def channel_sum(sequence: Array) -> Array:
    """[T, B, channels, ...] summed to [channels] in double precision."""
    axes = tuple(axis for axis in range(sequence.ndim) if axis != CHANNEL)
    return sequence.sum(axis=axes, dtype=np.float64)


def numbers_of(sequence: Array) -> int:
    """How many numbers of a sequence share a channel."""
    return sequence.size // sequence.shape[CHANNEL]


def mean_and_variance(value: Array, precision: Precision) -> tuple[Array, Array]:
    """Over time, batch and space; the variance is the biased one."""
    mean = (channel_sum(value) / numbers_of(value)).astype(precision)
    distance = value - per_channel(mean, value)
    return mean, (channel_sum(distance**2) / numbers_of(value)).astype(precision)


def standardized(value: Array, mean: Array, variance: Array, epsilon: Any) -> Array:
    """(x - mean) / sqrt(variance + epsilon)."""
    deviation = np.sqrt(variance + epsilon)
    return (value - per_channel(mean, value)) / per_channel(deviation, value)


def moments(op: bptt.MomentsOp, frame: Frame) -> tuple[Array, ...]:
    """Mean and biased variance."""
    return mean_and_variance(frame[op.value], frame.precision)


def normalize(op: bptt.NormalizeOp, frame: Frame) -> tuple[Array, ...]:
    """scale * (x - mean) / sqrt(variance + epsilon) + shift."""
    value = frame[op.value]
    if op.mean is not None and op.variance is not None:
        mean, variance = frame[op.mean], frame[op.variance]
    else:
        assert op.running_mean is not None
        assert op.running_variance is not None
        mean, variance = frame.parameter(op.running_mean), frame.parameter(op.running_variance)
    hat = standardized(value, mean, variance, frame.constant(op.epsilon.value.data))
    scale, shift = frame.parameter(op.scale), frame.parameter(op.shift)
    return (per_channel(scale, value) * hat + per_channel(shift, value),)


def scale_gradient(op: bptt.ScaleGradientOp, frame: Frame) -> tuple[Array, ...]:
    """The sum of g * xhat."""
    epsilon = frame.constant(op.epsilon.value.data)
    hat = standardized(frame[op.value], frame[op.mean], frame[op.variance], epsilon)
    return (channel_sum(frame[op.gradient] * hat),)


def normalize_gradient(op: bptt.NormalizeGradientOp, frame: Frame) -> tuple[Array, ...]:
    """scale / deviation * (g - gshift / N - xhat * gscale / N)."""
    value, epsilon = frame[op.value], frame.constant(op.epsilon.value.data)
    hat = standardized(value, frame[op.mean], frame[op.variance], epsilon)
    fraction = frame.constant(1.0 / numbers_of(value))
    shift = per_channel(frame[op.shift_gradient] * fraction, value)
    scale = per_channel(frame[op.scale_gradient] * fraction, value)
    factor = frame.parameter(op.scale) / np.sqrt(frame[op.variance] + epsilon)
    return (per_channel(factor, value) * (frame[op.gradient] - shift - hat * scale),)


def updated_statistic(op: bptt.UpdateRunningOp, frame: Frame) -> Array:
    """(1 - momentum) * running + momentum * statistic."""
    momentum, factor = op.momentum.value.data, 1.0
    if op.unbiased is not None:
        numbers = frame.steps * frame.batch * op.positions
        factor = numbers / max(1, numbers - 1)
    kept = frame.constant(1.0 - momentum) * frame.parameter(op.parameter)
    return kept + frame.constant(momentum * factor) * frame[op.statistic]


NORMALIZATION_RULES: dict[type[Operation], Rule] = {
    bptt.MomentsOp: moments,
    bptt.NormalizeOp: normalize,
    bptt.ScaleGradientOp: scale_gradient,
    bptt.NormalizeGradientOp: normalize_gradient,
}
"""By the kind of operation; running statistics are updated by `updated_statistic`."""
