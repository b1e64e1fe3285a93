"""What every executed instruction waits for, as the clock has it: other instructions.

The clock keeps times per engine and segment; here the same places keep the number of the
instruction that set the time. Engines work in order, so that of all instructions of one engine
only the last needs to be waited for.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.dataflow.executions import Execution
from spikeloom.backend.execution import program
from spikeloom.backend.execution.clock import copy_written, touched
from spikeloom.backend.execution.dependences import CURRENT
from spikeloom.backend.execution.program import Program

Integers = NDArray[np.int64]


class Reason(Enum):
    """Why an instruction waits for another; where there are several, the first."""

    OPERAND = "operand"
    DRAIN = "drain"
    ENGINE = "engine"
    ISSUE = "issue"


@dataclass(frozen=True)
class Wait:
    """`waiting` starts when `finished` has finished; both are numbers of executed instructions."""

    finished: int
    waiting: int
    reason: Reason


@dataclass
class _Segment:
    """Who wrote last, and the last reader on each engine since."""

    writer: int | None = None
    readers: dict[int, int] = field(default_factory=dict[int, int])


class Dependences:
    """Follows a stream; the state of copies and segments goes on from pass to pass."""

    def __init__(self, decoded: Program):
        self._decoded = decoded
        self._copies = decoded.segments.copies.copy()
        self._segments: defaultdict[int, _Segment] = defaultdict(_Segment)
        self._last: dict[int, int] = {}
        self._engines: list[int] = []
        self._serial = decoded.serial
        self._known_roles: dict[tuple[int, int], list[int]] = {}

    @property
    def copies_in_use(self) -> tuple[int, ...]:
        """Per buffer the copy that was begun last."""
        return tuple(self._copies[:, CURRENT].tolist())

    def follow(self, execution: Execution) -> list[Wait]:
        """What the next instruction waits for; a later one may then wait for it."""
        number = len(self._engines)
        engine = int(self._decoded.record[execution.record, program.ENGINE])
        latest: dict[int, Wait] = {}

        def add(finished: int | None, reason: Reason) -> None:
            if finished is None:
                return
            known = latest.get(self._engines[finished])
            if known is None or known.finished < finished:
                latest[self._engines[finished]] = Wait(finished, number, reason)

        operand, boxes = self._decoded.operand[execution.record], execution.boxes
        for role in self._roles(execution.record, program.READS):
            for segment in self._touched(operand, role, boxes, written=False):
                add(self._segments[segment].writer, Reason.OPERAND)
        for role in self._roles(execution.record, program.WRITES):
            for segment in self._touched(operand, role, boxes, written=True):
                add(self._segments[segment].writer, Reason.DRAIN)
                for reader in self._segments[segment].readers.values():
                    add(reader, Reason.DRAIN)
        add(self._last.get(engine), Reason.ENGINE)
        if self._serial and number:
            # All before it have finished when the one before it has.
            latest = {0: Wait(number - 1, number, Reason.ISSUE)}
        self._leave(execution, number, engine)
        return list(latest.values())

    def _leave(self, execution: Execution, number: int, engine: int) -> None:
        operand, boxes = self._decoded.operand[execution.record], execution.boxes
        self._engines.append(engine)
        self._last[engine] = number
        for role in self._roles(execution.record, program.READS):
            for segment in self._touched(operand, role, boxes, written=False):
                self._segments[segment].readers[engine] = number
        for role in self._roles(execution.record, program.WRITES):
            buffer = operand[role, program.BUFFER]
            self._copies[buffer, CURRENT] = copy_written(operand, role, boxes, self._copies)
            for segment in self._touched(operand, role, boxes, written=False):
                self._segments[segment] = _Segment(number)

    def _roles(self, record: int, column: int) -> list[int]:
        """The roles that are there and read, or write."""
        known = self._known_roles.get((record, column))
        if known is not None:
            return known
        operand = self._decoded.operand[record]
        there = (operand[:, program.BUFFER] != program.ABSENT) & (operand[:, column] != 0)
        there[self._decoded.record[record, program.ROLES] :] = False
        roles: list[int] = np.flatnonzero(there).tolist()
        self._known_roles[record, column] = roles
        return roles

    def _touched(self, operand: Integers, role: int, boxes: Integers, *, written: bool) -> range:
        """The segments of the present copy, or of the one that is about to be written."""
        copies = self._copies
        copy = int(copies[operand[role, program.BUFFER], CURRENT])
        if written:
            copy = int(copy_written(operand, role, boxes, copies))
        return range(*touched(operand, role, copy, boxes, copies, self._decoded.segments.bounds))
