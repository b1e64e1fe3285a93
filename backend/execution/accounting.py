"""What one executed instruction adds to its counts: arithmetic, results and traffic, in integers.

Each box is moved once, read or written; a role that follows events moves one row of outputs per
event instead. Bits are moved in whole bytes per row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts import quantities
from spikeloom.backend.execution import program
from spikeloom.backend.execution.clock import ceiling, service_time
from spikeloom.backend.execution.work import BUILDS, EVENTS, FIXED, LOOKUPS, PRODUCTS
from spikeloom.backend.kernels import operands
from spikeloom.backend.kernels.compile import INTEGERS, INTEGERS_2D, compiled, helper
from spikeloom.backend.kernels.memory import trailing_zeros
from spikeloom.dialects.instruction_set import DIMENSIONS

Integers = NDArray[np.int64]

FEATURE = DIMENSIONS - 1
"""The dimension along which cells lie side by side."""


@helper
def axis_length(operand: Integers, role: int, dimension: int, extent: Integers) -> int:
    """Cells of an operand's box along one dimension."""
    axis = operand[role, program.DIMENSION_AXIS + dimension]
    return 1 if axis == program.NO_AXIS else int(extent[axis])


@helper
def product_of(axes: int, extent: Integers) -> int:
    """The product of the lengths of a set of axes, given as bits."""
    product = 1
    for axis in range(len(extent)):
        if (axes >> axis) & 1 != 0:
            product *= int(extent[axis])
    return product


@helper
def account_traffic(
    record: Integers, operand: Integers, extent: Integers, moved_rows: int, total: Integers
) -> int:
    """Counts the bytes read and written in each memory; returns the bytes of the first box."""
    first = 0
    for role in range(record[program.ROLES]):
        if operand[role, program.BUFFER] != program.ABSENT:
            rows = moved_rows
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


@helper
def table_groups(record: Integers, extent: Integers) -> int:
    """Tables that an instruction builds or uses for one output, 0 of one without tables."""
    if record[program.GROUPED] == 0:
        return 0
    width = trailing_zeros(product_of(record[program.TABLE_ENTRIES], extent))
    groups = ceiling(product_of(record[program.GROUPED], extent), max(1, width))
    return groups * product_of(record[program.INNER], extent)


@helper
def account_arithmetic(
    record: Integers,
    cells: int,
    visited: int,
    outer: int,
    looked_up: int,
    built: int,
    count: Integers,
    total: Integers,
) -> None:
    """Counts additions and multiplications: dense, issued, skipped by kind, fused.

    A dense engine multiplies `cells` and adds `visited`. Of tables, `looked_up` entries are added
    and `built` ones computed, each for `outer` outputs.
    """
    additions, multiplications = record[program.ADDITIONS], record[program.MULTIPLICATIONS]
    service = record[program.SERVICE]
    dense, issued, skipped_input, skipped_output, skipped_both = visited, visited, 0, 0, 0
    multiplied = cells
    if service in (EVENTS, PRODUCTS, FIXED):
        each = outer if service == EVENTS else 1
        issued = multiplied = each * count[operands.ISSUED]
        skipped_input = each * count[operands.SKIPPED_INPUT]
        skipped_output = each * count[operands.SKIPPED_OUTPUT]
        skipped_both = each * count[operands.SKIPPED_BOTH]
    elif service == LOOKUPS:
        issued = looked_up * outer
        total[quantities.ADDITIONS_FUSED] += additions * (cells - issued)
    elif service == BUILDS:
        dense = issued = built * outer
    total[quantities.ADDITIONS_DENSE] += additions * dense
    total[quantities.ADDITIONS_ISSUED] += additions * issued
    total[quantities.ADDITIONS_SKIPPED_INPUT] += additions * skipped_input
    total[quantities.ADDITIONS_SKIPPED_OUTPUT] += additions * skipped_output
    total[quantities.ADDITIONS_SKIPPED_BOTH] += additions * skipped_both
    total[quantities.MULTIPLICATIONS_DENSE] += multiplications * cells
    total[quantities.MULTIPLICATIONS] += multiplications * multiplied
    total[quantities.MULTIPLICATIONS_SKIPPED_INPUT] += multiplications * skipped_input
    total[quantities.MULTIPLICATIONS_SKIPPED_OUTPUT] += multiplications * skipped_output
    total[quantities.MULTIPLICATIONS_SKIPPED_BOTH] += multiplications * skipped_both


@helper
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
    rows = cells // max(1, inner * outer)
    groups, entries = table_groups(record, extent), 0
    total[quantities.CELLS_PRODUCED] += produced_cells(record, operand, extent)
    built = 0
    moved_rows = count[operands.ROWS]
    if groups > 0:
        entries = product_of(record[program.TABLE_ENTRIES], extent)
        built = groups * (entries - 1 - trailing_zeros(entries))
        rows //= max(1, product_of(record[program.GROUPED], extent))
        moved_rows = rows * groups
    visited = cells * record[program.WINDOW]
    account_arithmetic(record, cells, visited, outer, rows * groups, built, count, total)
    total[quantities.EVENTS_RECEIVED] += count[operands.EVENTS]
    if record[program.REPEATS] == 0:
        total[quantities.SPIKES_EMITTED] += count[operands.SPIKES]
    total[quantities.MASK_ONES] += count[operands.MASKED]
    total[quantities.GRADIENTS_NONZERO] += count[operands.NONZERO]
    moved = account_traffic(record, operand, extent, moved_rows, total)
    if groups > 0:
        inner = groups
        if record[program.SERVICE] == BUILDS:
            rows = entries
    return service_time(record, rows, inner, outer, visited, moved, count[operands.PASSES])
