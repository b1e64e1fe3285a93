"""Weight Update Engine: sums over steps, samples and positions, ascending in this order.

Each thread owns a range of inputs. For 64 inputs at a time it lists the rows that concern each
of them, a chunk of rows after the other, and adds the listed gradient rows in registers.
"""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import INTEGER, INTEGERS, INTEGERS_2D, compiled
from spikeloom.backend.kernels.events import count_events
from spikeloom.backend.kernels.memory import (
    load_f32,
    load_i32,
    load_word,
    low_bits,
    store_f32,
    store_i32,
    trailing_zeros,
)
from spikeloom.backend.kernels.operands import (
    ADDRESS,
    INPUTS,
    OUTPUTS,
    SIGNATURE,
    Doubles,
    Integers,
    row_at,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import share_start
from spikeloom.backend.kernels.rows import add_rows, add_scaled_rows

WEIGHT_GRADIENT, INPUT, GRADIENT = 0, 1, 2
BIAS_GRADIENT, SUMMED = 0, 1

_CHUNK = 128
"""Rows that are listed at a time."""
# Scratch: 64 lists of offsets, 64 lists of scales, and the length of each list.
_LIST_BYTES = 4 * _CHUNK
_SCALES = 64 * _LIST_BYTES
_LENGTHS = 2 * _SCALES


@compiled(INTEGER)
def clear_lengths(scratch: int) -> None:
    """Empties the 64 lists."""
    for item in range(64):
        store_i32(scratch + _LENGTHS, item, 0)


@compiled(INTEGER, INTEGER, INTEGER)
def append_row(scratch: int, item: int, offset: int) -> int:
    """Appends a row to list `item`; returns its position there."""
    length = load_i32(scratch + _LENGTHS, item)
    store_i32(scratch + item * _LIST_BYTES, length, offset)
    store_i32(scratch + _LENGTHS, item, length + 1)
    return length


@compiled(INTEGERS_2D, INTEGER, INTEGERS, INTEGER)
def row_offset(operand: Integers, role: int, extent: Integers, r: int) -> int:
    """Bytes from the start of an operand's box to its row `r`."""
    return row_of(operand, role, extent, r) - operand[role, ADDRESS]


@compiled(*SIGNATURE)
def correlate_spikes(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """weight_gradient[i, :] += gradient[t, b, p, :] for every (t, b, p) at which input i spiked."""
    inputs, outputs, rows = extent[INPUTS], extent[OUTPUTS], row_count(extent)
    begin = share_start(inputs, thread, threads)
    end = share_start(inputs, thread + 1, threads)
    for word in range(begin >> 6, (end + 63) >> 6):
        first = 64 * word
        mine = low_bits(end - first) & ~low_bits(max(0, begin - first))
        for start in range(0, rows, _CHUNK):
            clear_lengths(scratch)
            for r in range(start, min(rows, start + _CHUNK)):
                bits = load_word(row_of(operand, INPUT, extent, r), word) & mine
                if bits != 0:
                    offset = row_offset(operand, GRADIENT, extent, r)
                    while bits != 0:
                        append_row(scratch, trailing_zeros(bits), offset)
                        bits &= bits - 1
            for item in range(max(0, begin - first), min(64, end - first)):
                length = load_i32(scratch + _LENGTHS, item)
                if length > 0:
                    target = row_at(operand, WEIGHT_GRADIENT, 0, 0, first + item)
                    offsets = scratch + item * _LIST_BYTES
                    add_rows(target, operand[GRADIENT, ADDRESS], offsets, length, outputs)
    count_events(operand, INPUT, extent, lanes, count, thread, threads)


@compiled(*SIGNATURE)
def correlate_values(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """weight_gradient[i, :] += values[t, b, p, i] * gradient[t, b, p, :], fused; no zeros."""
    inputs, outputs, rows = extent[INPUTS], extent[OUTPUTS], row_count(extent)
    begin = share_start(inputs, thread, threads)
    end = share_start(inputs, thread + 1, threads)
    for first in range(begin, end, 64):
        items = min(64, end - first)
        for start in range(0, rows, _CHUNK):
            clear_lengths(scratch)
            for r in range(start, min(rows, start + _CHUNK)):
                values = row_of(operand, INPUT, extent, r)
                offset = row_offset(operand, GRADIENT, extent, r)
                for item in range(items):
                    value = load_f32(values, first + item)
                    if value != np.float32(0.0):
                        position = append_row(scratch, item, offset)
                        store_f32(scratch + _SCALES + item * _LIST_BYTES, position, value)
            for item in range(items):
                length = load_i32(scratch + _LENGTHS, item)
                if length > 0:
                    target = row_at(operand, WEIGHT_GRADIENT, 0, 0, first + item)
                    offsets = scratch + item * _LIST_BYTES
                    scales = offsets + _SCALES
                    add_scaled_rows(
                        target, operand[GRADIENT, ADDRESS], offsets, scales, length, outputs
                    )


@compiled(*SIGNATURE)
def sum_gradient(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """bias_gradient[:] += gradient[t, b, p, :]; a thread owns whole vectors of 16 outputs."""
    outputs, rows = extent[3], row_count(extent)
    vectors = (outputs + 15) // 16
    begin = 16 * share_start(vectors, thread, threads)
    end = min(outputs, 16 * share_start(vectors, thread + 1, threads))
    if end <= begin:
        return
    base = operand[SUMMED, ADDRESS] + 4 * begin
    target = operand[BIAS_GRADIENT, ADDRESS] + 4 * begin
    for start in range(0, rows, _CHUNK):
        length = min(_CHUNK, rows - start)
        for k in range(length):
            store_i32(scratch, k, row_offset(operand, SUMMED, extent, start + k))
        add_rows(target, base, scratch, length, end - begin)
