"""Where a window meets its image: the input position of a position at a tap."""

from __future__ import annotations

from spikeloom.backend.kernels.compile import DOUBLES, INTEGER, INTEGERS, compiled
from spikeloom.backend.kernels.operands import INPUT_POSITIONS, Doubles, Integers

KERNEL_WIDTH, STRIDE, INPUT_WIDTH, OUTPUT_WIDTH, TOP, LEFT = 0, 1, 2, 3, 4, 5
OUTSIDE = -1


@compiled(INTEGERS, DOUBLES, INTEGER, INTEGER)
def meeting(extent: Integers, immediate: Doubles, position: int, tap: int) -> int:
    """The input position that a position meets at a tap, or OUTSIDE."""
    width, kernel, stride = int(immediate[2]), int(immediate[0]), int(immediate[1])
    across = int(immediate[3])
    row = position // across * stride + tap // kernel - int(immediate[4])
    column = position % across * stride + tap % kernel - int(immediate[5])
    if row < 0 or row >= extent[INPUT_POSITIONS] // width or column < 0 or column >= width:
        return OUTSIDE
    return row * width + column
