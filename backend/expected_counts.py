"""What an instruction is expected to count, from the densities of its operands. Compiled.

Expectations are real numbers and counts are integers: what rounding leaves over is carried to the
next execution of the same instruction, so that sums over many executions are right.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend import program
from spikeloom.backend.accounting import axis_length, product_of
from spikeloom.backend.data_counts import MAX_TALLIES
from spikeloom.backend.kernels import operands
from spikeloom.backend.kernels.compile import (
    DOUBLES,
    FLOAT64,
    INTEGER,
    INTEGERS,
    INTEGERS_2D,
    compiled,
)
from spikeloom.dialects.instruction_set import DIMENSIONS

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]

# Columns of `rule`, one row per record.
EVENTS_ROLE = 0
"""The role whose ones are events, or NO_ROLE."""
TALLY = 1
"""The first of MAX_TALLIES pairs: a column of `count`, and the role whose cells it counts."""
RULE_COLUMNS = TALLY + 2 * MAX_TALLIES
NO_ROLE = -1

# Columns of `carry`, one row per record.
EVENTS_CARRY, PASSES_CARRY = 0, 1
INPUTS_KNOWN, PASSES_KNOWN = 2, 3
"""The number of inputs for which the mean passes of a row were last computed, and the result."""
TALLY_CARRY = 4
CARRY_COLUMNS = TALLY_CARRY + MAX_TALLIES

_NEGLIGIBLE = 1e-18


@compiled(DOUBLES, INTEGER, FLOAT64, INTEGER)
def whole(carry: Doubles, column: int, expected: float, most: int) -> int:
    """The expectation as an integer from 0 to `most`; the rest is carried over."""
    exact = expected + carry[column]
    rounded = min(max(math.floor(exact + 0.5), 0), most)
    carry[column] = exact - rounded
    return rounded


@compiled(INTEGER, FLOAT64, INTEGER)
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


@compiled(INTEGER, INTEGER, INTEGER, FLOAT64, DOUBLES, INTEGERS)
def expect_events(
    rows: int, inputs: int, lanes: int, density: float, carry: Doubles, count: Integers
) -> None:
    """Events, silent inputs and passes of rows with this many inputs each."""
    cells = rows * inputs
    events = whole(carry, EVENTS_CARRY, cells * density, cells)
    if carry[INPUTS_KNOWN] != inputs:
        carry[INPUTS_KNOWN] = inputs
        carry[PASSES_KNOWN] = mean_passes(inputs, density, lanes)
    count[operands.EVENTS] = events
    count[operands.SILENT] = cells - events
    count[operands.PASSES] = whole(carry, PASSES_CARRY, rows * carry[PASSES_KNOWN], cells)


@compiled(INTEGERS, INTEGERS, INTEGERS_2D, INTEGERS, DOUBLES, DOUBLES, INTEGERS)
def expect(
    record: Integers,
    rule: Integers,
    operand: Integers,
    lengths: Integers,
    density: Doubles,
    carry: Doubles,
    count: Integers,
) -> None:
    """Fills `count` with what an instruction with these axis lengths is expected to count."""
    count[:] = 0
    if rule[EVENTS_ROLE] != NO_ROLE:
        inputs = product_of(record[program.INNER], lengths)
        outputs = product_of(record[program.OUTER], lengths)
        cells = product_of(record[program.FACTORS], lengths)
        rows = cells // (inputs * outputs)
        lanes, share = record[program.INPUT_LANES], float(density[rule[EVENTS_ROLE]])
        expect_events(rows, inputs, lanes, share, carry, count)
    for number in range(MAX_TALLIES):
        role = rule[TALLY + 2 * number + 1]
        if role != NO_ROLE and operand[role, program.DEPENDENCE] != program.ABSENT:
            cells = 1
            for dimension in range(DIMENSIONS):
                cells *= axis_length(operand, role, dimension, lengths)
            found = whole(carry, TALLY_CARRY + number, cells * float(density[role]), cells)
            count[rule[TALLY + 2 * number]] += found
