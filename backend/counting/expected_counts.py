"""What an instruction is expected to count, from the densities of its operands. Compiled.

Expectations are real numbers and counts are integers: what rounding leaves over is carried to the
next execution of the same instruction, so that sums over many executions are right.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.counting.data_counts import MAX_TALLIES
from spikeloom.backend.counting.expected_products import expect_products
from spikeloom.backend.counting.window_rows import window_meetings
from spikeloom.backend.execution import program
from spikeloom.backend.execution.accounting import axis_length, product_of
from spikeloom.backend.execution.clock import ceiling
from spikeloom.backend.kernels import operands
from spikeloom.backend.kernels.compile import (
    DOUBLE,
    INTEGER,
    compiled,
    helper,
)
from spikeloom.backend.kernels.events import DENSE
from spikeloom.dialects.instruction_set import DIMENSIONS

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]

# Columns of `rule`, one row per record.
EVENTS_ROLE = 0
"""The role whose ones are events, or NO_ROLE."""
PRODUCTS_ROLE = 1
"""The role whose cells are multiplied and, behind it, that of the mask of the results."""
MASK_ROLE = 2
TALLY = 3
"""The first of MAX_TALLIES pairs: a column of `count`, and the role whose cells it counts."""
RULE_COLUMNS = TALLY + 2 * MAX_TALLIES
NO_ROLE = -1

# Columns of `carry`, one row per record.
EVENTS_CARRY, PASSES_CARRY = 0, 1
KNOWN = 2
"""The first of four: the lengths for which the next two were last computed."""
INPUTS_KNOWN, PASSES_KNOWN = 6, 7
"""Inputs that one image meets, and the mean passes that they take."""
PRODUCT_CARRY = 8
"""The first of four: issued, skipped output, skipped both, and cycles."""
TALLY_CARRY = 12
CARRY_COLUMNS = TALLY_CARRY + MAX_TALLIES

_NEGLIGIBLE = 1e-18


@helper
def whole(carry: Doubles, column: int, expected: float, most: int) -> int:
    """The expectation as an integer from 0 to `most`; the rest is carried over."""
    exact = expected + carry[column]
    rounded = min(max(math.floor(exact + 0.5), 0), most)
    carry[column] = exact - rounded
    return rounded


@compiled(INTEGER, DOUBLE, INTEGER)
def mean_passes(inputs: int, density: float, lanes: int) -> float:
    """The mean of ceil(k / lanes), k being the ones among independent inputs of this density.

    The binomial probabilities are summed outwards from the most likely k.
    """
    if density <= 0.0 or inputs == 0:
        return 0.0
    if density >= 1.0:
        return float((inputs + lanes - 1) // lanes)
    odds = density / (1.0 - density)
    mode = min(inputs, int((inputs + 1) * density))
    chosen = math.lgamma(inputs + 1.0) - math.lgamma(mode + 1.0) - math.lgamma(inputs - mode + 1.0)
    rest = (inputs - mode) * math.log1p(-density)
    top = math.exp(chosen + mode * math.log(density) + rest)
    mean = top * ((mode + lanes - 1) // lanes)
    probability, k = top, mode
    while k < inputs and probability > _NEGLIGIBLE:
        probability *= odds * (inputs - k) / (k + 1.0)
        k += 1
        mean += probability * ((k + lanes - 1) // lanes)
    probability, k = top, mode
    while k > 0 and probability > _NEGLIGIBLE:
        probability *= k / (odds * (inputs - k + 1.0))
        k -= 1
        mean += probability * ((k + lanes - 1) // lanes)
    return mean


@helper
def know_image(
    lengths: Integers, immediate: Doubles, lanes: int, density: float, carry: Doubles
) -> None:
    """Computes what all positions of one image meet, unless that is known for these lengths."""
    known = True
    for axis in range(4):
        known = known and carry[KNOWN + axis] == lengths[operands.POSITIONS + axis]
        carry[KNOWN + axis] = lengths[operands.POSITIONS + axis]
    if known:
        return
    inputs, most = lengths[operands.INPUTS], lengths[operands.TAPS] + 1
    rows, columns = np.zeros(most, np.int64), np.zeros(most, np.int64)
    window_meetings(lengths, immediate, rows, columns)
    carry[INPUTS_KNOWN] = carry[PASSES_KNOWN] = 0.0
    for a in range(most):
        for b in range(most):
            places = rows[a] * columns[b]
            if places > 0:
                carry[INPUTS_KNOWN] += places * a * b * inputs
                carry[PASSES_KNOWN] += places * mean_passes(a * b * inputs, density, lanes)


@helper
def expect_events(
    record: Integers,
    lengths: Integers,
    immediate: Doubles,
    density: float,
    carry: Doubles,
    count: Integers,
) -> None:
    """Events, silent inputs (those outside of the image too) and passes of a window."""
    know_image(lengths, immediate, record[program.INPUT_LANES], density, carry)
    outputs = product_of(record[program.OUTER], lengths)
    cells = product_of(record[program.FACTORS], lengths) // outputs
    images = lengths[0] * lengths[1]
    events = whole(carry, EVENTS_CARRY, images * carry[INPUTS_KNOWN] * density, cells)
    count[operands.EVENTS] = count[operands.ISSUED] = count[operands.ROWS] = events
    if immediate[DENSE] == 0.0:
        count[operands.PASSES] = whole(carry, PASSES_CARRY, images * carry[PASSES_KNOWN], cells)
    else:
        window = product_of(record[program.INNER], lengths)
        count[operands.ISSUED], count[operands.ROWS] = cells, window
        count[operands.PASSES] = cells // window * ceiling(window, record[program.INPUT_LANES])
    count[operands.SKIPPED_INPUT] = cells - count[operands.ISSUED]


@helper
def expect_multiplications(
    record: Integers,
    lengths: Integers,
    immediate: Doubles,
    gradient: float,
    mask: float,
    carry: Doubles,
    count: Integers,
) -> None:
    """Products by what becomes of them, and the cycles of the slowest multipliers."""
    know_image(lengths, immediate, record[program.INPUT_LANES], 0.0, carry)
    meetings = lengths[0] * lengths[1] * carry[INPUTS_KNOWN] / lengths[operands.INPUTS]
    expected, most = np.zeros(4), np.zeros(2, np.int64)
    expect_products(record, lengths, immediate, meetings, gradient, mask, expected, most)
    left = most[0]
    for number, column in enumerate(
        (operands.ISSUED, operands.SKIPPED_OUTPUT, operands.SKIPPED_BOTH)
    ):
        count[column] = whole(carry, PRODUCT_CARRY + number, float(expected[number]), left)
        left -= count[column]
    count[operands.SKIPPED_INPUT] = left
    count[operands.PASSES] = whole(carry, PRODUCT_CARRY + 3, float(expected[3]), most[1])


@helper
def expect(
    record: Integers,
    rule: Integers,
    operand: Integers,
    lengths: Integers,
    immediate: Doubles,
    density: Doubles,
    carry: Doubles,
    count: Integers,
) -> None:
    """Fills `count` with what an instruction with these axis lengths is expected to count."""
    count[:] = 0
    if rule[EVENTS_ROLE] != NO_ROLE:
        share = float(density[rule[EVENTS_ROLE]])
        expect_events(record, lengths, immediate, share, carry, count)
    if rule[PRODUCTS_ROLE] != NO_ROLE:
        share, mask = float(density[rule[PRODUCTS_ROLE]]), 1.0
        if operand[rule[MASK_ROLE], program.BUFFER] != program.ABSENT:
            mask = float(density[rule[MASK_ROLE]])
        expect_multiplications(record, lengths, immediate, share, mask, carry, count)
    for number in range(MAX_TALLIES):
        role = rule[TALLY + 2 * number + 1]
        if role != NO_ROLE and operand[role, program.BUFFER] != program.ABSENT:
            cells = 1
            for dimension in range(DIMENSIONS):
                cells *= axis_length(operand, role, dimension, lengths)
            found = whole(carry, TALLY_CARRY + number, cells * float(density[role]), cells)
            count[rule[TALLY + 2 * number]] += found
