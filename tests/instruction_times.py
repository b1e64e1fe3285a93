"""When every executed instruction finishes, iteration by iteration of every loop.

The interpreter tells what each executed instruction counted; with these counts its own functions of
work and time are executed once more, instruction by instruction, and must end in the same cycle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spikeloom.backend.accounts.quantities import QUANTITIES
from spikeloom.backend.execution import program
from spikeloom.backend.execution.accounting import account
from spikeloom.backend.execution.clock import advance, clock_at_zero
from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.execution.program import Program, decode
from spikeloom.backend.execution.walk import follow_loop, set_boxes, set_lengths
from spikeloom.backend.kernels.operands import BOX_COLUMNS, COUNTS
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.stream.stream import MAX_LOOP_DEPTH
from spikeloom.backend.validation.validator import ValidatedStream
from spikeloom.dialects.instruction_set import MAX_AXES, MAX_ROLES


@dataclass
class Entry:
    """One time that a loop is entered.

    Attributes:
        earliest: the cycle in which everything before it is over, and its first instruction issued.
        finishes: by iteration, those of its instructions.
    """

    earliest: int
    finishes: list[list[int]] = field(default_factory=list)

    def table(self) -> np.ndarray:
        """Cycles [iterations, instructions of the body]."""
        return np.array(self.finishes, np.int64)


class _Clock:
    """The interpreter's clock, instruction by instruction."""

    def __init__(self, decoded: Program, rate: int):
        self._decoded, self._rate = decoded, rate
        self._clock = clock_at_zero(decoded.segments)
        self.issued = self.finished = self.latest = 0

    @property
    def earliest(self) -> int:
        return max(self.latest, -(-self.issued // self._rate))

    def follow(self, at: int, boxes: np.ndarray, service: int) -> int:
        issue = self.issued // self._rate
        if self._decoded.serial:
            issue = max(issue, self.finished)
        record, operand = self._decoded.record[at], self._decoded.operand[at]
        total = np.zeros(QUANTITIES, np.int64)
        self.finished = advance(record, operand, boxes, issue, service, self._clock, total)
        self.issued += 1
        self.latest = max(self.latest, self.finished)
        return self.finished


def loop_entries(
    validated: ValidatedStream, machine: Machine, inputs: Mapping[int, np.ndarray]
) -> dict[int, list[Entry]]:
    """All entries of every loop, by the record that opens it."""
    interpreter = Interpreter(validated, machine)
    for buffer, values in inputs.items():
        interpreter.write(buffer, values)
    counted = np.zeros((validated.dynamic_instructions, COUNTS), np.int64)
    elapsed = interpreter.run(counted).elapsed
    stream = validated.stream
    decoded = decode(stream, machine, np.zeros(len(stream.buffers), np.int64))
    found: defaultdict[int, list[Entry]] = defaultdict(list)
    clock = _Clock(decoded, machine.clock.issue_rate.value)
    loops = np.zeros((MAX_LOOP_DEPTH, 2), np.int64)
    boxes, lengths = np.zeros((MAX_ROLES, BOX_COLUMNS), np.int64), np.zeros(MAX_AXES, np.int64)
    total = np.zeros(QUANTITIES, np.int64)
    opened: list[int] = []
    at = 0
    while at < len(decoded.record):
        kind = decoded.record[at, program.KIND]
        if kind == program.INSTRUCTION:
            set_lengths(decoded.record, decoded.extent, at, loops, lengths)
            set_boxes(decoded.record, decoded.operand, at, loops, lengths, boxes)
            count = counted[clock.issued]
            service = account(decoded.record[at], decoded.operand[at], lengths, count, total)
            finish = clock.follow(at, boxes, service)
            for loop in opened:
                found[loop][-1].finishes[-1].append(finish)
        else:
            if kind == program.LOOP:
                opened.append(at)
                found[at].append(Entry(clock.earliest))
            at, depth = follow_loop(decoded.record, at, len(opened) - (kind == program.LOOP), loops)
            del opened[depth:]
            if kind == program.LOOP or decoded.record[at, program.KIND] == program.LOOP:
                found[opened[-1]][-1].finishes.append([])
        at += 1
    assert clock.latest == elapsed, "the interpreter took other times"
    return dict(found)
