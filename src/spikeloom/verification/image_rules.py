"""The operations of images in a training step: convolutions, pools, channels."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.window import WindowAttr
from spikeloom.verification import image_arithmetic as images
from spikeloom.verification.arrays import Array
from spikeloom.verification.image_arithmetic import Window
from spikeloom.verification.matrix_rules import masked
from spikeloom.verification.step_frame import Frame, Rule, is_in_scan


def _window(attribute: WindowAttr, image: SSAValue, result: SSAValue) -> Window:
    """The window by which `result` reads `image`."""
    rows, columns = bptt.tensor_of(image).get_shape()[-2:]
    below, beside = bptt.tensor_of(result).get_shape()[-2:]
    return Window.of(attribute, (rows, columns), (below, beside))


def convolution(op: bptt.ConvolutionOp, frame: Frame) -> tuple[Array, ...]:
    """Weighted sums over windows."""
    weight, image = frame.parameter(op.weight), frame[op.input]
    window = _window(op.window, op.input, op.current)
    current = images.convolve(image, weight, window)
    if op.bias is not None:
        current = current + frame.parameter(op.bias)[:, None, None]
    return (current,)


def input_gradient(op: bptt.ConvolutionInputGradientOp, frame: Frame) -> tuple[Array, ...]:
    """The windows' gradients, spread over their pixels; not computed where a mask is zero."""
    weight, gradient = frame.parameter(op.weight), frame[op.gradient]
    window = _window(op.window, op.input_gradient, op.gradient)
    return (masked(op, images.convolution_input_gradient(gradient, weight, window), frame),)


def weight_gradient(op: bptt.ConvolutionWeightGradientOp, frame: Frame) -> tuple[Array, ...]:
    """The sum over time, batch and pixels."""
    gradient, image = frame[op.gradient], frame[op.input]
    window = _window(op.window, op.input, op.gradient)
    return (images.convolution_weight_gradient(gradient, image, window),)


def pool(op: bptt.PoolOp, frame: Frame) -> tuple[Array, ...]:
    """The sum, average or maximum of every window."""
    window = _window(op.window, op.value, op.pooled)
    if op.kind.data == "max":
        return (images.pool_max(frame[op.value], window),)
    return (images.pool_sum(frame[op.value], window) * _pool_scale(op, frame),)


def pool_gradient(op: bptt.PoolGradientOp, frame: Frame) -> tuple[Array, ...]:
    """What the windows' gradients say of the pixels."""
    window = _window(op.window, op.value_gradient, op.gradient)
    if op.value is None or op.pooled is None:
        gradient = images.pool_sum_gradient(frame[op.gradient], window)
        return (gradient * _pool_scale(op, frame),)
    values, pooled = frame[op.value], frame[op.pooled]
    return (images.pool_max_gradient(frame[op.gradient], values, pooled, window),)


def _pool_scale(op: bptt.PoolOp | bptt.PoolGradientOp, frame: Frame) -> float:
    return frame.constant(1.0 / op.window.taps if op.kind.data == "avg" else 1.0)


def concatenate(op: bptt.ConcatenateOp, frame: Frame) -> tuple[Array, ...]:
    """The channels of both."""
    axis = 1 if is_in_scan(op) else 2
    return (np.concatenate([frame[op.left], frame[op.right]], axis=axis),)


def channels(op: bptt.SliceOp, frame: Frame) -> tuple[Array, ...]:
    """Some of the channels."""
    axis = 1 if is_in_scan(op) else 2
    first = op.first.value.data
    count = bptt.tensor_of(op.part).get_shape()[axis]
    return (np.take(frame[op.value], range(first, first + count), axis=axis),)


IMAGE_RULES: dict[type[Operation], Rule] = {
    bptt.ConvolutionOp: convolution,
    bptt.ConvolutionInputGradientOp: input_gradient,
    bptt.ConvolutionWeightGradientOp: weight_gradient,
    bptt.PoolOp: pool,
    bptt.PoolGradientOp: pool_gradient,
    bptt.ConcatenateOp: concatenate,
    bptt.SliceOp: channels,
}
"""By the kind of operation."""
