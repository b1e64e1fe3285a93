"""Forward Engine: bias first, then taps and inputs in ascending order, one after another."""

from __future__ import annotations

from spikeloom.backend.kernels.compile import compiled
from spikeloom.backend.kernels.events import count_events, list_events, list_nonzero
from spikeloom.backend.kernels.memory import load_f32, store_f32
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
from spikeloom.backend.kernels.windows import gather_windows, is_pointwise

CURRENT, INPUT, WEIGHT = 0, 1, 2
BIAS = 1


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
    """current[t, b, p, :] += weight[tap, i, :] for every input i that spiked where tap meets it.

    Taps ascend, then inputs.
    """
    if not is_pointwise(extent, immediate):
        gather_windows(operand, extent, immediate, 0, lanes, count, scratch, thread, threads)
        return
    inputs, outputs, total = extent[INPUTS], extent[OUTPUTS], row_count(extent)
    weight, weight_row = operand[WEIGHT, ADDRESS], operand[WEIGHT, ROW_BYTES]
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        spikes = row_of(operand, INPUT, extent, r)
        events = list_events(spikes, inputs, weight_row, scratch)
        current = row_of(operand, CURRENT, extent, r)
        add_rows(current, weight, scratch, events, outputs)
        count_events(count, events, inputs, lanes)


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
    """current[t, b, p, :] += values[t, b, q, i] * weight[tap, i, :], fused; tap meets q.

    Taps ascend, then inputs.
    """
    if not is_pointwise(extent, immediate):
        gather_windows(operand, extent, immediate, 0, lanes, count, scratch, thread, threads)
        return
    inputs, outputs, total = extent[INPUTS], extent[OUTPUTS], row_count(extent)
    scales = scratch + 4 * inputs
    weight, weight_row = operand[WEIGHT, ADDRESS], operand[WEIGHT, ROW_BYTES]
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        values = row_of(operand, INPUT, extent, r)
        found = list_nonzero(values, inputs, weight_row, scratch, scales)
        current = row_of(operand, CURRENT, extent, r)
        add_scaled_rows(current, weight, scratch, scales, found, outputs)
