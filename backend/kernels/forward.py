"""Forward Engine: bias first, then the inputs in ascending order, one addition after another."""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import INTEGER, compiled
from spikeloom.backend.kernels.events import count_events, list_events
from spikeloom.backend.kernels.memory import load_f32, store_f32, store_i32
from spikeloom.backend.kernels.operands import (
    ADDRESS,
    INPUTS,
    OUTPUTS,
    ROW_BYTES,
    SIGNATURE,
    Doubles,
    Integers,
    row_at,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import share_start
from spikeloom.backend.kernels.rows import add_rows, add_scaled_rows

CURRENT, INPUT, WEIGHT = 0, 1, 2
BIAS = 1


@compiled(INTEGER, INTEGER, INTEGER, INTEGER, INTEGER)
def list_nonzero(row: int, features: int, scale: int, offsets: int, values: int) -> int:
    """Lists `scale` x position and value of every cell that is not zero; returns how many.

    A product with zero changes no finite sum, so leaving it out is exact. NaN is not zero.
    """
    found = 0
    for position in range(features):
        value = load_f32(row, position)
        if value != np.float32(0.0):
            store_i32(offsets, found, position * scale)
            store_f32(values, found, value)
            found += 1
    return found


@compiled(*SIGNATURE)
def bias(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """current[t, b, p, :] = bias."""
    outputs, total = extent[3], row_count(extent)
    start = row_at(operand, BIAS, 0, 0, 0)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        current = row_of(operand, CURRENT, extent, r)
        for output in range(outputs):
            store_f32(current, output, load_f32(start, output))


@compiled(*SIGNATURE)
def accumulate(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """current[t, b, p, :] += weight[i, :] for every input i that spiked, ascending."""
    inputs, outputs, total = extent[INPUTS], extent[OUTPUTS], row_count(extent)
    weight, weight_row = operand[WEIGHT, ADDRESS], operand[WEIGHT, ROW_BYTES]
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        spikes = row_of(operand, INPUT, extent, r)
        events = list_events(spikes, inputs, weight_row, scratch)
        current = row_of(operand, CURRENT, extent, r)
        add_rows(current, weight, scratch, events, outputs)
    count_events(operand, INPUT, extent, lanes, count, thread, threads)


@compiled(*SIGNATURE)
def multiply(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """current[t, b, p, :] += values[t, b, p, i] * weight[i, :], i ascending, fused."""
    inputs, outputs, total = extent[INPUTS], extent[OUTPUTS], row_count(extent)
    scales = scratch + 4 * inputs
    weight, weight_row = operand[WEIGHT, ADDRESS], operand[WEIGHT, ROW_BYTES]
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        values = row_of(operand, INPUT, extent, r)
        found = list_nonzero(values, inputs, weight_row, scratch, scales)
        current = row_of(operand, CURRENT, extent, r)
        add_scaled_rows(current, weight, scratch, scales, found, outputs)
