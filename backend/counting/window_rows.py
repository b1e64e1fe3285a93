"""How many inputs the rows of a window's box meet: fewer at the edges of the image. Compiled.

An output position (y, x) meets, through tap (j, i), the input position (y stride + j - top,
x stride + i - left), unless that lies outside of the box. Rows and columns are independent: a
position that meets `a` rows and `b` columns of taps meets a b of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.kernels.compile import helper
from spikeloom.backend.kernels.operands import INPUT_POSITIONS, POSITIONS, TAPS

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]

KERNEL_WIDTH, STRIDE, INPUT_WIDTH, OUTPUT_WIDTH, TOP, LEFT = range(6)
"""Immediates of an instruction with a window."""


@helper
def meetings(
    outputs: int, taps: int, stride: int, before: int, inputs: int, found: Integers
) -> None:
    """Counts along one side of the image, into `found[n]`, the outputs that meet n inputs."""
    for output in range(outputs):
        first = output * stride - before
        met = min(first + taps, inputs) - max(first, 0)
        found[max(0, met)] += 1


@helper
def window_meetings(
    lengths: Integers, immediate: Doubles, rows: Integers, columns: Integers
) -> None:
    """Fills `rows[a]` and `columns[b]`: the output rows that meet a rows of taps, and columns.

    Both must be longer than the number of taps.
    """
    rows[:] = 0
    columns[:] = 0
    kernel = max(1, int(immediate[KERNEL_WIDTH]))
    stride = int(immediate[STRIDE])
    in_width, out_width = max(1, int(immediate[INPUT_WIDTH])), max(1, int(immediate[OUTPUT_WIDTH]))
    height, in_height = lengths[POSITIONS] // out_width, lengths[INPUT_POSITIONS] // in_width
    taps = lengths[TAPS] // kernel
    meetings(height, taps, stride, int(immediate[TOP]), in_height, rows)
    meetings(out_width, kernel, stride, int(immediate[LEFT]), in_width, columns)
