"""What every kernel is given, and how it finds its rows.

All kernels have one signature, so that they are compiled, called and tested alike:

    kernel(operand, extent, immediate, lanes, count, scratch, thread, threads)

- `operand[role]` = address of the box, bytes from step to step, from sample to sample and from
  row to row, bits of a cell; roles in the order of the instruction set (written first). The
  address of an absent role is 0.
  The last row holds numbers of the engine.
- `extent[axis]`, `immediate[i]`: in the order of the instruction set.
- `lanes`: input lanes of the engine, for counting passes.
- `count`: what this thread's part of the instruction counted (the indices below), added to.
- `scratch`: address of memory of this thread's own, of `scratch_bytes`.
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
    helper,
)
from spikeloom.backend.kernels.memory import load_bit, load_f32
from spikeloom.dialects.instruction_set import MAX_ROLES

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
Task = tuple[Integers, Integers, Doubles, int, Integers, int, int, int]
Kernel = Callable[[Integers, Integers, Doubles, int, Integers, int, int, int], None]

SIGNATURE = (
    INTEGERS_2D, INTEGERS, DOUBLES, INTEGER, INTEGERS, INTEGER, INTEGER, INTEGER
)  # fmt: skip

# Columns of `operand`.
ADDRESS, STEP_BYTES, SAMPLE_BYTES, ROW_BYTES, CELL_BITS = 0, 1, 2, 3, 4
BOX_COLUMNS = 7

# Axes of an instruction with a window; steps, samples and positions come first.
POSITIONS, INPUT_POSITIONS, TAPS, INPUTS, OUTPUTS = 2, 3, 4, 5, 6

# The row of `operand` behind those of the roles, and its columns: numbers of the engine.
RATES = MAX_ROLES
OUTPUT_LANES, QUEUE_ROWS = 0, 1

# What kernels count, as exact integers that add up over threads.
PASSES = 0
"""Passes through the input lanes: per row, its events in groups of `lanes`; or the cycles that
the slowest multiplier needs."""
EVENTS = 1
"""Inputs that spiked, over all rows."""
ROWS = 2
"""Rows of the operand that is moved by the row: of events, or of its box."""
SPIKES = 3
"""Spikes emitted."""
MASKED = 4
"""Mask bits set."""
NONZERO = 5
"""Gradients different from zero."""
ISSUED = 6
"""Cells worked on: of a row and an input, or of a gradient and an input."""
SKIPPED_INPUT, SKIPPED_OUTPUT, SKIPPED_BOTH = 7, 8, 9
"""Cells left out: nothing comes in, nobody reads what comes out, both."""
COUNTS = 16
"""Length of `count`: whole cache lines, so that threads do not disturb each other."""


def scratch_bytes(features: int, image_cells: int) -> int:
    """Bytes of a thread's scratch memory.

    `features` of the widest buffer; `image_cells` are the positions x features of one step and
    sample, the most that a window slides over.
    """
    return (1 << 17) + 16 * features + 16 * image_cells


@helper
def row_at(operand: Integers, role: int, step: int, sample: int, position: int) -> int:
    """Address of a row of the operand's box."""
    address = operand[role, ADDRESS] + step * operand[role, STEP_BYTES]
    return address + sample * operand[role, SAMPLE_BYTES] + position * operand[role, ROW_BYTES]


@helper
def row_count(extent: Integers) -> int:
    """Rows of a box; `extent` starts with steps, samples and positions."""
    return extent[0] * extent[1] * extent[2]


@helper
def rows_per_step(extent: Integers) -> int:
    """Rows of one step of a box; `extent` starts with steps, samples and positions."""
    return extent[1] * extent[2]


@helper
def row_of(operand: Integers, role: int, extent: Integers, r: int) -> int:
    """Address of row `r`, counted by steps, then samples, then positions, as `extent` starts."""
    samples, positions = extent[1], extent[2]
    sample_bytes, row_bytes = operand[role, SAMPLE_BYTES], operand[role, ROW_BYTES]
    # Divisions take longer than a short row. Those of a box without gaps lie side by side.
    if sample_bytes == positions * row_bytes and (
        operand[role, STEP_BYTES] == samples * sample_bytes
    ):
        return operand[role, ADDRESS] + r * row_bytes
    group = r // positions
    step = group // samples
    return row_at(operand, role, step, group - step * samples, r - group * positions)


@helper
def holds_bits(operand: Integers, role: int) -> bool:
    """Whether the cells of an operand are bits, and no words."""
    return operand[role, CELL_BITS] == 1


@helper
def present(operand: Integers, role: int) -> bool:
    """Whether the instruction names a buffer for this role."""
    return operand[role, 0] != 0


@helper
def load_cell(operand: Integers, role: int, row: int, cell: int) -> np.float32:
    """A cell of a row of this operand; a bit counts as 0 or 1."""
    if holds_bits(operand, role):
        return np.float32(load_bit(row, cell))
    return load_f32(row, cell)
