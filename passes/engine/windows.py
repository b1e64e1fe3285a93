"""Which rows a tile of a windowed operation reads and writes.

A window at the output pixel (y, x) meets the input pixels (y * stride + j - padding, ...), j and
i below kernel. A nest walks over the rows of one side, band by band; the other side's band follows
it affinely and has a halo. Where one band is the whole image there is no halo: the kernel leaves
out what lies outside. Otherwise halos reach into rows of zeros, which the homes have for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from spikeloom.dialects.window import WindowAttr
from spikeloom.passes.engine.images import Image
from spikeloom.passes.engine.tiles import Axis, Span, rows


class Margins(NamedTuple):
    """Rows of zeros that banded nests need around the images of both sides."""

    input: int
    output: int


@dataclass(frozen=True)
class Bands:
    """The rows of a windowed nest.

    Attributes:
        axis: what the nest walks over.
        input, output: positions of a band, and where it starts.
        margins: rows of zeros around the homes, where the axis is cut.
        top: rows of the window above the band of inputs, where the axis is cut.
    """

    axis: Axis
    input: Span
    output: Span
    margins: Margins
    top: int


@dataclass(frozen=True)
class Slide:
    """A window that slides over an image."""

    kernel: int
    stride: int
    padding: int
    input: Image
    output: Image

    @staticmethod
    def of(window: WindowAttr, input: Image, output: Image) -> Slide:
        """The slide of a window between these images."""
        return Slide(*window.sizes, input, output)

    @staticmethod
    def dense(inputs: int, outputs: int) -> Slide:
        """A fully connected layer: one tap over one pixel."""
        return Slide(1, 1, 0, Image(1, 1, inputs), Image(1, 1, outputs))

    @property
    def taps(self) -> int:
        """Pixels of the window."""
        return self.kernel**2

    @property
    def is_image(self) -> bool:
        """Whether there is more than one pixel."""
        return max(self.input.positions, self.output.positions) > 1

    def numbers(self, top: int) -> tuple[float, ...]:
        """Kernel width, stride, widths, top and left, as the instruction table orders them."""
        widths = (self.input.width, self.output.width)
        return tuple(map(float, (self.kernel, self.stride, *widths, top, self.padding)))

    def output_bands(self) -> Bands:
        """Bands of output rows, and the input rows that their windows meet."""
        wide, stride, kernel = self.input.width, self.stride, self.kernel
        axis = rows(self.output.height)
        reached = (self.output.height - 1) * stride - self.padding + kernel
        return Bands(
            axis,
            Span(
                axis,
                stride * wide,
                self.input.positions,
                first=-self.padding * wide,
                extra=(kernel - stride) * wide,
            ),
            Span(axis, self.output.width, self.output.positions),
            Margins(max(self.padding, reached - self.input.height), 0),
            0,
        )

    def input_bands(self) -> Bands:
        """Bands of input rows, in multiples of the stride, and the output rows that meet them.

        Input rows stride * Y to stride * (Y + h) - 1 meet the output rows Y + lowest to
        Y + h + highest. The last band may reach below the image.
        """
        lowest, highest = self._meeting()
        groups = -(-self.input.height // self.stride)
        axis = rows(groups)
        wide = self.output.width
        below = groups + highest + 1 - self.output.height
        return Bands(
            axis,
            Span(axis, self.stride * self.input.width, self.input.positions),
            Span(
                axis,
                wide,
                self.output.positions,
                first=lowest * wide,
                extra=(highest + 1 - lowest) * wide,
            ),
            Margins(groups * self.stride - self.input.height, max(-lowest, below)),
            self.padding - lowest * self.stride,
        )

    def whole_window_bands(self) -> tuple[Bands, int]:
        """Bands of input rows as `input_bands`, with every window that meets them as a whole.

        For windows without padding. The second result is the number of positions of the halo
        above, where the axis is cut.
        """
        lowest, _ = self._meeting()
        bands, wide = self.input_bands(), self.input.width
        above, below = -lowest * self.stride, max(self.kernel - self.stride, 0)
        outer = Span(
            bands.axis,
            self.stride * wide,
            self.input.positions,
            first=-above * wide,
            extra=(above + below) * wide,
        )
        margins = Margins(max(above, bands.margins.input + below), bands.margins.output)
        return Bands(bands.axis, outer, bands.output, margins, 0), above * wide

    def _meeting(self) -> tuple[int, int]:
        """First output row that meets a band of input rows, and the last one less its length."""
        lowest = -((self.kernel - 1 - self.padding) // self.stride)
        return lowest, (self.padding - 1) // self.stride
