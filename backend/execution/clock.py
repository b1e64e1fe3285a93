"""The one clock: when each instruction starts and finishes, in integers.

    issue  = number of the instruction / issue rate
    start  = max(issue, engine free, operands written, destination drained)
    finish = start + service time

Operands are written when the last write to each of their segments has finished. A destination is
drained when the last write and every read of its segments have finished. A buffer of several
copies is written in turns: a write that does not update, and whose box starts at the buffer's
origin, begins the next copy; everything else works on the copy that was begun last.

An engine with several instances is several units that are free at different times; everybody else
is one unit. What was written is remembered by the engine, whatever instance it was.

The time that an engine waits between two instructions is split by walking the bounds in a fixed
order: issue, operands engine by engine of those that wrote them (from the last of `Engine` to the
first, so that the engines that move data come last), destination. The part of the gap before each
bound belongs to its state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts.quantities import (
    CYCLES_ACTIVE,
    CYCLES_STALLED_ON,
    CYCLES_STALLED_ON_BACKPRESSURE,
    CYCLES_WAITING_FOR_ISSUE,
    INSTRUCTIONS,
)
from spikeloom.backend.execution.dependences import COPIES, CURRENT, FIRST, PART, SegmentMap
from spikeloom.backend.execution.program import (
    ABSENT,
    BUFFER,
    ENGINE,
    INPUT_LANES,
    LATENCY,
    ORIGIN,
    OUTPUT_LANES,
    READS,
    ROLES,
    SERVICE,
    UNIT,
    WRITES,
)
from spikeloom.backend.execution.work import BUILDS, BYTES, DENSE, EVENTS, FIXED, LOOKUPS, PRODUCTS
from spikeloom.backend.kernels.compile import (
    INTEGER,
    INTEGERS,
    INTEGERS_2D,
    compiled,
    helper,
    types,
)
from spikeloom.dialects.instruction_set import Engine

Integers = NDArray[np.int64]

START, CELLS = 5, 6
"""Columns of `boxes`: where a box starts along the dimension that is watched, and its length."""

# Columns of `segments`: when the last write finished, whose it was, when the last read finished.
WRITTEN, WRITER, READ = range(3)
SEGMENT_COLUMNS = 3

CLOCK = types.Tuple((INTEGERS, INTEGERS, INTEGERS_2D, INTEGERS, INTEGERS_2D))
ClockState = tuple[Integers, Integers, Integers, Integers, Integers]
"""When each unit is free, room for one number per engine, copies and bounds of a `SegmentMap`,
and the segments. A unit is an engine, or one of its instances (`backend.units`)."""


def clock_at_zero(segments: SegmentMap, units: int = len(Engine)) -> ClockState:
    """The clock before the first instruction; `units` work side by side."""
    return (
        np.zeros(units, np.int64),
        np.zeros(len(Engine), np.int64),
        segments.copies.copy(),
        segments.bounds,
        np.zeros((segments.count, SEGMENT_COLUMNS), np.int64),
    )


@helper
def ceiling(dividend: int, divisor: int) -> int:
    """Quotient of two numbers that are not negative, rounded up."""
    return (dividend + divisor - 1) // divisor


@helper
def service_time(
    record: Integers, rows: int, inner: int, outer: int, cells: int, moved: int, passes: int
) -> int:
    """Cycles that the instruction occupies its engine; formulas in `backend.work`.

    `moved` is in bytes; `passes` is the number of passes through the input lanes that events need,
    or the cycles that products take. Tables count as `inner`, and their uses or entries as `rows`.
    """
    service, latency = record[SERVICE], record[LATENCY]
    if service == EVENTS:
        return latency + passes * ceiling(outer, record[OUTPUT_LANES])
    if service == PRODUCTS:
        return latency + passes
    if service == FIXED:
        return latency
    if service in (DENSE, LOOKUPS, BUILDS):
        groups = ceiling(inner, record[INPUT_LANES]) * ceiling(outer, record[OUTPUT_LANES])
        return latency + rows * groups
    return latency + ceiling(moved if service == BYTES else cells, record[INPUT_LANES])


@compiled(INTEGERS_2D, INTEGER, INTEGERS_2D, INTEGERS_2D)
def copy_written(operand: Integers, role: int, boxes: Integers, copies: Integers) -> int:
    """The copy that an operand writes: new values that start at the origin begin the next one."""
    used = operand[role, BUFFER]
    copy = copies[used, CURRENT]
    if operand[role, READS] == 0 and boxes[role, 0] == operand[role, ORIGIN]:
        copy = (copy + 1) % copies[used, COPIES]
    return int(copy)


@compiled(INTEGERS_2D, INTEGER, INTEGER, INTEGERS_2D, INTEGERS_2D, INTEGERS)
def touched(
    operand: Integers, role: int, copy: int, boxes: Integers, copies: Integers, bounds: Integers
) -> tuple[int, int]:
    """The segments of a copy that an operand's box touches: the first, and the one behind."""
    used = operand[role, BUFFER]
    place = copies[used, FIRST] + copy
    part = copies[used, PART]
    if part == 0:
        return int(bounds[place]), int(bounds[place + 1])
    first, last = boxes[role, START], boxes[role, START] + boxes[role, CELLS] - 1
    return int(bounds[place] + first // part), int(bounds[place] + last // part + 1)


@helper
def gather(record: Integers, operand: Integers, boxes: Integers, clock: ClockState) -> int:
    """When the operands are written, per engine in `waits`; returns when the destination drains."""
    _, waits, copies, bounds, segments = clock
    for engine in range(len(waits)):
        waits[engine] = 0
    drained = 0
    for role in range(record[ROLES]):
        if operand[role, BUFFER] != ABSENT:
            if operand[role, READS] != 0:
                copy = int(copies[operand[role, BUFFER], CURRENT])
                first, end = touched(operand, role, copy, boxes, copies, bounds)
                for segment in range(first, end):
                    producer = segments[segment, WRITER]
                    waits[producer] = max(waits[producer], segments[segment, WRITTEN])
            if operand[role, WRITES] != 0:
                copy = copy_written(operand, role, boxes, copies)
                first, end = touched(operand, role, copy, boxes, copies, bounds)
                for segment in range(first, end):
                    drained = max(drained, segments[segment, WRITTEN], segments[segment, READ])
    return drained


@helper
def leave(
    record: Integers, operand: Integers, boxes: Integers, finish: int, clock: ClockState
) -> None:
    """Notes on the segments that the instruction read and wrote them until `finish`."""
    _, _, copies, bounds, segments = clock
    for role in range(record[ROLES]):
        if operand[role, BUFFER] != ABSENT and operand[role, READS] != 0:
            copy = int(copies[operand[role, BUFFER], CURRENT])
            first, end = touched(operand, role, copy, boxes, copies, bounds)
            for segment in range(first, end):
                segments[segment, READ] = max(segments[segment, READ], finish)
    for role in range(record[ROLES]):
        if operand[role, BUFFER] != ABSENT and operand[role, WRITES] != 0:
            copy = copy_written(operand, role, boxes, copies)
            copies[operand[role, BUFFER], CURRENT] = copy
            first, end = touched(operand, role, copy, boxes, copies, bounds)
            for segment in range(first, end):
                segments[segment, WRITTEN] = finish
                segments[segment, WRITER] = record[ENGINE]


@compiled(INTEGERS, INTEGERS_2D, INTEGERS_2D, INTEGER, INTEGER, CLOCK, INTEGERS)
def advance(
    record: Integers,
    operand: Integers,
    boxes: Integers,
    issue: int,
    service: int,
    clock: ClockState,
    total: Integers,
) -> int:
    """Lets one instruction happen: moves the engine's and the segments' times.

    Adds the states of the engine's time to `total`; returns the cycle in which it finishes.
    """
    free, waits = clock[0], clock[1]
    unit = record[UNIT]
    drained = gather(record, operand, boxes, clock)
    now = int(free[unit])
    total[INSTRUCTIONS] += 1
    total[CYCLES_WAITING_FOR_ISSUE] += max(0, issue - now)
    now = max(now, issue)
    # From the last engine to the first: those that move data come last.
    for producer in range(len(waits) - 1, -1, -1):
        total[CYCLES_STALLED_ON + producer] += max(0, waits[producer] - now)
        now = max(now, waits[producer])
    total[CYCLES_STALLED_ON_BACKPRESSURE] += max(0, drained - now)
    finish = max(now, drained) + service
    total[CYCLES_ACTIVE] += service
    free[unit] = finish
    leave(record, operand, boxes, finish, clock)
    return finish
