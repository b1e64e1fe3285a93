"""Windows that slide over an image: which positions meet, and sums over what they meet.

A window stands at position (y, x) of the output. At tap (j, i) it meets row y * stride + j - top
and column x * stride + i - left of the input, or nothing where that lies outside. Forward, every
position gathers from the inputs that its window meets; backward, every input position gathers
from the positions whose windows meet it. A linear layer is a window of one tap.
"""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import (
    helper,
)
from spikeloom.backend.kernels.events import (
    DENSE,
    count_dense_rows,
    count_events,
    count_ones,
    list_events,
    list_nonzero,
)
from spikeloom.backend.kernels.masks import MASK, keep_cells, put_back_masked
from spikeloom.backend.kernels.memory import load_f32, load_i32, store_f32, store_i32
from spikeloom.backend.kernels.operands import (
    ADDRESS,
    INPUT_POSITIONS,
    INPUTS,
    OUTPUTS,
    POSITIONS,
    ROW_BYTES,
    STEP_BYTES,
    TAPS,
    Doubles,
    Integers,
    holds_bits,
    present,
    row_at,
)
from spikeloom.backend.kernels.partition import share_start
from spikeloom.backend.kernels.rows import add_rows, add_scaled_rows

KERNEL_WIDTH, STRIDE, INPUT_WIDTH, OUTPUT_WIDTH, TOP, LEFT = 0, 1, 2, 3, 4, 5
"""The immediates of instructions with a window."""
SUM, SOURCE, WEIGHT = 0, 1, 2
"""The roles of instructions that gather: what grows, what is met, and its weights."""

(
    BACKWARD, KERNEL_COLUMNS, KERNEL_ROWS, STEP, ABOVE, BESIDE, WIDTH, HEIGHT, SOURCE_WIDTH,
    SOURCE_HEIGHT, FEATURES, CELLS, ROOM, WINDOW, SCALES, BOUNDS, LISTS, VALUES,
) = range(18)  # fmt: skip
"""The plan of one instruction: whether it gathers backward; its window; rows and columns of the
targets and of the source; what is gathered into what; then addresses: one window's list, and the
lists of the image rows that it is made of."""
PLAN_CELLS = 18

_WINDOW_CELLS = 4096
"""Cells of a window that are listed at a time, or all features where there are more."""


@helper
def is_pointwise(extent: Integers, immediate: Doubles) -> bool:
    """Whether every position meets the input position of its own number and no other."""
    single = extent[TAPS] == 1 and immediate[STRIDE] == 1.0
    inside = immediate[TOP] == 0.0 and immediate[LEFT] == 0.0
    alike = immediate[INPUT_WIDTH] == immediate[OUTPUT_WIDTH]
    return single and inside and alike and extent[POSITIONS] <= extent[INPUT_POSITIONS]


@helper
def met(backward: int, target: int, tap: int, stride: int, before: int, size: int) -> int:
    """The row (or column) that a target row meets at a tap, or -1; `size` are the rows there are.

    Forward it is that of the input, backward that of the window which meets the target there.
    """
    if backward == 0:
        source = target * stride + tap - before
    else:
        distance = target + before - tap
        if distance % stride != 0:
            return -1
        source = distance // stride
    return source if 0 <= source < size else -1


