"""The course of a stream without its data: every executed instruction in program order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend import program
from spikeloom.backend.accounting import account
from spikeloom.backend.dataflow.service_bounds import bounded_records
from spikeloom.backend.kernels.operands import BOX_COLUMNS, COUNTS
from spikeloom.backend.program import Program
from spikeloom.backend.quantities import QUANTITIES
from spikeloom.backend.stream import MAX_LOOP_DEPTH
from spikeloom.backend.walk import follow_loop, set_boxes, set_lengths
from spikeloom.dialects.instruction_set import MAX_AXES, MAX_ROLES

Integers = NDArray[np.int64]


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
    records = bounded_records(decoded)
    kinds: list[int] = records[:, program.KIND].tolist()
    loops = np.zeros((MAX_LOOP_DEPTH, 2), np.int64)
    boxes = np.zeros((MAX_ROLES, BOX_COLUMNS), np.int64)
    lengths = np.zeros(MAX_AXES, np.int64)
    nothing, total = np.zeros(COUNTS, np.int64), np.zeros(QUANTITIES, np.int64)
    at = depth = 0
    while at < len(kinds):
        if kinds[at] != program.INSTRUCTION:
            at, depth = follow_loop(records, at, depth, loops)
        else:
            set_lengths(records, decoded.extent, at, loops, lengths)
            set_boxes(records, decoded.operand, at, loops, lengths, boxes)
            service = account(records[at], decoded.operand[at], lengths, nothing, total)
            yield Execution(at, int(service), boxes)
        at += 1
