"""Pools: sums and maxima of windows over an image, and their gradients.

A window stands at position (y, x) of the output and covers rows y * stride - top and columns
x * stride onwards; its cells outside the box are left out.
"""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import (
    compiled,
    helper,
)
from spikeloom.backend.kernels.memory import (
    load_bit,
    load_bits,
    load_f32,
    store_bits,
    store_f32,
)
from spikeloom.backend.kernels.operands import (
    INPUT_POSITIONS,
    POSITIONS,
    SIGNATURE,
    Doubles,
    Integers,
    holds_bits,
    load_cell,
    row_at,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import blocks_of, share_start

KERNEL, STRIDE, INPUT_WIDTH, OUTPUT_WIDTH, TOP, SCALE = 0, 1, 2, 3, 4, 5
UNITS = 4
POOLED, VALUES = 0, 1
VALUE_GRADIENT, GRADIENT, MAX_VALUES, MAXIMA = 0, 1, 2, 3

_ZERO = np.float32(0.0)


@helper
def cover(extent: Integers, immediate: Doubles, position: int, span: Integers) -> None:
    """The first and last row (behind it), then column, of the box that a window covers."""
    width, input_width = int(immediate[OUTPUT_WIDTH]), int(immediate[INPUT_WIDTH])
    kernel, stride = int(immediate[KERNEL]), int(immediate[STRIDE])
    row = position // width * stride - int(immediate[TOP])
    column = position % width * stride
    span[0], span[1] = max(0, row), min(extent[INPUT_POSITIONS] // input_width, row + kernel)
    span[2], span[3] = column, min(input_width, column + kernel)


@helper
def covered_by(extent: Integers, immediate: Doubles, position: int, span: Integers) -> None:
    """The first and last row (behind it), then column, of the windows that cover a position."""
    width, input_width = int(immediate[OUTPUT_WIDTH]), int(immediate[INPUT_WIDTH])
    kernel, stride = int(immediate[KERNEL]), int(immediate[STRIDE])
    row, column = position // input_width + int(immediate[TOP]), position % input_width
    span[0] = max(0, (row - kernel + stride) // stride)
    span[1] = min(extent[POSITIONS] // width, row // stride + 1)
    span[2] = max(0, (column - kernel + stride) // stride)
    span[3] = min(width, column // stride + 1)


@compiled(*SIGNATURE)
def pool_sum(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """pooled[t, b, p, :] = scale * sum of the window's values, row by row."""
    units, total, width = extent[UNITS], row_count(extent), int(immediate[INPUT_WIDTH])
    scale, bits = np.float32(immediate[SCALE]), holds_bits(operand, VALUES)
    span = np.zeros(4, np.int64)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        group = r // extent[POSITIONS]
        step, sample = group // extent[1], group % extent[1]
        target = row_of(operand, POOLED, extent, r)
        for unit in range(units):
            store_f32(target, unit, _ZERO)
        cover(extent, immediate, r % extent[POSITIONS], span)
        for row in range(span[0], span[1]):
            for column in range(span[2], span[3]):
                source = row_at(operand, VALUES, step, sample, row * width + column)
                if bits:
                    for unit in range(units):
                        spike = np.float32(load_bit(source, unit))
                        store_f32(target, unit, load_f32(target, unit) + spike)
                else:
                    for unit in range(units):
                        store_f32(target, unit, load_f32(target, unit) + load_f32(source, unit))
        for unit in range(units):
            store_f32(target, unit, scale * load_f32(target, unit))


@helper
def max_of_values(
    operand: Integers, extent: Integers, r: int, span: Integers, width: int, units: int
) -> None:
    """The maximum of every unit over the cells of the span, 0 if there are none."""
    group = r // extent[POSITIONS]
    step, sample = group // extent[1], group % extent[1]
    target = row_of(operand, POOLED, extent, r)
    for unit in range(units):
        store_f32(target, unit, _ZERO)
    first = True
    for row in range(span[0], span[1]):
        for column in range(span[2], span[3]):
            source = row_at(operand, VALUES, step, sample, row * width + column)
            for unit in range(units):
                value = load_f32(source, unit)
                if first or value > load_f32(target, unit):
                    store_f32(target, unit, value)
            first = False


@helper
def any_of_bits(
    operand: Integers, extent: Integers, r: int, span: Integers, width: int, units: int
) -> None:
    """Whether any cell of the span is one, 64 units at a time."""
    group = r // extent[POSITIONS]
    step, sample = group // extent[1], group % extent[1]
    target = row_of(operand, POOLED, extent, r)
    for first in range(0, units, 64):
        bits, word = min(64, units - first), 0
        for row in range(span[0], span[1]):
            for column in range(span[2], span[3]):
                source = row_at(operand, VALUES, step, sample, row * width + column)
                word |= load_bits(source, first >> 6, bits)
        store_bits(target, first >> 6, bits, word)


@compiled(*SIGNATURE)
def pool_max(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """pooled[t, b, p, :] = maximum of the window's values."""
    units, total, width = extent[UNITS], row_count(extent), int(immediate[INPUT_WIDTH])
    span = np.zeros(4, np.int64)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        cover(extent, immediate, r % extent[POSITIONS], span)
        if holds_bits(operand, VALUES):
            any_of_bits(operand, extent, r, span, width, units)
        else:
            max_of_values(operand, extent, r, span, width, units)


@compiled(*SIGNATURE)
def pool_sum_gradient(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """value_gradient[t, b, q, :] = scale * sum of the gradients of the windows that cover q."""
    units, width = extent[UNITS], int(immediate[OUTPUT_WIDTH])
    scale, places = np.float32(immediate[SCALE]), extent[INPUT_POSITIONS]
    total = extent[0] * extent[1] * places
    span = np.zeros(4, np.int64)
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        group, place = task // places, task % places
        step, sample = group // extent[1], group % extent[1]
        target = row_at(operand, VALUE_GRADIENT, step, sample, place)
        for unit in range(units):
            store_f32(target, unit, _ZERO)
        covered_by(extent, immediate, place, span)
        for row in range(span[0], span[1]):
            for column in range(span[2], span[3]):
                source = row_at(operand, GRADIENT, step, sample, row * width + column)
                for unit in range(units):
                    store_f32(target, unit, load_f32(target, unit) + load_f32(source, unit))
        for unit in range(units):
            store_f32(target, unit, scale * load_f32(target, unit))


@helper
def give_to_maxima(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    step: int,
    sample: int,
    first: int,
    last: int,
) -> None:
    """Gives the gradients of units `first` to `last` of one image to the first maxima."""
    width = int(immediate[INPUT_WIDTH])
    span = np.zeros(4, np.int64)
    for position in range(extent[POSITIONS]):
        cover(extent, immediate, position, span)
        gradients = row_at(operand, GRADIENT, step, sample, position)
        maxima = row_at(operand, MAXIMA, step, sample, position)
        for unit in range(first, last):
            maximum, place = load_cell(operand, MAXIMA, maxima, unit), -1
            for row in range(span[0], span[1]):
                for column in range(span[2], span[3]):
                    here = row * width + column
                    values = row_at(operand, MAX_VALUES, step, sample, here)
                    if place < 0 and load_cell(operand, MAX_VALUES, values, unit) == maximum:
                        place = here
            if place >= 0:
                target = row_at(operand, VALUE_GRADIENT, step, sample, place)
                gradient = load_f32(target, unit) + load_f32(gradients, unit)
                store_f32(target, unit, gradient)


@compiled(*SIGNATURE)
def pool_max_gradient(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """value_gradient[t, b, q, u] = sum of gradients of the windows of whose maxima q is first.

    A thread computes blocks of 64 units of an image.
    """
    units, blocks = extent[UNITS], blocks_of(extent[UNITS])
    total = extent[0] * extent[1] * blocks
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        group, first = task // blocks, 64 * (task % blocks)
        step, sample, last = group // extent[1], group % extent[1], min(units, first + 64)
        for place in range(extent[INPUT_POSITIONS]):
            target = row_at(operand, VALUE_GRADIENT, step, sample, place)
            for unit in range(first, last):
                store_f32(target, unit, _ZERO)
        give_to_maxima(operand, extent, immediate, step, sample, first, last)
