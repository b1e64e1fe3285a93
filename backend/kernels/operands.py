"""What every kernel is given, and how it finds its rows.

All kernels have one signature, so that they are compiled, called and tested alike:

    kernel(operand, extent, immediate, lanes, count, scratch, thread, threads)

- `operand[role]` = address of the box, bytes from plane to plane, bytes from row to row; roles
  in the order of the instruction set (written first). The address of an absent role is 0.
- `extent[axis]`, `immediate[i]`: in the order of the instruction set.
- `lanes`: input lanes of the engine, for counting passes.
- `count`: what this thread's part of the instruction counted (the indices below), added to.
- `scratch`: address of memory of this thread's own, at least `SCRATCH_BYTES` and eight bytes
  per feature of the widest buffer.
- `thread` of `threads`: which part of the output to compute.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.kernels.compile import (
    DOUBLES,
    INTEGER,
    INTEGERS,
    INTEGERS_2D,
    compiled,
)

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
Task = tuple[Integers, Integers, Doubles, int, Integers, int, int, int]
Kernel = Callable[[Integers, Integers, Doubles, int, Integers, int, int, int], None]

SIGNATURE = (
    INTEGERS_2D, INTEGERS, DOUBLES, INTEGER, INTEGERS, INTEGER, INTEGER, INTEGER
)  # fmt: skip

# What kernels count, as exact integers that add up over threads.
PASSES = 0
"""Passes through the input lanes: per row, its events in groups of `lanes`."""
EVENTS = 1
"""Inputs that spiked, over all rows."""
SILENT = 2
"""Inputs that did not spike, over all rows."""
SPIKES = 3
"""Spikes emitted."""
MASKED = 4
"""Mask bits set."""
NONZERO = 5
"""Gradients different from zero."""
COUNTS = 8
"""Length of `count`: a whole cache line, so that threads do not disturb each other."""

SCRATCH_BYTES = 1 << 17


@compiled(INTEGERS_2D, INTEGER, INTEGER, INTEGER)
def row_at(operand: Integers, role: int, step: int, sample: int) -> int:
    """Address of a row of the operand's box."""
    return operand[role, 0] + step * operand[role, 1] + sample * operand[role, 2]


@compiled(INTEGERS_2D, INTEGER)
def present(operand: Integers, role: int) -> bool:
    """Whether the instruction names a buffer for this role."""
    return operand[role, 0] != 0
