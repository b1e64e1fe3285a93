"""Neuron units, forward: leak, integrate, compare and reset, 64 neurons of a row at a time."""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import (
    compiled,
    helper,
)
from spikeloom.backend.kernels.memory import (
    load_f32,
    load_word,
    population_count,
    store_bits,
    store_f32,
)
from spikeloom.backend.kernels.operands import (
    MASKED,
    SIGNATURE,
    SPIKES,
    Doubles,
    Integers,
    holds_bits,
    load_cell,
    present,
    row_count,
    row_of,
    rows_per_step,
)
from spikeloom.backend.kernels.partition import blocks_of, share_start
from spikeloom.backend.kernels.surrogate import (
    RESET_BY_SUBTRACTION,
    RESET_TO_ZERO,
    has_gradient,
)

SPIKE, MASK, POTENTIAL, CURRENT, PREVIOUS_POTENTIAL, PREVIOUS_SPIKES = 0, 1, 2, 3, 4, 5
INTEGRATED, DRIVE, PREVIOUS = 0, 1, 2
SUM, LEFT, RIGHT = 0, 1, 2

_ZERO = np.float32(0.0)


@helper
def after_reset(reset: int, threshold: np.float32, potential: np.float32, spike: int) -> np.float32:
    """What is left of the potential for the next step."""
    if spike == 0:
        return potential
    if reset == RESET_TO_ZERO:
        return _ZERO
    return potential - threshold if reset == RESET_BY_SUBTRACTION else potential


@helper
def load_state(
    operand: Integers,
    extent: Integers,
    row: int,
    first: int,
    units: int,
    reset: int,
    threshold: np.float32,
    state: int,
) -> None:
    """Writes what the step before the box left to `state`: zeros when there is none."""
    if not present(operand, PREVIOUS_POTENTIAL):
        for unit in range(units):
            store_f32(state, unit, _ZERO)
        return
    previous = row_of(operand, PREVIOUS_POTENTIAL, extent, row) + 4 * first
    word = 0
    if present(operand, PREVIOUS_SPIKES):
        word = load_word(row_of(operand, PREVIOUS_SPIKES, extent, row), first >> 6)
    for unit in range(units):
        potential = load_f32(previous, unit)
        left = after_reset(reset, threshold, potential, (word >> unit) & 1)
        store_f32(state, unit, left)


@compiled(*SIGNATURE)
def fire(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """u[t] = decay * reset(u[t-1], s[t-1]) + current[t]; s[t] = u[t] > threshold."""
    decay, threshold = np.float32(immediate[0]), np.float32(immediate[1])
    reset, surrogate, shape = int(immediate[2]), int(immediate[3]), np.float32(immediate[4])
    steps, rows, features = extent[0], rows_per_step(extent), extent[3]
    blocks = blocks_of(features)
    total = rows * blocks
    keep_mask, keep_potential = present(operand, MASK), present(operand, POTENTIAL)
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        row, first = task // blocks, 64 * (task % blocks)
        units = min(64, features - first)
        load_state(operand, extent, row, first, units, reset, threshold, scratch)
        for step in range(steps):
            r = step * rows + row
            current = row_of(operand, CURRENT, extent, r) + 4 * first
            spikes, mask = 0, 0
            for unit in range(units):
                potential = decay * load_f32(scratch, unit) + load_f32(current, unit)
                store_f32(scratch, unit, potential)
                spikes |= int(potential > threshold) << unit
                mask |= int(has_gradient(surrogate, shape, potential - threshold)) << unit
            store_bits(row_of(operand, SPIKE, extent, r), first >> 6, units, spikes)
            count[SPIKES] += population_count(spikes)
            if keep_mask:
                store_bits(row_of(operand, MASK, extent, r), first >> 6, units, mask)
                count[MASKED] += population_count(mask)
            if keep_potential:
                target = row_of(operand, POTENTIAL, extent, r) + 4 * first
                for unit in range(units):
                    store_f32(target, unit, load_f32(scratch, unit))
            for unit in range(units):
                potential = load_f32(scratch, unit)
                left = after_reset(reset, threshold, potential, (spikes >> unit) & 1)
                store_f32(scratch, unit, left)


@compiled(*SIGNATURE)
def integrate(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """u[t] = decay * u[t-1] + current[t]."""
    decay = np.float32(immediate[0])
    steps, rows, features = extent[0], rows_per_step(extent), extent[3]
    blocks = blocks_of(features)
    total = rows * blocks
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        row, first = task // blocks, 64 * (task % blocks)
        units = min(64, features - first)
        for unit in range(units):
            store_f32(scratch, unit, _ZERO)
        if present(operand, PREVIOUS):
            previous = row_of(operand, PREVIOUS, extent, row) + 4 * first
            for unit in range(units):
                store_f32(scratch, unit, load_f32(previous, unit))
        for step in range(steps):
            r = step * rows + row
            current = row_of(operand, DRIVE, extent, r) + 4 * first
            target = row_of(operand, INTEGRATED, extent, r) + 4 * first
            for unit in range(units):
                potential = decay * load_f32(scratch, unit) + load_f32(current, unit)
                store_f32(scratch, unit, potential)
                store_f32(target, unit, potential)


@compiled(*SIGNATURE)
def add(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """sum = left + right; a bit counts as 0 or 1."""
    units, total = extent[3], row_count(extent)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        target = row_of(operand, SUM, extent, r)
        left = row_of(operand, LEFT, extent, r)
        right = row_of(operand, RIGHT, extent, r)
        if holds_bits(operand, LEFT) or holds_bits(operand, RIGHT):
            for unit in range(units):
                first = load_cell(operand, LEFT, left, unit)
                store_f32(target, unit, first + load_cell(operand, RIGHT, right, unit))
        else:
            for unit in range(units):
                store_f32(target, unit, load_f32(left, unit) + load_f32(right, unit))
