"""Runs a stream on marks instead of numbers: which cells are written, which read before that.

A buffer is divided into coarse cells by all the points at which any box starts or ends. A cell
is written where its mark equals the generation of its buffer: raising the generation
un-writes the whole buffer at once. Compiled, and imported only where a stream is validated.

Deep loops are quick because most of what they do changes no mark. A buffer without unwritten
cells (`unwritten`) can be read anywhere. Once a buffer has un-written those that it overlaps and
none of them has been written since (`alone`), writing it again un-writes nothing. So an
instruction on such buffers is done without a look at its boxes.

The tables, all of 64-bit integers but the marks of 32:

- records [n, 4]: LOOP, start, stop, step; or END, index of its LOOP; or INSTRUCTION, its first
  operand, the operand behind its last.
- operands [m, 27]: buffer, whether read, whether written, then for each dimension the base, for
  each the depth of the loop added (or -1), its scale, the extent, the depth of the tile loop added
  to it (or -1), and that one's scale.
- cuts: for every buffer and dimension in turn its points of division, ascending; those of
  dimension d of buffer b lie from cut_first[4 b + d] on.
- marks: for every buffer in turn its cells, those of buffer b from mark_first[b] on.
- overlaps: for every buffer those that it overlaps, those of buffer b from overlap_first[b] on.
- states [5, buffers]: GENERATION, UNWRITTEN, ALONE, CELLS and COPIES of every buffer. Where there
  are several copies, a write that is no read and starts at the origin begins the next one, of
  which nothing is written.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.kernels.compile import (
    INTEGER,
    INTEGERS,
    INTEGERS_2D,
    compiled,
    helper,
    types,
)
from spikeloom.dialects.instruction_set import DIMENSIONS

Integers = NDArray[np.int64]
Marks = NDArray[np.int32]
MARKS = types.Array(types.int32, 1, "C")

LOOP, END, INSTRUCTION = 0, 1, 2
BUFFER, READ, WRITTEN = 0, 1, 2
BASE, BASE_LOOP, BASE_SCALE, EXTENT, EXTENT_LOOP, EXTENT_SCALE = range(3, 27, DIMENSIONS)
OPERAND_COLUMNS = 27
VALUE, STOP, STEP = 0, 1, 2
"""Rows of the state of the open loops, one column per depth."""
GENERATION, UNWRITTEN, ALONE, CELLS, COPIES = 0, 1, 2, 3, 4
"""Rows of the state of the buffers."""
LOCATING = 32
"""What it costs to find a box, in visits to cells."""
TOO_MANY_VISITS = -1


@helper
def cuts_below(cuts: Integers, first: int, end: int, point: int) -> int:
    """The number of cuts below `point`, among those from `first` to `end`."""
    low, high = first, end
    while low < high:
        middle = (low + high) // 2
        if cuts[middle] < point:
            low = middle + 1
        else:
            high = middle
    return low - first


@helper
def locate(
    operands: Integers,
    operand: int,
    loops: Integers,
    cuts: Integers,
    cut_first: Integers,
    box: Integers,
) -> bool:
    """The cells of an operand's box now: per dimension first, end and number in the buffer.

    Returns whether the box starts at the buffer's origin.
    """
    at_origin = True
    for d in range(DIMENSIONS):
        start = operands[operand, BASE + d]
        if operands[operand, BASE_LOOP + d] >= 0:
            value = loops[VALUE, operands[operand, BASE_LOOP + d]]
            start += operands[operand, BASE_SCALE + d] * value
        extent = operands[operand, EXTENT + d]
        tile = operands[operand, EXTENT_LOOP + d]
        if tile >= 0:
            left = min(abs(loops[STEP, tile]), abs(loops[STOP, tile] - loops[VALUE, tile]))
            extent += operands[operand, EXTENT_SCALE + d] * left
        cut = DIMENSIONS * operands[operand, BUFFER] + d
        first, end = int(cut_first[cut]), int(cut_first[cut + 1])
        box[3 * d] = cuts_below(cuts, first, end, start)
        box[3 * d + 1] = cuts_below(cuts, first, end, start + extent)
        box[3 * d + 2] = end - first - 1
        at_origin = at_origin and start == 0
    return at_origin


@helper
def first_unwritten(marks: Marks, base: int, box: Integers, generation: int) -> int:
    """The first cell of the box without this mark, counted in the buffer, or -1."""
    for step in range(box[0], box[1]):
        for sample in range(box[3], box[4]):
            for position in range(box[6], box[7]):
                line = ((step * box[5] + sample) * box[8] + position) * box[11]
                for cell in range(line + box[9], line + box[10]):
                    if marks[base + cell] != generation:
                        return cell
    return -1


@helper
def mark(marks: Marks, base: int, box: Integers, generation: int) -> int:
    """Marks the cells of the box; returns how many of them were not marked."""
    found = 0
    for step in range(box[0], box[1]):
        for sample in range(box[3], box[4]):
            for position in range(box[6], box[7]):
                line = base + ((step * box[5] + sample) * box[8] + position) * box[11]
                for cell in range(line + box[9], line + box[10]):
                    found += marks[cell] != generation
                    marks[cell] = generation
    return found


@helper
def cells_of(box: Integers) -> int:
    """The number of cells of a box."""
    cells = 1
    for d in range(DIMENSIONS):
        cells *= int(box[3 * d + 1] - box[3 * d])
    return cells


@helper
def unwrite_overlapped(
    states: Integers, buffer: int, overlaps: Integers, overlap_first: Integers
) -> int:
    """Un-writes all buffers that overlap this one; returns how many there are."""
    first, end = int(overlap_first[buffer]), int(overlap_first[buffer + 1])
    for place in range(first, end):
        other = overlaps[place]
        states[GENERATION, other] += 1
        states[UNWRITTEN, other] = states[CELLS, other]
        states[ALONE, other] = 0
    states[ALONE, buffer] = 1
    return end - first


@helper
def next_record(records: Integers, index: int, loops: Integers) -> int:
    """The record after a LOOP or END that is executed; loops[VALUE, -1] counts open loops."""
    opened = loops[VALUE, -1]
    if records[index, 0] == LOOP:
        for row in range(3):
            loops[row, opened] = records[index, 1 + row]
        loops[VALUE, -1] = opened + 1
        return index + 1
    depth = opened - 1
    loops[VALUE, depth] += loops[STEP, depth]
    left = loops[STOP, depth] - loops[VALUE, depth]
    if left != 0 and (left > 0) == (loops[STEP, depth] > 0):
        return records[index, 1] + 1
    loops[VALUE, -1] = depth
    return index + 1


@compiled(
    INTEGERS_2D, INTEGERS_2D, INTEGERS_2D, INTEGERS, INTEGERS, MARKS, INTEGERS, INTEGERS_2D,
    INTEGERS, INTEGERS, INTEGER, INTEGERS_2D,
)  # fmt: skip
def execute(
    records: Integers,
    operands: Integers,
    loops: Integers,
    cuts: Integers,
    cut_first: Integers,
    marks: Marks,
    mark_first: Integers,
    states: Integers,
    overlaps: Integers,
    overlap_first: Integers,
    limit: int,
    failures: Integers,
) -> int:
    """Executes all records; returns the number of `failures` filled in, at most all of them.

    A failure is (record, operand, cell in its buffer); an operand is reported once. After `limit`
    visits to cells it gives up and returns TOO_MANY_VISITS.
    """
    found = index = visits = 0
    box = np.zeros(3 * DIMENSIONS, np.int64)
    failed = np.zeros(len(operands), np.bool_)
    while index < len(records) and found < len(failures):
        if records[index, 0] != INSTRUCTION:
            index = next_record(records, index, loops)
            continue
        if visits > limit:
            return TOO_MANY_VISITS
        first, end = records[index, 1], records[index, 2]
        for operand in range(first, end):
            buffer = operands[operand, BUFFER]
            unknown = operands[operand, READ] and states[UNWRITTEN, buffer]
            if unknown and not failed[operand] and found < len(failures):
                locate(operands, operand, loops, cuts, cut_first, box)
                visits += LOCATING + cells_of(box)
                base, generation = int(mark_first[buffer]), int(states[GENERATION, buffer])
                cell = first_unwritten(marks, base, box, generation)
                if cell >= 0:
                    failed[operand] = True
                    failures[found, 0] = index
                    failures[found, 1] = operand
                    failures[found, 2] = cell
                    found += 1
        for operand in range(first, end):
            if operands[operand, WRITTEN]:
                buffer = operands[operand, BUFFER]
                if not states[ALONE, buffer]:
                    visits += unwrite_overlapped(states, buffer, overlaps, overlap_first)
                begins = states[COPIES, buffer] > 1 and not operands[operand, READ]
                if states[UNWRITTEN, buffer] or begins:
                    at_origin = locate(operands, operand, loops, cuts, cut_first, box)
                    visits += LOCATING
                    if begins and at_origin and cells_of(box) < states[CELLS, buffer]:
                        states[GENERATION, buffer] += 1
                        states[UNWRITTEN, buffer] = states[CELLS, buffer]
                if states[UNWRITTEN, buffer]:
                    visits += cells_of(box)
                    base, generation = int(mark_first[buffer]), int(states[GENERATION, buffer])
                    states[UNWRITTEN, buffer] -= mark(marks, base, box, generation)
        index += 1
    return found
