"""The compiled walk over a program: loops, addresses, kernels and, in one thread, the clock.

Every thread walks the whole program and computes its own part of each instruction's output.
After each instruction the threads wait for one another; then the first one adds up what was
counted and lets the clock advance, while the others go on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.execution import program
from spikeloom.backend.execution.accounting import account
from spikeloom.backend.execution.clock import CELLS, CLOCK, START, ClockState, advance
from spikeloom.backend.kernels.barrier import wait_for_all
from spikeloom.backend.kernels.call import call_kernel
from spikeloom.backend.kernels.compile import (
    DOUBLES,
    DOUBLES_2D,
    INTEGER,
    INTEGERS,
    INTEGERS_2D,
    INTEGERS_3D,
    compiled,
    helper,
    types,
)
from spikeloom.backend.kernels.operands import COUNTS, OUTPUT_LANES, QUEUE_ROWS, RATES
from spikeloom.backend.stream.stream import NO_LOOP
from spikeloom.dialects.instruction_set import DIMENSIONS

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]

# Columns of a thread's table of open loops.
VALUE, LEFT = 0, 1
"""The loop's value, and the length of its current tile: min(|step|, |stop - value|)."""


@compiled(INTEGERS_2D, INTEGER, INTEGER, INTEGERS_2D)
def follow_loop(record: Integers, at: int, depth: int, loops: Integers) -> tuple[int, int]:
    """Executes a LOOP or END; returns the record to go on behind, and how many loops are open."""
    if record[at, program.KIND] == program.LOOP:
        set_loop(record[at], depth, loops, record[at, program.START])
        return at, depth + 1
    opened = record[at, program.PARTNER]
    value = loops[depth - 1, VALUE] + record[opened, program.STEP]
    if set_loop(record[opened], depth - 1, loops, value):
        return opened, depth
    return at, depth - 1


@compiled(INTEGERS_2D, INTEGERS_3D, INTEGER, INTEGERS_2D, INTEGERS)
def set_lengths(
    record: Integers, extent: Integers, at: int, loops: Integers, lengths: Integers
) -> None:
    """Computes this iteration's axis lengths."""
    for axis in range(record[at, program.AXES]):
        loop = extent[at, axis, program.EXTENT_LOOP]
        lengths[axis] = extent[at, axis, program.CELLS]
        if loop != NO_LOOP:
            lengths[axis] += extent[at, axis, program.EXTENT_SCALE] * loops[loop, LEFT]


_PLACES = (INTEGERS_2D, INTEGERS_3D, INTEGERS_3D, DOUBLES_2D)
_LOCALS = (INTEGERS_2D, INTEGERS_2D, INTEGERS, DOUBLES, INTEGERS)


@compiled(INTEGERS, INTEGER, INTEGERS_2D, INTEGER)
def set_loop(record: Integers, depth: int, loops: Integers, value: int) -> bool:
    """Gives a loop its value; False when that lies behind its end."""
    step, stop = record[program.STEP], record[program.STOP]
    loops[depth, VALUE] = value
    loops[depth, LEFT] = min(abs(step), abs(stop - value))
    return value < stop if step > 0 else value > stop


@compiled(*(INTEGERS_2D, INTEGERS_3D, INTEGER, INTEGERS_2D, INTEGERS, INTEGERS_2D))
def set_boxes(
    record: Integers,
    operand: Integers,
    at: int,
    loops: Integers,
    lengths: Integers,
    boxes: Integers,
) -> None:
    """Computes where this iteration's boxes lie, for the kernel and for the clock."""
    for role in range(record[at, program.ROLES]):
        boxes[role, 0] = 0
        if operand[at, role, program.BUFFER] != program.ABSENT:
            bits = 0
            for dimension in range(DIMENSIONS):
                loop = operand[at, role, program.DIMENSION_LOOP + dimension]
                if loop != NO_LOOP:
                    moved = operand[at, role, program.LOOP_BITS + dimension]
                    bits += loops[loop, VALUE] * moved
            boxes[role, 0] = operand[at, role, program.ADDRESS] + (bits >> 3)
            boxes[role, 1] = operand[at, role, program.STEP_BYTES]
            boxes[role, 2] = operand[at, role, program.SAMPLE_BYTES]
            boxes[role, 3] = operand[at, role, program.ROW_BYTES]
            boxes[role, 4] = operand[at, role, program.CELL_BITS]
            axis = operand[at, role, program.WATCHED_AXIS]
            loop = operand[at, role, program.WATCHED_LOOP]
            boxes[role, START] = operand[at, role, program.WATCHED_BASE]
            if loop != NO_LOOP:
                scale = operand[at, role, program.WATCHED_SCALE]
                boxes[role, START] += scale * loops[loop, VALUE]
            boxes[role, CELLS] = 1 if axis == program.NO_AXIS else lengths[axis]


