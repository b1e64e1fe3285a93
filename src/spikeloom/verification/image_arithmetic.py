"""Windows over images on arrays: convolutions, pools and their gradients.

An image is [..., channels, rows, columns]; everything in front is one batch. The taps of a window
are visited row by row, and what they give is added in that order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom.dialects.window import WindowAttr
from spikeloom.verification.arrays import Array

Size = tuple[int, int]
Index = tuple[Any, ...]
"""What selects cells of an array: its pixels, whatever stands in front of them."""


@dataclass(frozen=True)
class Window:
    """A window that gives `output` pixels of an image of `input` pixels (rows, columns)."""

    kernel: int
    stride: int
    padding: int
    input: Size
    output: Size

    @classmethod
    def of(cls, window: WindowAttr, input: Size, output: Size) -> Window:
        """The attribute's window between images of these sizes."""
        return cls(*window.sizes, input, output)

    @property
    def padded(self) -> Size:
        """Rows and columns that the windows reach over, the image's own included."""
        reached = [self.stride * (pixels - 1) + self.kernel for pixels in self.output]
        own = [self.padding + pixels for pixels in self.input]
        return max(reached[0], own[0]), max(reached[1], own[1])

    def pad(self, image: Array) -> Array:
        """The image among zeros."""
        rows, columns = self.padded
        framed = np.zeros((*image.shape[:-2], rows, columns), image.dtype)
        framed[self.inside] = image
        return framed

    @property
    def inside(self) -> Index:
        """The index of the image among its zeros."""
        first, (rows, columns) = self.padding, self.input
        return (..., slice(first, first + rows), slice(first, first + columns))

    def taps(self) -> Iterator[tuple[int, int, Index]]:
        """Row and column of each tap, with the index of the padded pixels that it meets."""
        rows, columns = (self.stride * (pixels - 1) + 1 for pixels in self.output)
        for j in range(self.kernel):
            for i in range(self.kernel):
                below = slice(j, j + rows, self.stride)
                beside = slice(i, i + columns, self.stride)
                yield j, i, (..., below, beside)


def convolve(image: Array, weight: Array, window: Window) -> Array:
    """[..., inputs, rows, columns] and [outputs, inputs, k, k] to [..., outputs, rows, columns]."""
    padded, pixels = window.pad(image), window.output[0] * window.output[1]
    result = np.zeros((*image.shape[:-3], len(weight), pixels), weight.dtype)
    for j, i, met in window.taps():
        result += weight[:, :, j, i] @ padded[met].reshape(*image.shape[:-2], pixels)
    return result.reshape(*result.shape[:-1], *window.output)


def convolution_input_gradient(gradient: Array, weight: Array, window: Window) -> Array:
    """What the gradient of a convolution's result says of its input."""
    pixels = gradient.reshape(*gradient.shape[:-2], -1)
    padded = np.zeros((*gradient.shape[:-3], weight.shape[1], *window.padded), gradient.dtype)
    for j, i, met in window.taps():
        part = weight[:, :, j, i].T @ pixels
        padded[met] += part.reshape(*part.shape[:-1], *window.output)
    return padded[window.inside].copy()


def convolution_weight_gradient(gradient: Array, image: Array, window: Window) -> Array:
    """The sum over batch and pixels, [outputs, inputs, k, k]."""
    padded = window.pad(image)
    columns = np.moveaxis(gradient, -3, 0).reshape(gradient.shape[-3], -1)
    result = np.zeros((len(columns), image.shape[-3], *2 * (window.kernel,)), gradient.dtype)
    for j, i, met in window.taps():
        rows = np.moveaxis(padded[met], -3, 0).reshape(image.shape[-3], -1)
        result[:, :, j, i] = columns @ rows.T
    return result


def pool_sum(image: Array, window: Window) -> Array:
    """The sum over each window."""
    padded = window.pad(image)
    result = np.zeros((*image.shape[:-2], *window.output), image.dtype)
    for _, _, met in window.taps():
        result += padded[met]
    return result


def pool_sum_gradient(gradient: Array, window: Window) -> Array:
    """Every pixel gets the gradients of the windows that it lies in."""
    padded = np.zeros((*gradient.shape[:-2], *window.padded), gradient.dtype)
    for _, _, met in window.taps():
        padded[met] += gradient
    return padded[window.inside].copy()


def pool_max(image: Array, window: Window) -> Array:
    """The largest value of each window."""
    padded = window.pad(image)
    return np.max([padded[met] for _, _, met in window.taps()], axis=0)


def pool_max_gradient(gradient: Array, image: Array, pooled: Array, window: Window) -> Array:
    """The first largest pixel of each window, row by row, gets the window's gradient."""
    values = window.pad(image)
    padded = np.zeros((*gradient.shape[:-2], *window.padded), gradient.dtype)
    is_open = np.ones(gradient.shape, bool)
    for _, _, met in window.taps():
        hit = is_open & (values[met] == pooled)
        padded[met] += np.where(hit, gradient, gradient.dtype.type(0))
        is_open &= ~hit
    return padded[window.inside].copy()
