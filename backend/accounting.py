"""What one executed instruction adds to its counts: arithmetic, results and traffic, in integers.

Each box is moved once, read or written; a role that follows events moves one row of outputs per
event instead. Bits are moved in whole bytes per row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend import program, quantities
from spikeloom.backend.clock import service_time
from spikeloom.backend.kernels import operands
from spikeloom.backend.kernels.compile import INTEGER, INTEGERS, INTEGERS_2D, compiled
from spikeloom.backend.work import EVENTS
from spikeloom.dialects.instruction_set import DIMENSIONS

Integers = NDArray[np.int64]

FEATURE = DIMENSIONS - 1
"""The dimension along which cells lie side by side."""


@compiled(INTEGERS_2D, INTEGER, INTEGER, INTEGERS)
def axis_length(operand: Integers, role: int, dimension: int, extent: Integers) -> int:
    """Cells of an operand's box along one dimension."""
    axis = operand[role, program.DIMENSION_AXIS + dimension]
    return 1 if axis == program.NO_AXIS else int(extent[axis])


@compiled(INTEGER, INTEGERS)
def product_of(axes: int, extent: Integers) -> int:
    """The product of the lengths of a set of axes, given as bits."""
    product = 1
    for axis in range(len(extent)):
        if (axes >> axis) & 1 != 0:
            product *= int(extent[axis])
    return product


@compiled(INTEGERS, INTEGERS_2D, INTEGERS, INTEGER, INTEGERS)
def account_traffic(
    record: Integers, operand: Integers, extent: Integers, events: int, total: Integers
) -> int:
    """Counts the bytes read and written in each memory; returns the bytes of the first box."""
    first = 0
    for role in range(record[program.ROLES]):
        if operand[role, program.BUFFER] != program.ABSENT:
            rows = events
            if operand[role, program.PER_EVENT] == 0:
                rows = 1
                for dimension in range(FEATURE):
                    rows *= axis_length(operand, role, dimension, extent)
            features = axis_length(operand, role, FEATURE, extent)
            moved = rows * ((features * operand[role, program.CELL_BITS] + 7) // 8)
            memory = operand[role, program.MEMORY]
            if operand[role, program.READS] != 0:
                total[quantities.BYTES_READ + memory] += moved
            if operand[role, program.WRITES] != 0:
                total[quantities.BYTES_WRITTEN + memory] += moved
            if role == 0:
                first = moved
    return first


@compiled(INTEGERS, INTEGERS_2D, INTEGERS)
def produced_cells(record: Integers, operand: Integers, extent: Integers) -> int:
    """Cells of the first operand that is there: the one that the instruction is for."""
    for role in range(record[program.ROLES]):
        if operand[role, program.BUFFER] != program.ABSENT:
            produced = 1
            for dimension in range(DIMENSIONS):
                produced *= axis_length(operand, role, dimension, extent)
            return produced
    return 0


@compiled(INTEGERS, INTEGERS_2D, INTEGERS, INTEGERS, INTEGERS)
def account(
    record: Integers, operand: Integers, extent: Integers, count: Integers, total: Integers
) -> int:
    """Adds everything but cycles to `total`; returns the service time in cycles.

    `count` is what the kernels of all threads counted.
    """
    cells = product_of(record[program.FACTORS], extent)
    inner = product_of(record[program.INNER], extent)
    outer = product_of(record[program.OUTER], extent)
    total[quantities.CELLS_PRODUCED] += produced_cells(record, operand, extent)
    visited = cells * record[program.WINDOW]
    dense = visited * record[program.ADDITIONS]
    total[quantities.ADDITIONS_DENSE] += dense
    if record[program.SERVICE] == EVENTS:
        per_event = outer * record[program.ADDITIONS]
        total[quantities.ADDITIONS_ISSUED] += count[operands.EVENTS] * per_event
        total[quantities.ADDITIONS_SKIPPED] += count[operands.SILENT] * per_event
    else:
        total[quantities.ADDITIONS_ISSUED] += dense
    total[quantities.MULTIPLICATIONS] += cells * record[program.MULTIPLICATIONS]
    total[quantities.EVENTS_RECEIVED] += count[operands.EVENTS]
    if record[program.REPEATS] == 0:
        total[quantities.SPIKES_EMITTED] += count[operands.SPIKES]
    total[quantities.MASK_ONES] += count[operands.MASKED]
    total[quantities.GRADIENTS_NONZERO] += count[operands.NONZERO]
    moved = account_traffic(record, operand, extent, count[operands.EVENTS], total)
    rows = cells // max(1, inner * outer)
    return service_time(record, rows, inner, outer, visited, moved, count[operands.PASSES])