@helper
def resolve(
    record: Integers,
    extent: Integers,
    operand: Integers,
    immediate: Doubles,
    at: int,
    loops: Integers,
    boxes: Integers,
    lengths: Integers,
    numbers: Doubles,
    count: Integers,
) -> None:
    """Computes this iteration's box addresses and axis lengths for the kernel."""
    for item in range(len(count)):
        count[item] = 0
    for item in range(len(numbers)):
        numbers[item] = immediate[at, item]
    set_lengths(record, extent, at, loops, lengths)
    set_boxes(record, operand, at, loops, lengths, boxes)
    boxes[RATES, OUTPUT_LANES] = record[at, program.OUTPUT_LANES]
    boxes[RATES, QUEUE_ROWS] = record[at, program.QUEUE_ROWS]


@helper
def finish_instruction(
    record: Integers,
    operand: Integers,
    at: int,
    issue: int,
    boxes: Integers,
    lengths: Integers,
    counted: Integers,
    count: Integers,
    clock: ClockState,
    totals: Integers,
) -> int:
    """Adds up the threads' counts in `count`, counts the work and advances the clock.

    Returns the cycle in which the instruction finishes.
    """
    for item in range(COUNTS):
        count[item] = 0
        for thread in range(counted.shape[0]):
            count[item] += counted[thread, item]
    service = account(record[at], operand[at], lengths, count, totals[at])
    return advance(record[at], operand[at], boxes, issue, service, clock, totals[at])


@helper
def latest(free: Integers) -> int:
    """The cycle in which the last engine is free; numpy's `max` takes seconds to compile."""
    cycle = 0
    for engine in range(len(free)):
        cycle = max(cycle, free[engine])
    return cycle


_PLACES_TUPLE = types.Tuple(_PLACES)
_LOCALS_TUPLE = types.Tuple(_LOCALS)
_WALK = (
    *(_PLACES_TUPLE, _LOCALS_TUPLE, CLOCK, INTEGERS_2D, INTEGERS_3D, INTEGERS_2D, INTEGERS),
    *[INTEGER] * 7,
)

Tables = tuple[Integers, Integers, Integers, Doubles]
Locals = tuple[Integers, Integers, Integers, Doubles, Integers]


@compiled(*_WALK)
def walk(
    tables: Tables,
    local: Locals,
    clock: ClockState,
    totals: Integers,
    counted: Integers,
    statistics: Integers,
    finishes: Integers,
    issue_rate: int,
    serial: int,
    issued: int,
    scratch: int,
    control: int,
    thread: int,
    threads: int,
) -> int:
    """Executes the program as one of `threads`; returns the number of instructions executed.

    `counted[parity, thread]` hands counts to the first thread: the parity changes with every
    instruction, so that it may still read the last one's. `statistics` [instructions, COUNTS] take
    what each executed instruction counted, as many as fit, and `finishes` [instructions] when it
    was over. -1 means that the run was aborted. An `issue_rate` of 0 bounds nothing.
    Where `serial` is not 0, an instruction is issued when all before it have finished. `issued` is
    the number of instructions that the clock has seen already: it goes on from there.
    """
    record, operand = tables[0], tables[2]
    loops, boxes, lengths, numbers, count = local
    at, depth, executed, finished = 0, 0, 0, latest(clock[0])
    while at < len(record):
        if record[at, program.KIND] != program.INSTRUCTION:
            at, depth = follow_loop(record, at, depth, loops)
        else:
            resolve(*tables, at, *local)
            lanes, kernel = record[at, program.INPUT_LANES], record[at, program.KERNEL]
            task = (boxes, lengths, numbers, lanes, count, scratch, thread, threads)
            call_kernel(kernel, task)
            parity = executed & 1
            for item in range(COUNTS):
                counted[parity, thread, item] = count[item]
            if not wait_for_all(control, threads, executed):
                return -1
            if thread == 0:
                issue = (issued + executed) // issue_rate if issue_rate > 0 else 0
                if serial != 0:
                    issue = max(issue, finished)
                finished = finish_instruction(
                    record, operand, at, issue, boxes, lengths, counted[parity], count, clock,
                    totals,
                )  # fmt: skip
                if executed < len(statistics):
                    for item in range(COUNTS):
                        statistics[executed, item] = count[item]
                if executed < len(finishes):
                    finishes[executed] = finished
            executed += 1
        at += 1
    return executed
