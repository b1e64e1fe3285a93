"""The Backward Engine's two kinds of sparsity: what is left out, and how long the rest takes.

The engine is an array of multipliers, input lanes x output lanes. Of the products of a gradient
at (position p, output o) with the weights of a tap, those for input i go to the multiplier
((tap * outputs + o) mod input lanes, i mod output lanes), which takes a cycle for each. It skips
gradients that are zero, and positions outside of the image; and inputs that the mask leaves out.
Each multiplier has a queue for the products of so many rows (positions of a sample at a step):
after a block of these all wait for the slowest one, and the cycles of the blocks add up.
"""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import (
    helper,
)
from spikeloom.backend.kernels.masks import MASK
from spikeloom.backend.kernels.meetings import OUTSIDE, meeting
from spikeloom.backend.kernels.memory import (
    load_bits,
    load_f32,
    population_count,
    trailing_zeros,
)
from spikeloom.backend.kernels.operands import (
    INPUT_POSITIONS,
    INPUTS,
    ISSUED,
    OUTPUT_LANES,
    OUTPUTS,
    PASSES,
    POSITIONS,
    QUEUE_ROWS,
    RATES,
    SKIPPED_BOTH,
    SKIPPED_INPUT,
    SKIPPED_OUTPUT,
    TAPS,
    Doubles,
    Integers,
    present,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import share_start

GRADIENT = 1
SKIP_INPUT, SKIP_OUTPUT = 6, 7
"""Where the two switches stand among the immediates."""

_ZERO = np.float32(0.0)


@helper
def list_unmasked(operand: Integers, extent: Integers, plane: int, found: Integers) -> None:
    """Counts a plane's unmasked inputs: found[position, lane], and found[position, -1] of all.

    A plane is all input positions of one step and sample.
    """
    inputs, lanes = extent[INPUTS], operand[RATES, OUTPUT_LANES]
    last = found.shape[1] - 1
    step, sample = plane // extent[1], plane % extent[1]
    start = operand[MASK, 0] + step * operand[MASK, 1] + sample * operand[MASK, 2]
    for position in range(extent[INPUT_POSITIONS]):
        for lane in range(last + 1):
            found[position, lane] = 0
        bits = start + position * operand[MASK, 3]
        for first in range(0, inputs, 64):
            word = load_bits(bits, first >> 6, min(64, inputs - first))
            found[position, last] += population_count(word)
            while word != 0:
                found[position, (first + trailing_zeros(word)) % lanes] += 1
                word &= word - 1


@helper
def list_arriving(row: int, outputs: int, lanes: int, skips: int, found: Integers) -> int:
    """Counts a row's gradients that are worked on, by their lane without tap; returns all."""
    for lane in range(len(found)):
        found[lane] = 0
    total = 0
    for output in range(outputs):
        if skips == 0 or load_f32(row, output) != _ZERO:
            found[output % lanes] += 1
            total += 1
    return total


@helper
def add_work(busy: Integers, arriving: Integers, wanted: Integers, shift: int, lanes: int) -> None:
    """busy[(lane + shift) mod lanes, :] += arriving[lane] * wanted[:] for every lane."""
    for lane in range(len(arriving)):
        if arriving[lane] != 0:
            line = (lane + shift) % lanes
            for column in range(len(wanted)):
                busy[line, column] += arriving[lane] * wanted[column]


@helper
def list_leaders(extent: Integers, lanes: int) -> Integers:
    """Of every tap the first one whose gradients go to the same lanes."""
    leaders = np.empty(extent[TAPS], np.int64)
    for tap in range(extent[TAPS]):
        leaders[tap] = tap
        for other in range(tap - 1, -1, -1):
            if (tap - other) * extent[OUTPUTS] % lanes == 0:
                leaders[tap] = leaders[other]
                break
    return leaders


@helper
def count_kinds(extent: Integers, arriving: int, unmasked: int, count: Integers) -> None:
    """Counts the products of a row at one tap: `arriving` gradients, `unmasked` inputs."""
    silent, masked = extent[OUTPUTS] - arriving, extent[INPUTS] - unmasked
    count[ISSUED] += arriving * unmasked
    count[SKIPPED_INPUT] += silent * unmasked
    count[SKIPPED_OUTPUT] += arriving * masked
    count[SKIPPED_BOTH] += silent * masked


@helper
def list_wanted(
    extent: Integers,
    immediate: Doubles,
    position: int,
    leader: int,
    leaders: Integers,
    arriving: int,
    skips: int,
    unmasked: Integers,
    everything: Integers,
    wanted: Integers,
    count: Integers,
) -> None:
    """Counts, by output lane, the inputs that want a row's gradients at the taps of a leader.

    Also counts the row's products by kind.
    """
    for lane in range(len(wanted)):
        wanted[lane] = 0
    for tap in range(leader, len(leaders)):
        if leaders[tap] != leader:
            continue
        met = meeting(extent, immediate, position, tap)
        if met != OUTSIDE:
            count_kinds(extent, arriving, unmasked[met, len(wanted)], count)
            for lane in range(len(wanted)):
                wanted[lane] += unmasked[met, lane]
        elif skips != 0:
            count_kinds(extent, 0, extent[INPUTS], count)
        else:
            count_kinds(extent, extent[OUTPUTS], extent[INPUTS], count)
            for lane in range(len(wanted)):
                wanted[lane] += everything[lane]


# Loops instead of numpy's assignments and reductions, which take seconds to compile.
@helper
def repeat(line: Integers, table: Integers) -> None:
    """table[:] = line."""
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            table[row, column] = line[column]


@helper
def set_to_zero(table: Integers) -> None:
    """table[:] = 0."""
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            table[row, column] = 0


@helper
def largest(table: Integers) -> int:
    """The largest of a table of numbers that are not negative."""
    found = 0
    for row in range(table.shape[0]):
        for column in range(table.shape[1]):
            found = max(found, table[row, column])
    return found


@helper
def count_products(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """Counts products by kind, and the cycles of this thread's share of the blocks.

    PASSES grows by the cycles of the slowest multiplier of every block.
    """
    skips = int(immediate[SKIP_INPUT])
    masked = immediate[SKIP_OUTPUT] != 0.0 and present(operand, MASK)
    outputs, inputs, taps = extent[OUTPUTS], extent[INPUTS], extent[TAPS]
    output_lanes, depth = operand[RATES, OUTPUT_LANES], operand[RATES, QUEUE_ROWS]
    # Without a mask the first output lane has most to do, always.
    columns = min(output_lanes, inputs) if masked else 1
    everything = np.empty(columns + 1, np.int64)
    for lane in range(columns):
        everything[lane] = (inputs - lane + output_lanes - 1) // output_lanes
    everything[columns] = inputs
    unmasked = np.empty((extent[INPUT_POSITIONS], columns + 1), np.int64)
    repeat(everything, unmasked)
    arriving = np.empty(min(lanes, outputs), np.int64)
    busy = np.empty((min(lanes, taps * outputs), columns), np.int64)
    wanted = np.empty(columns, np.int64)
    leaders = list_leaders(extent, lanes)
    rows, plane = row_count(extent), -1
    blocks = (rows + depth - 1) // depth
    for block in range(
        share_start(blocks, thread, threads), share_start(blocks, thread + 1, threads)
    ):
        set_to_zero(busy)
        for r in range(block * depth, min(rows, (block + 1) * depth)):
            if masked and r // extent[POSITIONS] != plane:
                plane = r // extent[POSITIONS]
                list_unmasked(operand, extent, plane, unmasked)
            gradient = row_of(operand, GRADIENT, extent, r)
            found = list_arriving(gradient, outputs, lanes, skips, arriving)
            position = r % extent[POSITIONS]
            for leader in range(taps):
                if leaders[leader] != leader:
                    continue
                list_wanted(
                    extent, immediate, position, leader, leaders, found, skips, unmasked,
                    everything, wanted, count,
                )  # fmt: skip
                if found != 0:
                    add_work(busy, arriving, wanted, leader * outputs % lanes, lanes)
        count[PASSES] += largest(busy)
