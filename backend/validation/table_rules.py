"""Tables of sums: as many entries as their inputs select, and groups for all cells."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from spikeloom.backend.execution.work import WORK
from spikeloom.backend.validation.boxes import tile_of
from spikeloom.backend.validation.loop_rules import Placed
from spikeloom.backend.validation.violation import Violation
from spikeloom.dialects.instruction_set import ENTRIES, GROUPS, MAX_TABLE_WIDTH

SIZES = tuple(2**width for width in range(1, MAX_TABLE_WIDTH + 1))
"""Entries that a table may have."""


def check_tables(placed: Placed) -> Iterator[Violation]:
    """The rules about the axes of instructions that build tables or look them up."""
    instruction = placed.instruction
    spec = instruction.spec
    if ENTRIES not in spec.axes:
        return
    tiles = {
        axis: tile_of(extent, placed.loops)
        for axis, extent in zip(spec.axes, instruction.extents, strict=True)
    }
    entries = tiles[ENTRIES]
    if entries.values is not None or entries.cells not in SIZES:
        got = f"{entries.cells} cells and a loop" if entries.values is not None else entries.cells
        message = f"a table has a constant power of two of entries, 2 to {SIZES[-1]}, not {got}"
        yield Violation(message, instruction.index)
        return
    width = SIZES.index(entries.cells) + 1
    grouped = WORK[spec.name].grouped
    cells = prod(tiles[axis].greatest for axis in grouped)
    if tiles[GROUPS].least * width < cells:
        message = (
            f"{tiles[GROUPS].least} groups of {width} take {tiles[GROUPS].least * width} cells,"
            f" but there are {cells} of {' x '.join(grouped)}"
        )
        yield Violation(message, instruction.index)
