"""The course of a stream, or of one of its loops, without its data: what executes, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts.quantities import QUANTITIES
from spikeloom.backend.dataflow.loops import Loop
from spikeloom.backend.dataflow.service_bounds import bounded_records
from spikeloom.backend.execution import program
from spikeloom.backend.execution.accounting import account
from spikeloom.backend.execution.program import DIMENSION_LOOP, Program
from spikeloom.backend.execution.walk import VALUE, follow_loop, set_boxes, set_lengths, set_loop
from spikeloom.backend.kernels.operands import BOX_COLUMNS, COUNTS
from spikeloom.backend.stream.stream import MAX_LOOP_DEPTH
from spikeloom.dialects.instruction_set import DIMENSIONS, MAX_AXES, MAX_ROLES

Integers = NDArray[np.int64]

NOWHERE = -1
"""The address of a box of which only the dependences matter: that of no buffer."""


@dataclass(frozen=True)
class Execution:
    """One executed instruction.

    Attributes:
        record: which of the stream.
        service: the most cycles that it can take.
        boxes: [roles, columns] as the clock reads them; valid until the next execution.
    """

    record: int
    service: int
    boxes: Integers


def executions(decoded: Program) -> Iterator[Execution]:
    """One pass over the stream, in the order in which instructions are issued."""
    loops = np.zeros((MAX_LOOP_DEPTH, 2), np.int64)
    return _follow(decoded, bounded_records(decoded), (0, len(decoded.record)), 0, loops)


def iterations(decoded: Program, loop: Loop, number: int) -> Iterator[Execution]:
    """The first iterations of a loop that never ends, entered for the first time.

    Its tiles are never cut short. A box that moves with the loop never starts at the origin of its
    buffer, which it does once at most: the beginning of a copy that is not repeated.
    """
    records = bounded_records(decoded)
    loops = np.zeros((MAX_LOOP_DEPTH, 2), np.int64)
    for depth, opened in enumerate(loop.enclosing):
        set_loop(records[opened], depth, loops, int(records[opened, program.START]))
    opened = records[loop.opened]
    set_loop(opened, loop.depth, loops, int(opened[program.START]))
    start, step = int(opened[program.START]), int(opened[program.STEP])
    dimensions = decoded.operand[:, :, DIMENSION_LOOP : DIMENSION_LOOP + DIMENSIONS]
    moving = (dimensions == loop.depth).any(axis=2)
    body = (loop.opened + 1, loop.closed)
    for iteration in range(number):
        loops[loop.depth, VALUE] = start + iteration * step
        for execution in _follow(decoded, records, body, loop.depth + 1, loops):
            execution.boxes[moving[execution.record], 0] = NOWHERE
            yield execution


def _follow(
    decoded: Program, records: Integers, span: tuple[int, int], depth: int, loops: Integers
) -> Iterator[Execution]:
    """What the records of a span execute inside of `depth` open loops."""
    kinds: list[int] = records[:, program.KIND].tolist()
    boxes = np.zeros((MAX_ROLES, BOX_COLUMNS), np.int64)
    lengths = np.zeros(MAX_AXES, np.int64)
    nothing, total = np.zeros(COUNTS, np.int64), np.zeros(QUANTITIES, np.int64)
    at, end = span
    while at < end:
        if kinds[at] != program.INSTRUCTION:
            at, depth = follow_loop(records, at, depth, loops)
        else:
            set_lengths(records, decoded.extent, at, loops, lengths)
            set_boxes(records, decoded.operand, at, loops, lengths, boxes)
            service = account(records[at], decoded.operand[at], lengths, nothing, total)
            yield Execution(at, int(service), boxes)
        at += 1
