"""Weight Update Engine: sums over steps, samples and positions, ascending in this order.

Each thread owns a range of rows of the weight gradient, one per tap and input. For 64 inputs at a
time it lists the gradients that concern each of them, a chunk of positions after the other, and
adds the listed rows in registers.
"""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import (
    compiled,
    helper,
)
from spikeloom.backend.kernels.events import DENSE, count_dense_rows, count_events, count_ones
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
    INPUT_POSITIONS,
    INPUTS,
    OUTPUTS,
    POSITIONS,
    ROW_BYTES,
    SIGNATURE,
    TAPS,
    Doubles,
    Integers,
    holds_bits,
    row_at,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import share_start
from spikeloom.backend.kernels.rows import add_rows, add_scaled_rows
from spikeloom.backend.kernels.windows import (
    INPUT_WIDTH,
    KERNEL_WIDTH,
    LEFT,
    OUTPUT_WIDTH,
    STRIDE,
    TOP,
    met,
)

WEIGHT_GRADIENT, INPUT, GRADIENT = 0, 1, 2
BIAS_GRADIENT, SUMMED = 0, 1

CHUNK = 128
"""Positions that are listed at a time."""
# Scratch: 64 lists of offsets, 64 lists of scales, and the length of each list.
LIST_BYTES = 4 * CHUNK
_SCALES = 64 * LIST_BYTES
LENGTHS = 2 * _SCALES


@helper
def clear_lengths(scratch: int) -> None:
    """Empties the 64 lists."""
    for item in range(64):
        store_i32(scratch + LENGTHS, item, 0)


@helper
def append_row(scratch: int, item: int, offset: int) -> int:
    """Appends a row to list `item`; returns its position there."""
    length = load_i32(scratch + LENGTHS, item)
    store_i32(scratch + item * LIST_BYTES, length, offset)
    store_i32(scratch + LENGTHS, item, length + 1)
    return length


@helper
def list_inputs(
    operand: Integers, row: int, begin: int, end: int, offset: int, scratch: int
) -> None:
    """Appends the gradient at `offset` to the lists of the inputs that are not zero in this row.

    List n is that of input `begin` - `begin` % 64 + n; all inputs lie in one word.
    """
    first = begin & ~63
    if holds_bits(operand, INPUT):
        bits = load_word(row, begin >> 6) & low_bits(end - first) & ~low_bits(begin - first)
        while bits != 0:
            append_row(scratch, trailing_zeros(bits), offset)
            bits &= bits - 1
        return
    for place in range(begin, end):
        value = load_f32(row, place)
        if value != np.float32(0.0):
            item = place - first
            position = append_row(scratch, item, offset)
            store_f32(scratch + _SCALES + item * LIST_BYTES, position, value)


@helper
def add_lists(
    operand: Integers, extent: Integers, tap: int, begin: int, end: int, scratch: int
) -> None:
    """Adds the listed gradients to the rows of these inputs and empties the lists."""
    base, outputs = operand[GRADIENT, ADDRESS], extent[OUTPUTS]
    first = begin & ~63
    for item in range(begin - first, end - first):
        length = load_i32(scratch + LENGTHS, item)
        if length > 0:
            target = row_at(operand, WEIGHT_GRADIENT, tap, 0, first + item)
            offsets = scratch + item * LIST_BYTES
            if holds_bits(operand, INPUT):
                add_rows(target, base, offsets, length, outputs)
            else:
                add_scaled_rows(target, base, offsets, offsets + _SCALES, length, outputs)
    clear_lengths(scratch)


