"""How far the cells of an image reach through a window, and back: bounds on counts of cells.

A `Reach` belongs to one direction: how many cells of a target a single cell of a source can touch.
Times the ratio of their sizes it bounds the share of the target's cells by that of the source's.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from spikeloom.dialects.bptt.types import Tensor, unit_count
from spikeloom.dialects.window import WindowAttr


@dataclass(frozen=True)
class Reach:
    """A window between an image [channels, height, width] and what it yields.

    Attributes:
        covering: windows that a pixel of the image lies in, at most.
        covered: pixels of the image that lie in one window, at most.
        unread: share of the image's cells that lie in no window.
        cells: cells of the image.
        windows: cells of the result.
    """

    covering: int
    covered: int
    unread: Fraction
    cells: int
    windows: int

    @classmethod
    def of(cls, window: WindowAttr, image: Attribute, result: Attribute) -> Reach:
        """The reach of a window that makes `result` from `image`, both tensor types."""
        kernel, stride, padding = window.sizes
        covering = covered = read = 1
        pixels = 1
        for size, output in zip(_pixels(image), _pixels(result), strict=True):
            covering *= min(-(-kernel // stride), output)
            covered *= min(kernel, size)
            read *= _pixels_read(size, output, kernel, stride, padding)
            pixels *= size
        unread = 1 - Fraction(read, pixels)
        return cls(covering, covered, unread, unit_count(image), unit_count(result))

    def forward(self, channels: int = 1) -> Fraction:
        """Density of the result per density of the image, where a pixel touches `channels`."""
        return Fraction(channels * self.covering * self.cells, self.windows)

    def backward(self, channels: int = 1) -> Fraction:
        """Density of the image per density of the result, where a window touches `channels`."""
        return Fraction(channels * self.covered * self.windows, self.cells)


def _pixels(type: Attribute) -> tuple[int, ...]:
    assert isa(type, Tensor)
    return type.get_shape()[-2:]


def _pixels_read(size: int, output: int, kernel: int, stride: int, padding: int) -> int:
    """Pixels of a row that some window reads."""
    if kernel >= stride:
        return min(size, (output - 1) * stride + kernel - padding)
    starts = (index * stride - padding for index in range(output))
    return sum(min(size, start + kernel) - max(0, start) for start in starts)
