"""Neuron units that only rearrange: images into one long row and back, units side by side.

Bits and 32-bit cells alike. Threads write blocks of 64 cells of one row, so that two never write
the same word.
"""

from __future__ import annotations

from spikeloom.backend.kernels.compile import compiled, helper
from spikeloom.backend.kernels.memory import (
    load_bit,
    load_i32,
    load_word,
    low_bits,
    store_bits,
    store_i32,
    store_word,
)
from spikeloom.backend.kernels.operands import (
    POSITIONS,
    SIGNATURE,
    Doubles,
    Integers,
    holds_bits,
    present,
    row_at,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import blocks_of, share_start

UNITS, FLAT_CELLS, LEFT_UNITS, RIGHT_UNITS = 3, 4, 4, 5
FLAT, IMAGE = 0, 1
UNFLATTENED, LONG = 0, 1
JOINED, LEFT, RIGHT = 0, 1, 2
LEFT_PART, RIGHT_PART, WHOLE = 0, 1, 2


@helper
def move_cell(
    operand: Integers, role: int, target: int, cell: int, source: int, other: int
) -> None:
    """Copies cell `other` of the row at `source` to `cell` of the one at `target`."""
    if holds_bits(operand, role):
        bit = load_bit(source, other) << (cell & 63)
        kept = load_word(target, cell >> 6) & ~(1 << (cell & 63))
        store_word(target, cell >> 6, kept | bit)
    else:
        store_i32(target, cell, load_i32(source, other))


@compiled(*SIGNATURE)
def flatten(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """flat[t, b, 0, unit * positions + position] = image[t, b, position, unit]."""
    positions, cells = extent[POSITIONS], extent[FLAT_CELLS]
    blocks = blocks_of(cells)
    total = extent[0] * extent[1] * blocks
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        group, first = task // blocks, 64 * (task % blocks)
        step, sample = group // extent[1], group % extent[1]
        target = row_at(operand, FLAT, step, sample, 0)
        unit, position = first // positions, first % positions
        for cell in range(first, min(cells, first + 64)):
            source = row_at(operand, IMAGE, step, sample, position)
            move_cell(operand, FLAT, target, cell, source, unit)
            position += 1
            if position == positions:
                unit, position = unit + 1, 0


@compiled(*SIGNATURE)
def unflatten(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """image[t, b, position, unit] = flat[t, b, 0, unit * positions + position]."""
    positions, units, total = extent[POSITIONS], extent[UNITS], row_count(extent)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        group, position = r // positions, r % positions
        source = row_at(operand, LONG, group // extent[1], group % extent[1], 0)
        target = row_of(operand, UNFLATTENED, extent, r)
        for unit in range(units):
            cell = unit * positions + position
            move_cell(operand, UNFLATTENED, target, unit, source, cell)


@helper
def move_cells(
    operand: Integers, role: int, target: int, first: int, source: int, cells: int
) -> None:
    """Copies a row of so many cells behind the first cells of another one."""
    if not holds_bits(operand, role):
        for cell in range(cells):
            store_i32(target, first + cell, load_i32(source, cell))
        return
    # A word at a time, which may straddle two words of the target.
    for cell in range(0, cells, 64):
        length = min(64, cells - cell)
        word = load_word(source, cell >> 6) & low_bits(length)
        place, shift = (first + cell) >> 6, (first + cell) & 63
        fits = min(length, 64 - shift)
        kept = load_word(target, place) & ~(low_bits(fits) << shift)
        store_word(target, place, kept | ((word & low_bits(fits)) << shift))
        if length > fits:
            rest = (word >> fits) & low_bits(length - fits)
            store_bits(target, place + 1, length - fits, rest)


@compiled(*SIGNATURE)
def concatenate(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """joined[t, b, p, :] = left[t, b, p, :], then right[t, b, p, :]."""
    left, right, total = extent[LEFT_UNITS], extent[RIGHT_UNITS], row_count(extent)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        target = row_of(operand, JOINED, extent, r)
        move_cells(operand, JOINED, target, 0, row_of(operand, LEFT, extent, r), left)
        move_cells(operand, JOINED, target, left, row_of(operand, RIGHT, extent, r), right)


@compiled(*SIGNATURE)
def split(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """left_gradient = the first units of gradient, right_gradient = the others."""
    left, right, total = extent[LEFT_UNITS], extent[RIGHT_UNITS], row_count(extent)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        source = row_of(operand, WHOLE, extent, r)
        if present(operand, LEFT_PART):
            target = row_of(operand, LEFT_PART, extent, r)
            move_cells(operand, LEFT_PART, target, 0, source, left)
        if present(operand, RIGHT_PART):
            target = row_of(operand, RIGHT_PART, extent, r)
            move_cells(operand, RIGHT_PART, target, 0, source + 4 * left, right)
