"""Every cell is written before it is read: prepares the abstract execution and words its finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.stream.records import Buffer, End, Instruction, Loop, Record
from spikeloom.backend.stream.stream import MAX_LOOP_DEPTH
from spikeloom.backend.validation.boxes import Interval
from spikeloom.backend.validation.buffer_rules import DRAM, overlapping
from spikeloom.backend.validation.cells import Cells, TooLarge
from spikeloom.backend.validation.loop_rules import Placed
from spikeloom.backend.validation.violation import MAX_REPORTED, Violation, spell_text

HOST_WRITTEN = frozenset({"input", "label", "parameter", "optimizer"})
"""Kinds of roles: buffers in DRAM that the host fills before a run."""
MAX_OVERLAPS = 2**22
MAX_VISITS = 2**32
"""Pairs of overlapping buffers; visits to cells during the abstract execution."""
_INT = np.int64


@dataclass(frozen=True)
class _Tables:
    """The instructions as tables for `abstract_execution`, which describes them."""

    records: NDArray[np.int64]
    operands: NDArray[np.int64]


def check_written_before_read(
    records: Sequence[Record], placed: Sequence[Placed], buffers: Sequence[Buffer]
) -> list[Violation]:
    """Cells that are read before the stream, or the host, has written them.

    Exact: every iteration of every loop is executed on marks, as far as it can change any. Where
    two on-chip buffers share addresses, writing one un-writes the other. A write that begins the
    next copy of a buffer un-writes what the box leaves out. The stream must obey all other rules.
    """
    if not placed:
        return []
    pairs = overlapping(buffers, MAX_OVERLAPS)
    if pairs is None:
        return [Violation(f"too large to validate: over {MAX_OVERLAPS} overlapping buffer pairs")]
    overlaps, overlap_first = _neighbours(pairs, len(buffers))
    try:
        cells = _divide(placed, buffers)
    except TooLarge as reason:
        return [Violation(f"too large to validate: {reason}")]
    from spikeloom.backend.validation.abstract_execution import TOO_MANY_VISITS, execute

    tables = _tabulate(records, placed)
    failures = np.zeros((MAX_REPORTED, 3), _INT)
    count = execute(
        tables.records,
        tables.operands,
        np.zeros((3, MAX_LOOP_DEPTH + 1), _INT),
        cells.cuts,
        cells.cut_first,
        *_unwritten_marks(cells, buffers),
        overlaps,
        overlap_first,
        MAX_VISITS,
        failures,
    )
    if count == TOO_MANY_VISITS:
        return [Violation(f"too large to validate: over {MAX_VISITS} visits to cells")]
    where: list[list[int]] = failures[:count].tolist()
    instructions = {place.instruction.index: place.instruction for place in placed}
    first: list[int] = tables.records[:, 1].tolist()
    return [
        _unwritten(instructions[index], operand - first[index], cell, cells, buffers)
        for index, operand, cell in where
    ]


def _unwritten(
    instruction: Instruction, number: int, cell: int, cells: Cells, buffers: Sequence[Buffer]
) -> Violation:
    """The violation of an instruction's operand, given the first coarse cell not written."""
    operand = instruction.operands[number]
    buffer = buffers[operand.slice.buffer]
    place = f"{spell_text(buffer.name)}{cells.coordinates(buffer.index, cell)}"
    message = f"`{operand.role.name}` reads {place} before it is written"
    return Violation(message, instruction.index)


def _neighbours(
    pairs: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Per buffer the buffers that it overlaps, one behind the other, and where each begins."""
    both_ways = np.concatenate([pairs, pairs[:, ::-1]])
    both_ways = both_ways[np.argsort(both_ways[:, 0], kind="stable")]
    first = np.searchsorted(both_ways[:, 0], np.arange(count + 1))
    return np.ascontiguousarray(both_ways[:, 1]), first.astype(_INT)


def _divide(placed: Sequence[Placed], buffers: Sequence[Buffer]) -> Cells:
    """The cells that the boxes of all operands divide their buffers into.

    Raises `TooLarge` when there are too many.
    """
    return Cells(
        len(buffers),
        (
            (operand.slice.buffer, box)
            for place in placed
            for operand, box in zip(place.instruction.operands, place.boxes, strict=True)
        ),
    )


def _unwritten_marks(
    cells: Cells, buffers: Sequence[Buffer]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """The marks, where those of each buffer begin, and the buffers' states before the first record.

    What the host writes is written; everything else is not.
    """
    marks = np.zeros(int(cells.mark_first[-1]), np.int32)
    sizes = np.diff(cells.mark_first)
    unwritten = sizes.copy()
    for buffer in buffers:
        if buffer.memory == DRAM and buffer.role[0] in HOST_WRITTEN:
            marks[cells.mark_first[buffer.index] : cells.mark_first[buffer.index + 1]] = 1
            unwritten[buffer.index] = 0
    copies = np.array([buffer.copies for buffer in buffers], _INT)
    states = np.stack([np.ones_like(sizes), unwritten, np.zeros_like(sizes), sizes, copies])
    return marks, cells.mark_first, states


def _tabulate(records: Sequence[Record], placed: Sequence[Placed]) -> _Tables:
    from spikeloom.backend.validation import abstract_execution as tables

    rows: list[tuple[int, int, int, int]] = []
    operands: list[tuple[int, ...]] = []
    places = iter(placed)
    for record in records:
        match record:
            case Loop():
                rows.append((tables.LOOP, record.start, record.stop, record.step))
            case End():
                rows.append((tables.END, record.partner, 0, 0))
            case _:
                place = next(places)
                first = len(operands)
                for operand, box in zip(place.instruction.operands, place.boxes, strict=True):
                    use = (operand.slice.buffer, int(operand.read), int(operand.written))
                    operands.append((*use, *_columns(box)))
                rows.append((tables.INSTRUCTION, first, len(operands), 0))
    return _Tables(
        np.array(rows, _INT).reshape(-1, 4),
        np.array(operands, _INT).reshape(-1, tables.OPERAND_COLUMNS),
    )


def _columns(box: Sequence[Interval]) -> tuple[int, ...]:
    return (
        *(interval.base for interval in box),
        *(interval.depth for interval in box),
        *(interval.scale for interval in box),
        *(interval.tile.cells for interval in box),
        *(interval.tile.depth for interval in box),
        *(interval.tile.scale for interval in box),
    )
