"""Windows over images and normalization in plain numpy, in double precision.

Convolutions and pools walk over the places of their window, one patch at a time: slow, and plain
enough to be believed. An image is [B, C, H, W].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from snn_expressions import Conv2d, Pool2d

Array = NDArray[np.float64]
Patch = tuple[slice, slice, slice, slice]


def patches(size: int, stride: int, height: int, width: int) -> Iterator[tuple[int, int, Patch]]:
    """Row and column of every output with the cells of its window in the padded image."""
    everything = slice(None)
    for row in range(height):
        for column in range(width):
            rows = slice(row * stride, row * stride + size)
            columns = slice(column * stride, column * stride + size)
            yield row, column, (everything, everything, rows, columns)


class Convolution:
    """One convolution of one batch of images and its derivatives."""

    def __init__(self, conv: Conv2d, image: Array, weight: Array):
        self._conv, self._weight, self._image_shape = conv, weight, image.shape
        samples, channels, *sizes = image.shape
        outputs = [conv.output(size) for size in sizes]
        self._output_shape = (samples, conv.channels, *outputs)
        # Zeros behind the image as far as the last window reaches, or the image does.
        extents = [
            max((output - 1) * conv.stride + conv.kernel, conv.before + size)
            for output, size in zip(outputs, sizes, strict=True)
        ]
        self._padded = np.zeros((samples, channels, *extents))
        self._inside(self._padded)[...] = image

    def _inside(self, padded: Array) -> Array:
        before, (height, width) = self._conv.before, self._image_shape[2:]
        return padded[:, :, before : before + height, before : before + width]

    def _places(self) -> Iterator[tuple[int, int, Patch]]:
        return patches(self._conv.kernel, self._conv.stride, *self._output_shape[2:])

    def currents(self) -> Array:
        """The weighted sums, without a bias."""
        result = np.zeros(self._output_shape)
        for row, column, patch in self._places():
            window = self._padded[patch]
            result[:, :, row, column] = np.einsum("bckl,dckl->bd", window, self._weight)
        return result

    def input_gradient(self, gradient: Array) -> Array:
        """Every window gives its gradient back to the cells that it read."""
        padded = np.zeros_like(self._padded)
        for row, column, patch in self._places():
            padded[patch] += np.einsum("bd,dckl->bckl", gradient[:, :, row, column], self._weight)
        return self._inside(padded)

    def weight_gradient(self, gradient: Array, *, of_magnitudes: bool = False) -> Array:
        """Summed over samples and places."""
        image = np.abs(self._padded) if of_magnitudes else self._padded
        gradient = np.abs(gradient) if of_magnitudes else gradient
        result = np.zeros_like(self._weight)
        for row, column, patch in self._places():
            result += np.einsum("bd,bckl->dckl", gradient[:, :, row, column], image[patch])
        return result


def _shares(pool: Pool2d, window: Array) -> Array:
    """How much each cell of a window [B, C, k, k] has in the pool's result."""
    if pool.kind != "max":
        share = 1.0 if pool.kind == "sum" else 1.0 / pool.size**2
        return np.full(window.shape, share)
    cells = window.reshape(*window.shape[:2], -1)
    # argmax names the first one of equal cells.
    first = np.arange(pool.size**2) == np.argmax(cells, axis=2)[:, :, None]
    return first.reshape(window.shape).astype(np.float64)


def _pool_places(pool: Pool2d, image: Array) -> Iterator[tuple[int, int, Patch]]:
    height, width = (pool.output(size) for size in image.shape[2:])
    return patches(pool.size, pool.step, height, width)


def pooled(pool: Pool2d, image: Array) -> Array:
    """Every window's sum, average or maximum."""
    sizes = (pool.output(size) for size in image.shape[2:])
    result = np.zeros((*image.shape[:2], *sizes))
    for row, column, patch in _pool_places(pool, image):
        window = image[patch]
        result[:, :, row, column] = (_shares(pool, window) * window).sum(axis=(2, 3))
    return result


def pool_gradient(pool: Pool2d, image: Array, gradient: Array) -> Array:
    """What every cell gets back from the windows that it has a share in."""
    result = np.zeros(image.shape)
    for row, column, patch in _pool_places(pool, image):
        result[patch] += _shares(pool, image[patch]) * gradient[:, :, row, column, None, None]
    return result


def pool_gap(pool: Pool2d, image: Array) -> Array:
    """By how much the maximum of a window leads, at least, [B]; infinity without a second cell."""
    gap = np.full(len(image), np.inf)
    for _, _, patch in _pool_places(pool, image):
        cells = np.sort(image[patch].reshape(*image.shape[:2], -1), axis=2)
        if cells.shape[2] > 1:
            gap = np.minimum(gap, (cells[:, :, -1] - cells[:, :, -2]).min(axis=1))
    return gap


@dataclass(frozen=True, eq=False)
class Normalized:
    """A batchnorm's value over all steps [T, B, C, ...], with what its derivatives need.

    `centered` is (x - mean) / deviation; statistics are [C].
    """

    centered: Array
    deviation: Array
    mean: Array
    variance: Array

    @property
    def count(self) -> int:
        """Numbers that a statistic is taken of."""
        return self.centered.size // len(self.mean)

    def value(self, scale: Array, shift: Array) -> Array:
        """The scaled and shifted result."""
        return self.centered * self._spread(scale) + self._spread(shift)

    def scale_gradient(self, gradient: Array) -> Array:
        return self.sums(gradient * self.centered)

    def sums(self, values: Array) -> Array:
        """Per channel, over everything else."""
        return values.sum(axis=tuple(axis for axis in range(values.ndim) if axis != 2))

    def input_gradient(self, gradient: Array, scale: Array) -> Array:
        """The chain rule through value, mean and variance, each term on its own."""
        centered_gradient = gradient * self._spread(scale)
        deviation = self._spread(self.deviation)
        # d deviation = sum of (x - mean) dx / (count * deviation)
        of_deviation = -self.sums(centered_gradient * self.centered) / self.deviation
        through_variance = self._spread(of_deviation) * self.centered / self.count
        through_mean = -self._spread(self.sums(centered_gradient / deviation)) / self.count
        return centered_gradient / deviation + through_variance + through_mean

    def running(self, before: Array, statistic: str, momentum: float) -> Array:
        """The running statistic after this batch; a variance enters without bias."""
        now = self.mean
        if statistic == "variance":
            now = self.variance * self.count / (self.count - 1)
        return (1.0 - momentum) * before + momentum * now

    def _spread(self, per_channel: Array) -> Array:
        return per_channel.reshape(-1, *[1] * (self.centered.ndim - 3))


def normalized(values: Array, epsilon: float) -> Normalized:
    """Statistics over time, batch and space of [T, B, C, ...]."""
    others = tuple(axis for axis in range(values.ndim) if axis != 2)
    mean = values.mean(axis=others, keepdims=True)
    variance = ((values - mean) ** 2).mean(axis=others, keepdims=True)
    deviation = np.sqrt(variance + epsilon)
    centered = (values - mean) / deviation
    return Normalized(centered, deviation.ravel(), mean.ravel(), variance.ravel())
