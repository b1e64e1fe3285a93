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
    INTEGER,
    INTEGERS,
    INTEGERS_2D,
    compiled,
)
from spikeloom.backend.kernels.meetings import OUTSIDE, meeting
from spikeloom.backend.kernels.memory import (
    load_bits,
    load_f32,
    population_count,
    store_f32,
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
    SIGNATURE,
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
from spikeloom.backend.kernels.rows import add_scaled_rows

GRADIENT, MASK = 1, 3
SKIP_INPUT, SKIP_OUTPUT = 6, 7
"""Where the two switches stand among the immediates."""

_BLOCK = 128
"""Cells of a row that are computed, or left out, together."""
SAVED_BYTES = 4 * _BLOCK

_ZERO = np.float32(0.0)


@compiled(*[INTEGER] * 8)
def add_unmasked(
    result: int,
    mask: int,
    weight: int,
    offsets: int,
    scales: int,
    count: int,
    width: int,
    saved: int,
) -> None:
    """As `add_scaled_rows`, but cells whose bit of `mask` is zero stay as they are.

    `saved` is scratch memory of SAVED_BYTES.
    """
    for first in range(0, width, _BLOCK):
        cells = min(_BLOCK, width - first)
        ones = 0
        for left in range(first, first + cells, 64):
            ones += population_count(load_bits(mask, left >> 6, min(64, first + cells - left)))
        if ones == 0:
            continue
        place = result + 4 * first
        for cell in range(cells):
            store_f32(saved, cell, load_f32(place, cell))
        add_scaled_rows(place, weight + 4 * first, offsets, scales, count, cells)
        if ones < cells:
            for left in range(0, cells, 64):
                bits = load_bits(mask, (first + left) >> 6, min(64, cells - left))
                for cell in range(min(64, cells - left)):
                    if (bits >> cell) & 1 == 0:
                        store_f32(place, left + cell, load_f32(saved, left + cell))


@compiled(INTEGERS_2D, INTEGERS, INTEGER, INTEGERS_2D)
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


@compiled(INTEGER, INTEGER, INTEGER, INTEGER, INTEGERS)
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


@compiled(INTEGERS_2D, INTEGERS, INTEGERS, INTEGER, INTEGER)
def add_work(busy: Integers, arriving: Integers, wanted: Integers, shift: int, lanes: int) -> None:
    """busy[(lane + shift) mod lanes, :] += arriving[lane] * wanted[:] for every lane."""
    for lane in range(len(arriving)):
        if arriving[lane] != 0:
            line = (lane + shift) % lanes
            for column in range(len(wanted)):
                busy[line, column] += arriving[lane] * wanted[column]


@compiled(INTEGERS, INTEGER)
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


@compiled(INTEGERS, INTEGER, INTEGER, INTEGERS)
def count_kinds(extent: Integers, arriving: int, unmasked: int, count: Integers) -> None:
    """Counts the products of a row at one tap: `arriving` gradients, `unmasked` inputs."""
    silent, masked = extent[OUTPUTS] - arriving, extent[INPUTS] - unmasked
    count[ISSUED] += arriving * unmasked
    count[SKIPPED_INPUT] += silent * unmasked
    count[SKIPPED_OUTPUT] += arriving * masked
    count[SKIPPED_BOTH] += silent * masked


@compiled(*SIGNATURE)
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
    unmasked[:] = everything
    arriving = np.empty(min(lanes, outputs), np.int64)
    busy = np.empty((min(lanes, taps * outputs), columns), np.int64)
    wanted = np.empty(columns, np.int64)
    leaders = list_leaders(extent, lanes)
    rows, plane = row_count(extent), -1
    blocks = (rows + depth - 1) // depth
    for block in range(
        share_start(blocks, thread, threads), share_start(blocks, thread + 1, threads)
    ):
        busy[:] = 0
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
                wanted[:] = 0
                for tap in range(leader, taps):
                    if leaders[tap] != leader:
                        continue
                    met = meeting(extent, immediate, position, tap)
                    if met != OUTSIDE:
                        count_kinds(extent, found, unmasked[met, columns], count)
                        for lane in range(columns):
                            wanted[lane] += unmasked[met, lane]
                    elif skips != 0:
                        count_kinds(extent, 0, inputs, count)
                    else:
                        count_kinds(extent, outputs, inputs, count)
                        for lane in range(columns):
                            wanted[lane] += everything[lane]
                if found != 0:
                    add_work(busy, arriving, wanted, leader * outputs % lanes, lanes)
        count[PASSES] += busy.max()
