"""How a sample of a value lies in a buffer: positions by features.

An image `[C, H, W]` has a position per pixel, row by row, and C features; a vector is one position
with all its cells as features.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import SSAValue

from spikeloom.dialects import bptt


@dataclass(frozen=True)
class Image:
    """Pixels and features of one sample; a vector is a single pixel."""

    height: int
    width: int
    features: int

    @property
    def positions(self) -> int:
        """Pixels."""
        return self.height * self.width

    @property
    def cells(self) -> int:
        """Numbers of one sample."""
        return self.positions * self.features


def image_of(value: SSAValue) -> Image:
    """How one sample of a value over batch, and time where it has one, lies in a buffer."""
    shape = bptt.tensor_of(value).get_shape()
    features, *pixels = [extent for extent in shape if extent != DYNAMIC_INDEX] or [1]
    *rows, width = pixels or [1]
    return Image(math.prod(rows), width, features)


def is_view(value: SSAValue, reshaped: SSAValue) -> bool:
    """Whether a reshape leaves every cell where it lies."""
    before, after = image_of(value), image_of(reshaped)
    return before == after or (before.positions == after.positions == 1)
