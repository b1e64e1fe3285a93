"""The loops of a stream: where they stand, and how often they run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikeloom.backend.execution import program
from spikeloom.backend.execution.program import Program


@dataclass(frozen=True)
class Loop:
    """One loop.

    Attributes:
        number: counts the loops of the stream in their order.
        opened, closed: its first and its last record.
        enclosing: the records that open the loops around it, the outermost first.
        iterations: each time that it is entered.
        entries: how often it is entered in one pass over the stream.
        instructions: whether its body has any.
    """

    number: int
    opened: int
    closed: int
    enclosing: tuple[int, ...]
    iterations: int
    entries: int
    instructions: bool

    @property
    def depth(self) -> int:
        """The number of loops around it."""
        return len(self.enclosing)


def loops_of(decoded: Program) -> tuple[Loop, ...]:
    """All loops in program order."""
    found: list[Loop] = []
    enclosing: list[Loop] = []
    kinds = decoded.record[:, program.KIND]
    for opened in np.flatnonzero(kinds == program.LOOP).tolist():
        while enclosing and enclosing[-1].closed < opened:
            enclosing.pop()
        start, stop, step = decoded.record[opened, program.START : program.STEP + 1].tolist()
        closed = int(decoded.record[opened, program.PARTNER])
        body = kinds[opened + 1 : closed]
        loop = Loop(
            number=len(found),
            opened=opened,
            closed=closed,
            enclosing=tuple(outer.opened for outer in enclosing),
            iterations=len(range(start, stop, step)),
            entries=enclosing[-1].entries * enclosing[-1].iterations if enclosing else 1,
            instructions=program.INSTRUCTION in body,
        )
        found.append(loop)
        enclosing.append(loop)
    return tuple(found)