@helper
def correlate_tap(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    tap: int,
    begin: int,
    end: int,
    scratch: int,
) -> None:
    """Adds up what the inputs of one word met at one tap, over steps, samples and positions."""
    kernel, stride = int(immediate[KERNEL_WIDTH]), int(immediate[STRIDE])
    width, input_width = int(immediate[OUTPUT_WIDTH]), int(immediate[INPUT_WIDTH])
    height, input_height = extent[POSITIONS] // width, extent[INPUT_POSITIONS] // input_width
    j, left = tap // kernel, int(immediate[LEFT]) - tap % kernel
    # The columns whose windows meet the image at this tap.
    first = max(0, (left + stride - 1) // stride)
    last = min(width, (input_width - 1 + left) // stride + 1)
    pending = 0
    clear_lengths(scratch)
    for task in range(extent[0] * extent[1] * height):
        group, y = task // height, task % height
        line = met(0, y, j, stride, int(immediate[TOP]), input_height)
        if line < 0 or first >= last:
            continue
        step, sample = group // extent[1], group % extent[1]
        place = line * input_width + first * stride - left
        row = row_at(operand, INPUT, step, sample, place)
        offset = row_at(operand, GRADIENT, step, sample, y * width + first)
        offset -= operand[GRADIENT, ADDRESS]
        for _ in range(first, last):
            list_inputs(operand, row, begin, end, offset, scratch)
            row += stride * operand[INPUT, ROW_BYTES]
            offset += operand[GRADIENT, ROW_BYTES]
            pending += 1
            if pending == CHUNK:
                add_lists(operand, extent, tap, begin, end, scratch)
                pending = 0
    add_lists(operand, extent, tap, begin, end, scratch)


@helper
def correlate(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """Adds this thread's rows of the weight gradient."""
    inputs = extent[INPUTS]
    total = extent[TAPS] * inputs
    row, end = share_start(total, thread, threads), share_start(total, thread + 1, threads)
    while row < end:
        tap, begin = row // inputs, row % inputs
        items = min(64 - (begin & 63), inputs - begin, end - row)
        correlate_tap(operand, extent, immediate, tap, begin, begin + items, scratch)
        row += items


@helper
def events_of_window(
    operand: Integers, extent: Integers, immediate: Doubles, group: int, y: int, x: int
) -> int:
    """How many inputs spiked in the window at (y, x) of this step and sample."""
    kernel, stride = int(immediate[KERNEL_WIDTH]), int(immediate[STRIDE])
    width = int(immediate[INPUT_WIDTH])
    height = extent[INPUT_POSITIONS] // width
    events = 0
    for tap in range(extent[TAPS]):
        row = met(0, y, tap // kernel, stride, int(immediate[TOP]), height)
        column = met(0, x, tap % kernel, stride, int(immediate[LEFT]), width)
        if row >= 0 and column >= 0:
            step, sample = group // extent[1], group % extent[1]
            bits = row_at(operand, INPUT, step, sample, row * width + column)
            events += count_ones(bits, extent[INPUTS])
    return events


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
    """weight_gradient[tap, i, :] += gradient[t, b, p, :] for all (t, b, p) where input i spiked."""
    correlate(operand, extent, immediate, scratch, thread, threads)
    width, total = int(immediate[OUTPUT_WIDTH]), row_count(extent)
    cells = extent[TAPS] * extent[INPUTS]
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        group, p = r // extent[POSITIONS], r % extent[POSITIONS]
        events = events_of_window(operand, extent, immediate, group, p // width, p % width)
        count_events(count, events, cells, lanes, int(immediate[DENSE]))
    count_dense_rows(count, cells, int(immediate[DENSE]), thread)


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
    """weight_gradient[tap, i, :] += values[t, b, q, i] * gradient[t, b, p, :], fused; no zeros.

    p meets q at the tap.
    """
    correlate(operand, extent, immediate, scratch, thread, threads)


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
    for start in range(0, rows, CHUNK):
        length = min(CHUNK, rows - start)
        for k in range(length):
            offset = row_of(operand, SUMMED, extent, start + k) - operand[SUMMED, ADDRESS]
            store_i32(scratch, k, offset)
        add_rows(target, base, scratch, length, end - begin)
