"""Tiles: cells on their routes, columns of crosspoints, neurons with numbers of their own.

A tile's instructions are small: the first thread does all of them. Route lists are data, so that
every number in them is checked against the length of what it points into.
"""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import compiled, helper
from spikeloom.backend.kernels.memory import (
    load_bit,
    load_f32,
    load_i32,
    load_word,
    store_bits,
    store_f32,
    store_i32,
)
from spikeloom.backend.kernels.neurons import after_reset
from spikeloom.backend.kernels.operands import (
    ADDRESS,
    EVENTS,
    ISSUED,
    ROW_BYTES,
    SIGNATURE,
    SKIPPED_INPUT,
    SPIKES,
    Doubles,
    Integers,
    holds_bits,
)

TARGET, SOURCE = 0, 1
INTEGRATES, ADDS_UP = 1, 2
"""Kinds of neurons besides 0, which fires."""

_ZERO = np.float32(0.0)


@helper
def set_bit(address: int, cell: int, bit: int) -> None:
    """Writes one bit of a row."""
    word = load_word(address, cell >> 6) & ~(1 << (cell & 63))
    store_bits(address, cell >> 6, 64, word | (bit << (cell & 63)))


@helper
def move_cell(operand: Integers, source: int, target: int) -> int:
    """Copies a cell of the source to a cell of the target; returns whether there was a spike.

    Words always count.
    """
    to, come = operand[TARGET, ADDRESS], operand[SOURCE, ADDRESS]
    if holds_bits(operand, SOURCE):
        bit = load_bit(come, source)
        set_bit(to, target, bit)
        return bit
    store_i32(to, target, load_i32(come, source))
    return 1


@compiled(*SIGNATURE)
def place_cells(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """`receive`: target[placed[i]] = source[i]."""
    if thread == 0:
        placed, cells = operand[2, ADDRESS], extent[1]
        for cell in range(extent[0]):
            target = load_i32(placed, cell)
            if 0 <= target < cells:
                count[EVENTS] += move_cell(operand, cell, target)


@compiled(*SIGNATURE)
def take_cells(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """`emit`: target[i] = source[taken[i]]."""
    if thread == 0:
        taken, cells = operand[2, ADDRESS], extent[1]
        for cell in range(extent[0]):
            source = load_i32(taken, cell)
            if 0 <= source < cells:
                count[EVENTS] += move_cell(operand, source, cell)


@compiled(*SIGNATURE)
def take_and_place_cells(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """`take_input`: target[placed[i]] = source[taken[i]]."""
    if thread == 0:
        taken, placed = operand[2, ADDRESS], operand[3, ADDRESS]
        for cell in range(extent[0]):
            source, target = load_i32(taken, cell), load_i32(placed, cell)
            if 0 <= source < extent[2] and 0 <= target < extent[1]:
                count[EVENTS] += move_cell(operand, source, target)


@compiled(*SIGNATURE)
def carry_cells(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """`send` and `collect`: target[i] = source[i]."""
    if thread == 0:
        for cell in range(extent[0]):
            count[EVENTS] += move_cell(operand, cell, cell)


@compiled(*SIGNATURE)
def do_nothing(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """`release`: only the clock takes note."""


@compiled(*SIGNATURE)
def run_tile(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """sums = starts; for each crosspoint: sums[columns[i]] += weight[i] if spikes[rows[i]]."""
    if thread != 0:
        return
    sums, spikes, starts = operand[0, ADDRESS], operand[1, ADDRESS], operand[2, ADDRESS]
    rows, columns, weight = operand[3, ADDRESS], operand[4, ADDRESS], operand[5, ADDRESS]
    for column in range(extent[2]):
        store_f32(sums, column, load_f32(starts, column))
    for crosspoint in range(extent[0]):
        row, column = load_i32(rows, crosspoint), load_i32(columns, crosspoint)
        inside = 0 <= row < extent[1] and 0 <= column < extent[2]
        if inside and load_bit(spikes, row) != 0:
            store_f32(sums, column, load_f32(sums, column) + load_f32(weight, crosspoint))
            count[ISSUED] += 1
        else:
            count[SKIPPED_INPUT] += 1


@compiled(*SIGNATURE)
def update_neurons(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """Adds up columns; u = decay * u + sum; s = u > threshold; u is reset."""
    if thread != 0:
        return
    neurons, value, potential = extent[0], operand[1, ADDRESS], operand[2, ADDRESS]
    sums, owner, numbers = operand[3, ADDRESS], operand[4, ADDRESS], operand[5, ADDRESS]
    row = operand[5, ROW_BYTES]
    last = -1
    for column in range(extent[1]):
        neuron = load_i32(owner, column)
        if 0 <= neuron < neurons:
            current = load_f32(sums, column)
            if neuron == last:
                current = load_f32(value, neuron) + current
            store_f32(value, neuron, current)
            last = neuron
    for neuron in range(neurons):
        kind = int(load_f32(numbers, neuron))
        spike = 0
        if kind != ADDS_UP:
            threshold = load_f32(numbers + 2 * row, neuron)
            reset = int(load_f32(numbers + 3 * row, neuron))
            left = load_f32(numbers + row, neuron) * load_f32(potential, neuron)
            reached = left + load_f32(value, neuron)
            store_f32(value, neuron, reached)
            if kind != INTEGRATES:
                spike = int(reached > threshold)
                reached = after_reset(reset, threshold, reached, spike)
            store_f32(potential, neuron, reached)
        set_bit(operand[0, ADDRESS], neuron, spike)
        count[SPIKES] += spike
