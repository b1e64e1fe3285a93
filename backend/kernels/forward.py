"""Forward Engine: bias first, then the inputs in ascending order, one addition after another."""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import INTEGER, compiled
from spikeloom.backend.kernels.events import count_events, list_events
from spikeloom.backend.kernels.memory import load_f32, store_f32, store_i32
from spikeloom.backend.kernels.operands import SIGNATURE, Doubles, Integers, row_at
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
    """current[t, b, :] = bias."""
    samples = extent[1]
    total = extent[0] * samples
    start = row_at(operand, BIAS, 0, 0)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        current = row_at(operand, CURRENT, r // samples, r % samples)
        for output in range(extent[2]):
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
    """current[t, b, :] += weight[i, :] for every input i that spiked, ascending."""
    samples, inputs, outputs = extent[1], extent[2], extent[3]
    total = extent[0] * samples
    weight, weight_row = operand[WEIGHT, 0], operand[WEIGHT, 2]
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        spikes = row_at(operand, INPUT, r // samples, r % samples)
        events = list_events(spikes, inputs, weight_row, scratch)
        current = row_at(operand, CURRENT, r // samples, r % samples)
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
    """current[t, b, :] += values[t, b, i] * weight[i, :], i ascending, fused multiply-adds."""
    samples, inputs, outputs = extent[1], extent[2], extent[3]
    total = extent[0] * samples
    scales = scratch + 4 * inputs
    weight, weight_row = operand[WEIGHT, 0], operand[WEIGHT, 2]
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        values = row_at(operand, INPUT, r // samples, r % samples)
        found = list_nonzero(values, inputs, weight_row, scratch, scales)
        current = row_at(operand, CURRENT, r // samples, r % samples)
        add_scaled_rows(current, weight, scratch, scales, found, outputs)