@helper
def plan_windows(
    extent: Integers, immediate: Doubles, backward: int, scratch: int, plan: Integers
) -> None:
    """Fills in the plan of an instruction: its geometry, and where its lists lie."""
    kernel, taps = int(immediate[KERNEL_WIDTH]), extent[TAPS]
    width, source_width = int(immediate[OUTPUT_WIDTH]), int(immediate[INPUT_WIDTH])
    height, source_height = extent[POSITIONS] // width, extent[INPUT_POSITIONS] // source_width
    features, cells = extent[INPUTS], extent[OUTPUTS]
    if backward != 0:
        width, source_width = source_width, width
        height, source_height = source_height, height
        features, cells = cells, features
    rows = min(taps // kernel, source_height)
    plan[BACKWARD], plan[KERNEL_COLUMNS], plan[KERNEL_ROWS] = backward, kernel, taps // kernel
    plan[STEP], plan[ABOVE] = int(immediate[STRIDE]), int(immediate[TOP])
    plan[BESIDE] = int(immediate[LEFT])
    plan[WIDTH], plan[HEIGHT] = width, height
    plan[SOURCE_WIDTH], plan[SOURCE_HEIGHT] = source_width, source_height
    plan[FEATURES], plan[CELLS], plan[ROOM] = features, cells, max(features, _WINDOW_CELLS)
    plan[WINDOW], plan[SCALES] = scratch, scratch + 4 * plan[ROOM]
    plan[BOUNDS] = plan[SCALES] + 4 * plan[ROOM]
    plan[LISTS] = plan[BOUNDS] + 4 * rows * (source_width + 1)
    plan[VALUES] = plan[LISTS] + 4 * rows * source_width * features


@helper
def met_row(plan: Integers, y: int, j: int) -> int:
    """The row of the source that row `y` of the targets meets at row `j` of the window, or -1."""
    height = plan[SOURCE_HEIGHT]
    return met(plan[BACKWARD], y, j, plan[STEP], plan[ABOVE], height)


@helper
def met_column(plan: Integers, x: int, i: int) -> int:
    """The same for columns."""
    width = plan[SOURCE_WIDTH]
    return met(plan[BACKWARD], x, i, plan[STEP], plan[BESIDE], width)


@helper
def list_image_rows(operand: Integers, plan: Integers, step: int, sample: int, y: int) -> None:
    """Lists the cells of all rows of the source that the windows of row `y` meet.

    The bounds say for every position where its list begins, and where the last one ends.
    """
    scale, features, width = operand[WEIGHT, ROW_BYTES], plan[FEATURES], plan[SOURCE_WIDTH]
    found, bounds = 0, plan[BOUNDS]
    for j in range(plan[KERNEL_ROWS]):
        row = met_row(plan, y, j)
        if row < 0:
            continue
        for column in range(width):
            store_i32(bounds, column, found)
            address = row_at(operand, SOURCE, step, sample, row * width + column)
            offsets, values = plan[LISTS] + 4 * found, plan[VALUES] + 4 * found
            if holds_bits(operand, SOURCE):
                found += list_events(address, features, scale, offsets)
            else:
                found += list_nonzero(address, features, scale, offsets, values)
        store_i32(bounds, width, found)
        bounds += 4 * (width + 1)


@helper
def append_list(
    plan: Integers, first: int, length: int, shift: int, found: int, scaled: int
) -> None:
    """Copies a position's list behind those of the window, its offsets moved by `shift`."""
    source, target = plan[LISTS] + 4 * first, plan[WINDOW] + 4 * found
    for item in range(length):
        store_i32(target, item, load_i32(source, item) + shift)
    if scaled != 0:
        source, target = plan[VALUES] + 4 * first, plan[SCALES] + 4 * found
        for item in range(length):
            store_f32(target, item, load_f32(source, item))


@helper
def add_window(operand: Integers, plan: Integers, out: int, found: int) -> None:
    """Adds the listed rows of the weight, scaled unless the source holds bits."""
    weight = operand[WEIGHT, ADDRESS]
    if holds_bits(operand, SOURCE):
        add_rows(out, weight, plan[WINDOW], found, plan[CELLS])
    else:
        add_scaled_rows(out, weight, plan[WINDOW], plan[SCALES], found, plan[CELLS])


@helper
def gather_window(operand: Integers, plan: Integers, out: int, y: int, x: int) -> int:
    """Adds up one window from the lists; returns how many cells it met that are not zero."""
    found, total, bounds, kernel = 0, 0, plan[BOUNDS], plan[KERNEL_COLUMNS]
    scaled = 0 if holds_bits(operand, SOURCE) else 1
    for j in range(plan[KERNEL_ROWS]):
        if met_row(plan, y, j) < 0:
            continue
        for i in range(kernel):
            column = met_column(plan, x, i)
            if column < 0:
                continue
            first = load_i32(bounds, column)
            length = load_i32(bounds, column + 1) - first
            if found + length > plan[ROOM]:
                add_window(operand, plan, out, found)
                found = 0
            shift = (j * kernel + i) * operand[WEIGHT, STEP_BYTES]
            append_list(plan, first, length, shift, found, scaled)
            found += length
            total += length
        bounds += 4 * (plan[SOURCE_WIDTH] + 1)
    add_window(operand, plan, out, found)
    return total


@helper
def gather_windows(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    backward: int,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """sum[t, b, p, :] += source[t, b, q, f] * weight[tap, f, :] over all taps and features.

    Taps ascend, then features; q is what p meets at the tap. For a row of targets every position
    that its windows meet is listed once; each window then collects its lists. A thread computes
    whole rows of targets. Targets that a mask leaves out stay as they are.
    """
    plan = np.zeros(PLAN_CELLS, np.int64)
    plan_windows(extent, immediate, backward, scratch, plan)
    height, width, cells = plan[HEIGHT], plan[WIDTH], plan[CELLS]
    window, dense = extent[TAPS] * plan[FEATURES], 0
    if holds_bits(operand, SOURCE):
        dense = int(immediate[DENSE])
    masked = backward != 0 and present(operand, MASK)
    kept = np.empty(cells if masked else 0, np.float32)
    total = extent[0] * extent[1] * height
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        group, y = task // height, task % height
        step, sample = group // extent[1], group % extent[1]
        list_image_rows(operand, plan, step, sample, y)
        for x in range(width):
            out = row_at(operand, SUM, step, sample, y * width + x)
            if masked:
                bits = row_at(operand, MASK, step, sample, y * width + x)
                if count_ones(bits, cells) == 0:
                    continue
                keep_cells(out, kept)
                gather_window(operand, plan, out, y, x)
                put_back_masked(out, bits, kept)
                continue
            events = gather_window(operand, plan, out, y, x)
            if holds_bits(operand, SOURCE):
                count_events(count, events, window, lanes, dense)
    count_dense_rows(count, window, dense, thread)
