"""Backward Engine: gradients through the transposed weights, outputs in ascending order."""

from __future__ import annotations

from spikeloom.backend.kernels.compile import compiled
from spikeloom.backend.kernels.forward import list_nonzero
from spikeloom.backend.kernels.operands import SIGNATURE, Doubles, Integers, row_at
from spikeloom.backend.kernels.partition import share_start
from spikeloom.backend.kernels.rows import add_scaled_rows

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
    """input_gradient[t, b, :] += gradient[t, b, o] * transposed_weight[o, :], o ascending.

    Gradients that are zero are left out: exact, and most of them are.
    """
    samples, inputs, outputs = extent[1], extent[2], extent[3]
    total = extent[0] * samples
    scales = scratch + 4 * outputs
    weight, weight_row = operand[TRANSPOSED_WEIGHT, 0], operand[TRANSPOSED_WEIGHT, 2]
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        gradient = row_at(operand, GRADIENT, r // samples, r % samples)
        found = list_nonzero(gradient, outputs, weight_row, scratch, scales)
        result = row_at(operand, INPUT_GRADIENT, r // samples, r % samples)
        add_scaled_rows(result, weight, scratch, scales, found, inputs)
