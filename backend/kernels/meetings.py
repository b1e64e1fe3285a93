"""Where a window meets its image: the input position of a position at a tap."""

from __future__ import annotations

from spikeloom.backend.kernels.compile import helper
from spikeloom.backend.kernels.operands import INPUT_POSITIONS, Doubles, Integers
from spikeloom.backend.kernels.windows import (
    INPUT_WIDTH,
    KERNEL_WIDTH,
    LEFT,
    OUTPUT_WIDTH,
    STRIDE,
    TOP,
    met,
)

OUTSIDE = -1


@helper
def meeting(extent: Integers, immediate: Doubles, position: int, tap: int) -> int:
    """The input position that a position meets at a tap, or OUTSIDE."""
    width, kernel = int(immediate[INPUT_WIDTH]), int(immediate[KERNEL_WIDTH])
    across, stride = int(immediate[OUTPUT_WIDTH]), int(immediate[STRIDE])
    height = extent[INPUT_POSITIONS] // width
    row = met(0, position // across, tap // kernel, stride, int(immediate[TOP]), height)
    column = met(0, position % across, tap % kernel, stride, int(immediate[LEFT]), width)
    return OUTSIDE if row < 0 or column < 0 else row * width + column
