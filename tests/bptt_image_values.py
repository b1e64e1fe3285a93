"""What the operations of `bptt` on images and channels compute, in numpy and single precision.

Images have any leading dimensions, [..., C, H, W]: time and batch, or the batch alone. Everything
works on strided views of whole images, tap by tap.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from xdsl.dialects.builtin import DYNAMIC_INDEX, SymbolRefAttr
from xdsl.ir import SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.window import WindowAttr

Array = NDArray[np.float32]
F32 = np.float32

ImageOperation = (
    bptt.ConvolutionOp
    | bptt.ConvolutionInputGradientOp
    | bptt.ConvolutionWeightGradientOp
    | bptt.PoolOp
    | bptt.PoolGradientOp
    | bptt.NormalizeOp
    | bptt.ScaleGradientOp
    | bptt.NormalizeGradientOp
    | bptt.ConcatenateOp
    | bptt.SliceOp
)


def image_value(
    op: ImageOperation, now: Mapping[SSAValue, Array], parameters: Mapping[str, Array]
) -> Array:
    """The only result of an operation, from the values and parameters that it reads."""

    def named(symbol: SymbolRefAttr) -> Array:
        return parameters[symbol.root_reference.data]

    match op:
        case bptt.ConvolutionOp():
            cells = _windows(now[op.input], op.window, _sides(op.current))
            currents = np.einsum("...cyxji,dcji->...dyx", cells, named(op.weight))
            return currents if op.bias is None else currents + named(op.bias)[:, None, None]
        case bptt.ConvolutionInputGradientOp():
            back = _convolution_back(op, now[op.gradient], named(op.weight))
            return back if op.mask is None else np.where(now[op.mask] > 0, back, F32(0))
        case bptt.ConvolutionWeightGradientOp():
            cells = _windows(now[op.input], op.window, _sides(op.gradient))
            return np.einsum("tbdyx,tbcyxji->dcji", now[op.gradient], cells)
        case bptt.PoolOp():
            return _pool(op.kind.data, _windows(now[op.value], op.window, _sides(op.pooled)))
        case bptt.PoolGradientOp():
            return _pool_back(op, now)
        case bptt.NormalizeOp():
            mean = named(op.running_mean) if op.mean is None else now[op.mean]
            variance = named(op.running_variance) if op.variance is None else now[op.variance]
            centered = _centered(now[op.value], mean, variance, op.epsilon.value.data)
            spread = _spread(centered)
            return centered * named(op.scale)[spread] + named(op.shift)[spread]
        case bptt.ScaleGradientOp():
            return channel_sums(now[op.gradient] * _centered_of(op, now))
        case bptt.NormalizeGradientOp():
            return _normalize_back(op, now, named(op.scale))
        case bptt.ConcatenateOp():
            return np.concatenate([now[op.left], now[op.right]], axis=_leading(op.left))
        case bptt.SliceOp():
            first, axis = op.first.value.data, _leading(op.value)
            count = bptt.tensor_of(op.part).get_shape()[axis]
            return np.take(now[op.value], range(first, first + count), axis=axis)


def moments(values: Array) -> tuple[Array, Array]:
    """Mean and biased variance per channel of [T, B, C, ...], summed in double precision."""
    mean = values.mean(axis=_others(values), dtype=np.float64)
    wide = values - mean[_spread(values)]
    return mean.astype(F32), (wide * wide).mean(axis=_others(values)).astype(F32)


def channel_sums(values: Array) -> Array:
    """Per channel of [T, B, C, ...], summed in double precision."""
    return values.sum(axis=_others(values), dtype=np.float64).astype(F32)


def running_after(
    step: bptt.StepOp, values: Mapping[SSAValue, Array], parameters: Mapping[str, Array]
) -> dict[str, Array]:
    """The running statistics after a step whose values are known."""
    found: dict[str, Array] = {}
    for op in step.body.block.ops:
        if isinstance(op, bptt.UpdateRunningOp):
            name, momentum = op.parameter.root_reference.data, op.momentum.value.data
            statistic = values[op.statistic].astype(np.float64)
            if op.unbiased is not None:
                count = step.steps.value.data * step.batch.value.data * op.positions
                statistic = statistic * count / (count - 1)
            found[name] = ((1 - momentum) * parameters[name] + momentum * statistic).astype(F32)
    return found


def _leading(value: SSAValue) -> int:
    """The axis of the channels."""
    return bptt.tensor_of(value).get_shape().count(DYNAMIC_INDEX)


def _sides(value: SSAValue) -> tuple[int, int]:
    height, width = bptt.tensor_of(value).get_shape()[-2:]
    return height, width


def _padded_extent(size: int, output: int, window: WindowAttr) -> int:
    kernel, stride, padding = window.sizes
    return max(padding + size, (output - 1) * stride + kernel)


def _padded(image: Array, window: WindowAttr, outputs: tuple[int, int]) -> Array:
    """The image behind as many zeros as the window asks for, and before as many as it reads."""
    padding = window.sizes[2]
    height, width = image.shape[-2:]
    extents = [_padded_extent(s, o, window) for s, o in zip((height, width), outputs, strict=True)]
    result = np.zeros((*image.shape[:-2], *extents), F32)
    result[..., padding : padding + height, padding : padding + width] = image
    return result


def _windows(image: Array, window: WindowAttr, outputs: tuple[int, int]) -> Array:
    """[..., C, outputs, kernel, kernel]: what the window reads at each of its places."""
    kernel, stride, _ = window.sizes
    views = sliding_window_view(_padded(image, window, outputs), (kernel, kernel), axis=(-2, -1))
    return views[..., : stride * outputs[0] : stride, : stride * outputs[1] : stride, :, :]


def _scattered(taps: Array, window: WindowAttr, shape: tuple[int, ...]) -> Array:
    """The adjoint of `_windows`: [..., C, outputs, kernel, kernel] added up into [..., C, H, W]."""
    kernel, stride, padding = window.sizes
    height, width = taps.shape[-4:-2]
    extents = [
        _padded_extent(size, output, window)
        for size, output in zip(shape[-2:], (height, width), strict=True)
    ]
    result = np.zeros((*taps.shape[:-4], *extents), F32)
    for j, i in np.ndindex(kernel, kernel):
        rows = slice(j, j + stride * (height - 1) + 1, stride)
        columns = slice(i, i + stride * (width - 1) + 1, stride)
        result[..., rows, columns] += taps[..., j, i]
    return result[..., padding : padding + shape[-2], padding : padding + shape[-1]]


def _convolution_back(op: bptt.ConvolutionInputGradientOp, gradient: Array, weight: Array) -> Array:
    taps = np.einsum("...dyx,dcji->...cyxji", gradient, weight)
    return _scattered(taps, op.window, bptt.tensor_of(op.input_gradient).get_shape())


def _pool(kind: bptt.PoolKind, cells: Array) -> Array:
    match kind:
        case bptt.PoolKind.SUM:
            return cells.sum(axis=(-2, -1))
        case bptt.PoolKind.AVG:
            return cells.mean(axis=(-2, -1))
        case bptt.PoolKind.MAX:
            return cells.max(axis=(-2, -1))


def _pool_back(op: bptt.PoolGradientOp, now: Mapping[SSAValue, Array]) -> Array:
    gradient, shape = now[op.gradient], bptt.tensor_of(op.value_gradient).get_shape()
    kernel = op.window.sizes[0]
    if op.value is None or op.pooled is None:
        share = 1.0 / kernel**2 if op.kind.data is bptt.PoolKind.AVG else 1.0
        taps = np.broadcast_to(
            (gradient * F32(share))[..., None, None], (*gradient.shape, kernel, kernel)
        )
        return _scattered(taps, op.window, shape)
    cells = _windows(now[op.value], op.window, _sides(op.gradient))
    is_largest = (cells == now[op.pooled][..., None, None]).reshape(*gradient.shape, -1)
    is_first = is_largest & (np.cumsum(is_largest, axis=-1) == 1)
    taps = np.where(is_first, gradient[..., None], F32(0))
    return _scattered(taps.reshape(*gradient.shape, kernel, kernel), op.window, shape)


def _others(values: Array) -> tuple[int, ...]:
    return tuple(axis for axis in range(values.ndim) if axis != 2)


def _spread(values: Array) -> tuple[slice | None, ...]:
    """Indexes numbers per channel so that they meet [T, B, C, ...]."""
    return (slice(None), *[None] * (values.ndim - 3))


def _centered(values: Array, mean: Array, variance: Array, epsilon: float) -> Array:
    spread = _spread(values)
    return (values - mean[spread]) / np.sqrt(variance + F32(epsilon))[spread]


def _centered_of(
    op: bptt.ScaleGradientOp | bptt.NormalizeGradientOp, now: Mapping[SSAValue, Array]
) -> Array:
    return _centered(now[op.value], now[op.mean], now[op.variance], op.epsilon.value.data)


def _normalize_back(
    op: bptt.NormalizeGradientOp, now: Mapping[SSAValue, Array], scale: Array
) -> Array:
    gradient, centered = now[op.gradient], _centered_of(op, now)
    spread = _spread(gradient)
    count = F32(gradient.size // len(scale))
    factor = scale / np.sqrt(now[op.variance] + F32(op.epsilon.value.data))
    mean_gradient = now[op.shift_gradient] / count
    slope = now[op.scale_gradient] / count
    return factor[spread] * (gradient - mean_gradient[spread] - centered * slope[spread])
