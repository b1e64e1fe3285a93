"""Which places the iterations of a loop share, whatever iteration and whatever entry it is.

On chip an operand uses a whole copy of its buffer, and copies are written in turns: the distance
of two uses never changes. Only where buffers share addresses does it depend on how their copies
stand when the loop is entered.

In DRAM the parts are watched that a box touches, and a box may move with the loop. Where all boxes
of a buffer move alike, what they share recurs with the parts. Where they do not, it depends on the
iteration.

What depends on the entry or on an unbounded number of iterations is treated as one place. Then an
operand waits for more than it has to, never for less: whoever wrote a place later waited for those
before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.dataflow.executions import Execution
from spikeloom.backend.dataflow.loops import Loop
from spikeloom.backend.execution import program
from spikeloom.backend.execution.clock import CELLS, START
from spikeloom.backend.execution.dependences import COPIES, CURRENT, FIRST, PART, SegmentMap
from spikeloom.backend.execution.program import Program

Integers = NDArray[np.int64]

ROOM = 2**40
"""Segments between two buffers in DRAM: a loop that never ends leaves its buffers."""


@dataclass(frozen=True)
class LoopPlaces:
    """The segments of a loop's iterations.

    Attributes:
        segments: as the loop is entered.
        phases: iterations after which the dependences recur.
        reach: iterations, at most, between two that depend on each other.
        exact: whether no places were taken together.
    """

    segments: SegmentMap
    phases: int
    reach: int
    exact: bool


@dataclass(frozen=True)
class _Use:
    """An operand of the body: which instruction and role, and which loop moves its part.

    `moves` is the depth of that loop and how far it moves the box per iteration, along the
    dimension that is watched; (depth of the loop looked at, 0) where neither it nor one around it
    does.
    """

    record: int
    role: int
    writes: bool
    moves: tuple[int, int]


def loop_places(
    decoded: Program, loop: Loop, iteration: Sequence[Execution], most: int
) -> LoopPlaces:
    """The segments for the iterations of a loop.

    Args:
        iteration: what the first one executes.
        most: iterations that may be looked at; what recurs or reaches later is one place.
    """
    copies, bounds = decoded.segments.copies.copy(), decoded.segments.bounds.copy()
    uses = _uses(decoded, loop)
    written = {buffer for buffer, found in uses.items() if any(use.writes for use in found)}
    phases, reach, together = 1, int(copies[list(uses), COPIES].max(initial=1)), False
    for buffer in _entangled(decoded.segments, uses, written):
        first = copies[buffer, FIRST]
        bounds[first + 1] = bounds[first + copies[buffer, COPIES]]
        copies[buffer, COPIES], copies[buffer, CURRENT], together = 1, 0, True
    for buffer in sorted(uses):
        if not (part := int(copies[buffer, PART])):
            continue
        first = copies[buffer, FIRST]
        bounds[first] = decoded.segments.count + (buffer + 1) * ROOM
        bounds[first + 1] = bounds[first] + 1
        if buffer not in written:
            continue
        found = _recurrence(decoded, loop, uses[buffer], iteration, part)
        if found is None or lcm(phases, found[0]) + max(reach, found[1]) > most:
            copies[buffer, PART], together = 0, True
        else:
            phases, reach = lcm(phases, found[0]), max(reach, found[1])
    segments = replace(decoded.segments, copies=copies, bounds=bounds)
    return LoopPlaces(segments, phases, reach, not together)


def _uses(decoded: Program, loop: Loop) -> dict[int, list[_Use]]:
    """The operands of the loop's body by their buffer."""
    found: defaultdict[int, list[_Use]] = defaultdict(list)
    opened = (*loop.enclosing, loop.opened)
    for record in range(loop.opened + 1, loop.closed):
        if decoded.record[record, program.KIND] != program.INSTRUCTION:
            continue
        for role in range(int(decoded.record[record, program.ROLES])):
            operand = decoded.operand[record, role]
            if operand[program.BUFFER] == program.ABSENT:
                continue
            depth, moves = int(operand[program.WATCHED_LOOP]), (loop.depth, 0)
            if 0 <= depth <= loop.depth:
                step = int(decoded.record[opened[depth], program.STEP])
                moves = (depth, step * int(operand[program.WATCHED_SCALE]))
            use = _Use(record, role, bool(operand[program.WRITES]), moves)
            found[int(operand[program.BUFFER])].append(use)
    return dict(found)


def _entangled(segments: SegmentMap, used: Iterable[int], written: set[int]) -> list[int]:
    """The buffers of several copies on chip that share addresses with another buffer.

    Buffers that nobody writes do not matter to each other.
    """
    copies, bounds = segments.copies, segments.bounds
    on_chip = [buffer for buffer in used if not copies[buffer, PART]]
    spans = [
        (int(bounds[first]), int(bounds[first + number]), buffer)
        for buffer in on_chip
        for first, number in [copies[buffer, [FIRST, COPIES]]]
    ]
    return [
        buffer
        for start, end, buffer in spans
        if copies[buffer, COPIES] > 1
        and any(
            start < other_end and other_start < end and other != buffer
            for other_start, other_end, other in spans
            if {buffer, other} & written
        )
    ]


def _recurrence(
    decoded: Program, loop: Loop, uses: list[_Use], iteration: Sequence[Execution], part: int
) -> tuple[int, int] | None:
    """After how many iterations what the uses share recurs, and how far apart two can share it.

    None where it depends on the entry, or boxes move against each other.
    """
    if len({use.moves for use in uses}) > 1:
        return None
    depth, move = uses[0].moves
    if depth < loop.depth:
        # A box that moves by whole parts meets them as before; so does one that is the only one.
        return (1, 1) if move % part == 0 or _is_one_box(decoded, loop, uses) else None
    if not move:
        return 1, 1
    roles: defaultdict[int, list[int]] = defaultdict(list)
    for use in uses:
        roles[use.record].append(use.role)
    boxes: list[tuple[int, int]] = [
        tuple(execution.boxes[role, [START, CELLS]].tolist())
        for execution in iteration
        for role in roles.get(execution.record, ())
    ]
    length = max(start + cells for start, cells in boxes) - min(start for start, _ in boxes)
    return part // gcd(part, move), -(-(length + part) // abs(move))


def _is_one_box(decoded: Program, loop: Loop, uses: list[_Use]) -> bool:
    """Whether the uses always touch the same cells along the dimension that is watched."""
    boxes: set[tuple[int, ...]] = set()
    for use in uses:
        operand = decoded.operand[use.record, use.role]
        axis = int(operand[program.WATCHED_AXIS])
        extent = (1,)
        if axis != program.NO_AXIS:
            extent = tuple(decoded.extent[use.record, axis].tolist())
            if extent[program.EXTENT_LOOP] > loop.depth:
                return False
        boxes.add((int(operand[program.WATCHED_BASE]), *extent))
    return len(boxes) == 1
