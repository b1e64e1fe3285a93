"""The compiled walk of counting mode: loops, axis lengths and the clock, without any data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.counting.expected_counts import expect
from spikeloom.backend.execution import program
from spikeloom.backend.execution.clock import CLOCK, ClockState
from spikeloom.backend.execution.walk import finish_instruction, follow_loop, set_boxes, set_lengths
from spikeloom.backend.kernels.compile import (
    DOUBLES_2D,
    INTEGER,
    INTEGERS,
    INTEGERS_2D,
    INTEGERS_3D,
    compiled,
    helper,
    types,
)
from spikeloom.backend.kernels.operands import COUNTS

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]

_TABLES = (INTEGERS_2D, INTEGERS_3D, INTEGERS_3D, DOUBLES_2D)
_LOCALS = (INTEGERS_2D, INTEGERS_2D, INTEGERS, INTEGERS)
_TUPLES = (types.Tuple(_TABLES), types.Tuple(_LOCALS), CLOCK, INTEGERS_2D)

Tables = tuple[Integers, Integers, Integers, Doubles]
Locals = tuple[Integers, Integers, Integers, Integers]
"""Open loops as in `walk`, boxes, axis lengths, and counts."""


@helper
def within_work(record: Integers, lengths: Integers, count: Integers) -> bool:
    """Whether an instruction of these axis lengths can have counted this at all."""
    cells = 1
    for axis in range(record[program.AXES]):
        cells *= int(lengths[axis])
    fit = True
    for item in range(COUNTS):
        fit = fit and 0 <= count[item] <= cells
    return fit


@compiled(*_TUPLES, INTEGERS_2D, INTEGER, INTEGER)
def walk_with_statistics(
    tables: Tables,
    local: Locals,
    clock: ClockState,
    totals: Integers,
    statistics: Integers,
    issue_rate: int,
    serial: int,
) -> int:
    """Counts the program, given what every executed instruction counted.

    Returns the number of instructions, or -1 when a row of `statistics` cannot be the
    instruction's.
    """
    record, extent, operand, _ = tables
    loops, boxes, lengths, count = local
    at, depth, executed, finished = 0, 0, 0, 0
    while at < len(record):
        if record[at, program.KIND] != program.INSTRUCTION:
            at, depth = follow_loop(record, at, depth, loops)
        else:
            set_lengths(record, extent, at, loops, lengths)
            set_boxes(record, operand, at, loops, lengths, boxes)
            counted = statistics[executed : executed + 1]
            if not within_work(record[at], lengths, counted[0]):
                return -1
            issue = executed // issue_rate
            if serial != 0:
                issue = max(issue, finished)
            finished = finish_instruction(
                record, operand, at, issue, boxes, lengths, counted, count, clock, totals
            )
            executed += 1
        at += 1
    return executed


@compiled(*_TUPLES, INTEGERS_2D, DOUBLES_2D, DOUBLES_2D, INTEGER, INTEGER)
def walk_with_densities(
    tables: Tables,
    local: Locals,
    clock: ClockState,
    totals: Integers,
    rules: Integers,
    densities: Doubles,
    carries: Doubles,
    issue_rate: int,
    serial: int,
) -> int:
    """Counts the program, given densities [records, roles]; returns the number of instructions.

    `rules` and `carries` are described in `expected_counts`.
    """
    record, extent, operand, immediate = tables
    loops, boxes, lengths, count = local
    counted = np.zeros((1, COUNTS), np.int64)
    at, depth, executed, finished = 0, 0, 0, 0
    while at < len(record):
        if record[at, program.KIND] != program.INSTRUCTION:
            at, depth = follow_loop(record, at, depth, loops)
        else:
            set_lengths(record, extent, at, loops, lengths)
            set_boxes(record, operand, at, loops, lengths, boxes)
            place = (rules[at], operand[at], lengths, immediate[at], densities[at], carries[at])
            expect(record[at], *place, counted[0])
            issue = executed // issue_rate
            if serial != 0:
                issue = max(issue, finished)
            finished = finish_instruction(
                record, operand, at, issue, boxes, lengths, counted, count, clock, totals
            )
            executed += 1
        at += 1
    return executed
