"""Neuron units, backward: the recursion of `fire` and `integrate` from the last step to the first.

With h the surrogate derivative and gs the gradient of the spikes, for reset to zero:

    gs'[t] = gs[t] - decay * u[t] * gu[t+1]                          (reset path)
    gu[t]  = h(u[t] - threshold) * gs'[t] + decay * (1 - s[t]) * gu[t+1]

By subtraction, the reset path is - decay * threshold * gu[t+1] and the factor (1 - s[t]) is
absent; without reset both are absent. `detach_reset` drops the reset path, nothing else.
"""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import (
    compiled,
    helper,
)
from spikeloom.backend.kernels.memory import load_f32, load_word, store_f32
from spikeloom.backend.kernels.operands import (
    NONZERO,
    SIGNATURE,
    Doubles,
    Integers,
    present,
    row_of,
    rows_per_step,
)
from spikeloom.backend.kernels.partition import blocks_of, share_start
from spikeloom.backend.kernels.surrogate import (
    RECTANGLE,
    RESET_BY_SUBTRACTION,
    RESET_TO_ZERO,
    surrogate_gradient,
)

RESULT, SPIKE_GRADIENT, SPIKES, MASK, POTENTIAL, NEXT_GRADIENT = 0, 1, 2, 3, 4, 5
INTEGRATED_RESULT, POTENTIAL_GRADIENT, NEXT = 0, 1, 2

_ZERO = np.float32(0.0)


@helper
def load_next_gradient(
    operand: Integers,
    role: int,
    extent: Integers,
    row: int,
    first: int,
    units: int,
    state: int,
) -> None:
    """Writes the gradient of the step after the box to `state`: zeros when there is none."""
    for unit in range(units):
        store_f32(state, unit, _ZERO)
    if present(operand, role):
        following = row_of(operand, role, extent, row) + 4 * first
        for unit in range(units):
            store_f32(state, unit, load_f32(following, unit))


@helper
def reset_path(
    reset: int,
    detached: int,
    decay: np.float32,
    threshold: np.float32,
    potential: np.float32,
    following: np.float32,
) -> np.float32:
    """What the spike's gradient gains because the spike resets the next step."""
    if detached != 0:
        return _ZERO
    if reset == RESET_TO_ZERO:
        return -(decay * potential * following)
    return -(decay * threshold * following) if reset == RESET_BY_SUBTRACTION else _ZERO


@compiled(*SIGNATURE)
def fire_gradient(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """gradient[t] = dL/du[t], which is the gradient of the current as well."""
    decay, threshold = np.float32(immediate[0]), np.float32(immediate[1])
    reset, surrogate, detached = int(immediate[2]), int(immediate[3]), int(immediate[6])
    shape, gain = np.float32(immediate[4]), np.float32(immediate[5])
    steps, rows, features = extent[0], rows_per_step(extent), extent[3]
    blocks = blocks_of(features)
    total = rows * blocks
    masked = surrogate == RECTANGLE and present(operand, MASK)
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        row, first = task // blocks, 64 * (task % blocks)
        units = min(64, features - first)
        load_next_gradient(operand, NEXT_GRADIENT, extent, row, first, units, scratch)
        for back in range(steps):
            r = (steps - 1 - back) * rows + row
            spike_gradient = row_of(operand, SPIKE_GRADIENT, extent, r) + 4 * first
            target = row_of(operand, RESULT, extent, r) + 4 * first
            spikes, mask, potentials = 0, 0, scratch + 256
            if present(operand, SPIKES):
                spikes = load_word(row_of(operand, SPIKES, extent, r), first >> 6)
            if present(operand, MASK):
                mask = load_word(row_of(operand, MASK, extent, r), first >> 6)
            if present(operand, POTENTIAL):
                potentials = row_of(operand, POTENTIAL, extent, r) + 4 * first
            nonzero = 0
            for unit in range(units):
                following = load_f32(scratch, unit)
                u = load_f32(potentials, unit)
                gs = load_f32(spike_gradient, unit)
                gs += reset_path(reset, detached, decay, threshold, u, following)
                if masked:
                    h = gain if (mask >> unit) & 1 != 0 else _ZERO
                else:
                    h = surrogate_gradient(surrogate, shape, gain, u - threshold)
                stays = reset != RESET_TO_ZERO or (spikes >> unit) & 1 == 0
                gu = h * gs + (decay * following if stays else _ZERO)
                store_f32(scratch, unit, gu)
                store_f32(target, unit, gu)
                nonzero += int(gu != _ZERO)
            count[NONZERO] += nonzero


@compiled(*SIGNATURE)
def integrate_gradient(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """gradient[t] = potential_gradient[t] + decay * gradient[t+1]."""
    decay = np.float32(immediate[0])
    steps, rows, features = extent[0], rows_per_step(extent), extent[3]
    blocks = blocks_of(features)
    total = rows * blocks
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        row, first = task // blocks, 64 * (task % blocks)
        units = min(64, features - first)
        load_next_gradient(operand, NEXT, extent, row, first, units, scratch)
        for back in range(steps):
            r = (steps - 1 - back) * rows + row
            source = row_of(operand, POTENTIAL_GRADIENT, extent, r) + 4 * first
            target = row_of(operand, INTEGRATED_RESULT, extent, r) + 4 * first
            nonzero = 0
            for unit in range(units):
                gu = load_f32(source, unit) + decay * load_f32(scratch, unit)
                store_f32(scratch, unit, gu)
                store_f32(target, unit, gu)
                nonzero += int(gu != _ZERO)
            count[NONZERO] += nonzero
