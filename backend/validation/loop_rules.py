"""Loops: what they count, how often a record runs, and that the whole ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from spikeloom.backend.stream.records import End, Instruction, Loop, Record
from spikeloom.backend.validation.boxes import Box, box_of
from spikeloom.backend.validation.violation import Violation

MAX_EXECUTED = 200_000_000
"""Instructions and loop iterations that one run of a stream may execute."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An instruction with the values of the loops around it, the outermost first.

    `boxes` are those of its operands, in their order.
    """

    instruction: Instruction
    loops: tuple[range, ...]
    boxes: tuple[Box, ...]
    executions: int


@dataclass(frozen=True)
class Nest:
    """The loop nest of a stream.

    Attributes:
        placed: every instruction in its place.
        executions: how often each record runs, control records included.
        instructions: executed instructions.
        iterations: executed loop iterations.
    """

    placed: tuple[Placed, ...]
    executions: tuple[int, ...]
    instructions: int
    iterations: int


def place(records: Iterable[Record]) -> tuple[Nest, list[Violation]]:
    """The loop nest of well-formed records, and the rules that its loops break.

    A loop that breaks a rule is taken to run once.
    """
    violations: list[Violation] = []
    placed: list[Placed] = []
    executions: list[int] = []
    around: list[tuple[tuple[range, ...], int]] = [((), 1)]
    instructions = iterations = 0
    for record in records:
        loops, count = around[-1]
        executions.append(count)
        match record:
            case Loop():
                values, broken = _values(record)
                violations += broken
                around.append(((*loops, values), count * len(values)))
                iterations += count * len(values)
            case End():
                around.pop()
            case Instruction():
                boxes = tuple(box_of(record, operand, loops) for operand in record.operands)
                placed.append(Placed(record, loops, boxes, count))
                instructions += count
    if (total := instructions + iterations) > MAX_EXECUTED:
        message = f"{instructions} instructions and {iterations} loop iterations would run"
        violations.append(Violation(f"{message}, {total} in all; the limit is {MAX_EXECUTED}"))
    return Nest(tuple(placed), tuple(executions), instructions, iterations), violations


def _values(loop: Loop) -> tuple[range, list[Violation]]:
    if loop.step == 0:
        return range(1), [Violation("the step of a loop must not be 0", loop.index)]
    values = range(loop.start, loop.stop, loop.step)
    if not values:
        message = f"the loop from {loop.start} to {loop.stop} with step {loop.step} never runs"
        return range(1), [Violation(message, loop.index)]
    return values, []
