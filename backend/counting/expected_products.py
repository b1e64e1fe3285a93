"""What the Backward Engine is expected to do, from the densities of gradient and mask. Compiled.

Cells are taken to be independent. The slowest multiplier of a block of rows is estimated: with
M multipliers whose products of a block have the mean m and the variance v, it has m +
sqrt(2 v ln M), the leading term of the largest of M normal numbers; at most what it would have to
do without any sparsity. Without sparsity v is 0, and the estimate is exact.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.execution import program
from spikeloom.backend.execution.accounting import product_of
from spikeloom.backend.execution.clock import ceiling
from spikeloom.backend.kernels import operands
from spikeloom.backend.kernels.compile import (
    helper,
)
from spikeloom.backend.kernels.dual_sparsity import SKIP_INPUT, SKIP_OUTPUT

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]


@helper
def expected_cycles(
    record: Integers, lengths: Integers, arriving: float, unmasked: float, rows: int
) -> float:
    """Cycles of `rows` rows of a block, where these shares of gradients and inputs are there."""
    outputs = lengths[operands.TAPS] * lengths[operands.OUTPUTS]
    inputs = lengths[operands.INPUTS]
    into, out = record[program.INPUT_LANES], record[program.OUTPUT_LANES]
    features, columns = float(ceiling(outputs, into)), float(ceiling(inputs, out))
    mean_features, mean_columns = features * arriving, columns * unmasked
    square_features = mean_features * (1.0 - arriving) + mean_features**2
    square_columns = mean_columns * (1.0 - unmasked) + mean_columns**2
    mean = mean_features * mean_columns
    variance = max(0.0, square_features * square_columns - mean**2)
    multipliers = float(min(into, outputs)) * float(min(out, inputs))
    most = rows * mean + math.sqrt(2.0 * math.log(multipliers) * rows * variance)
    return min(most, rows * features * columns)


@helper
def expect_products(
    record: Integers,
    lengths: Integers,
    immediate: Doubles,
    meetings: float,
    gradient: float,
    mask: float,
    expected: Doubles,
    cells: Integers,
) -> None:
    """Fills `expected` with issued, skipped output, skipped both, and cycles.

    `meetings` are the positions and taps that meet inside of the image, of all steps and samples;
    what is left of all products is skipped for its input. `cells` gets their number and the most
    cycles that they can take.
    """
    skips = immediate[SKIP_INPUT] != 0.0
    arriving = gradient if skips else 1.0
    unmasked = mask if immediate[SKIP_OUTPUT] != 0.0 else 1.0
    inputs, outputs = lengths[operands.INPUTS], lengths[operands.OUTPUTS]
    rows = lengths[0] * lengths[1] * lengths[operands.POSITIONS]
    pairs = rows * lengths[operands.TAPS]
    inside = meetings * inputs * outputs
    outside = 0.0 if skips else (pairs - meetings) * inputs * outputs
    expected[0] = inside * arriving * unmasked + outside
    expected[1] = inside * arriving * (1.0 - unmasked)
    expected[2] = inside * (1.0 - arriving) * (1.0 - unmasked)
    met = 1.0 if not skips else meetings / pairs
    depth = record[program.QUEUE_ROWS]
    blocks, rest = rows // depth, rows % depth
    expected[3] = blocks * expected_cycles(record, lengths, arriving * met, unmasked, depth)
    if rest > 0:
        expected[3] += expected_cycles(record, lengths, arriving * met, unmasked, rest)
    cells[0] = product_of(record[program.FACTORS], lengths)
    features = ceiling(lengths[operands.TAPS] * outputs, record[program.INPUT_LANES])
    cells[1] = rows * features * ceiling(inputs, record[program.OUTPUT_LANES])
