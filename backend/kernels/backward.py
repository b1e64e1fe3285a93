"""Backward Engine: gradients through transposed weights, taps and outputs in ascending order."""

from __future__ import annotations

from spikeloom.backend.kernels.compile import compiled
from spikeloom.backend.kernels.events import list_nonzero
from spikeloom.backend.kernels.operands import (
    ADDRESS,
    INPUTS,
    OUTPUTS,
    ROW_BYTES,
    SIGNATURE,
    Doubles,
    Integers,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import share_start
from spikeloom.backend.kernels.rows import add_scaled_rows
from spikeloom.backend.kernels.windows import gather_windows, is_pointwise

INPUT_GRADIENT, GRADIENT, TRANSPOSED_WEIGHT = 0, 1, 2


@compiled(*SIGNATURE)
def backpropagate(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """input_gradient[t, b, q, :] += gradient[t, b, p, o] * transposed_weight[tap, o, :].

    p is the window that meets q at the tap; taps ascend, then outputs. Gradients that are zero
    are left out: exact, and most of them are.
    """
    if not is_pointwise(extent, immediate):
        gather_windows(operand, extent, immediate, 1, lanes, count, scratch, thread, threads)
        return
    inputs, outputs, total = extent[INPUTS], extent[OUTPUTS], row_count(extent)
    scales = scratch + 4 * outputs
    weight, weight_row = operand[TRANSPOSED_WEIGHT, ADDRESS], operand[TRANSPOSED_WEIGHT, ROW_BYTES]
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        gradient = row_of(operand, GRADIENT, extent, r)
        found = list_nonzero(gradient, outputs, weight_row, scratch, scales)
        result = row_of(operand, INPUT_GRADIENT, extent, r)
        add_scaled_rows(result, weight, scratch, scales, found, inputs)
