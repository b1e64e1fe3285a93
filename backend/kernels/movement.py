"""DMA: copies, transposes and clears boxes. Exactly the box changes, never the padding."""

from __future__ import annotations

from spikeloom.backend.kernels.compile import compiled
from spikeloom.backend.kernels.memory import (
    load_bits,
    load_f32,
    load_i32,
    store_bits,
    store_f32,
    store_i32,
)
from spikeloom.backend.kernels.operands import (
    SIGNATURE,
    Doubles,
    Integers,
    row_at,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import share_start

TARGET, SOURCE = 0, 1


@compiled(*SIGNATURE)
def copy_cells(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """`load` and `store` of 32-bit cells, whatever they hold."""
    columns, total = extent[3], row_count(extent)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        target = row_of(operand, TARGET, extent, r)
        source = row_of(operand, SOURCE, extent, r)
        for column in range(columns):
            store_i32(target, column, load_i32(source, column))


@compiled(*SIGNATURE)
def copy_bits(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """`load` and `store` of bits."""
    columns, total = extent[3], row_count(extent)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        target = row_of(operand, TARGET, extent, r)
        source = row_of(operand, SOURCE, extent, r)
        for column in range(0, columns, 64):
            bits = min(64, columns - column)
            store_bits(target, column >> 6, bits, load_bits(source, column >> 6, bits))


@compiled(*SIGNATURE)
def transpose(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """`load_transposed`: target[tap, column, row] = source[tap, row, column].

    16 columns at a time, so that the threads write different rows.
    """
    taps, rows, columns = extent[0], extent[1], extent[2]
    tiles = (columns + 15) // 16
    total = taps * tiles
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        tap, left = task // tiles, 16 * (task % tiles)
        for row in range(rows):
            source = row_at(operand, SOURCE, tap, 0, row)
            for column in range(left, min(columns, left + 16)):
                target = row_at(operand, TARGET, tap, 0, column)
                store_f32(target, row, load_f32(source, column))


@compiled(*SIGNATURE)
def clear_cells(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """`clear` of 32-bit cells: the zero of f32 and of i32 has the same bytes."""
    columns, total = extent[3], row_count(extent)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        target = row_of(operand, TARGET, extent, r)
        for column in range(columns):
            store_i32(target, column, 0)


@compiled(*SIGNATURE)
def clear_bits(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """`clear` of bits."""
    columns, total = extent[3], row_count(extent)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        target = row_of(operand, TARGET, extent, r)
        for column in range(0, columns, 64):
            store_bits(target, column >> 6, min(64, columns - column), 0)
