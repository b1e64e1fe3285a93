"""Loss unit: readout, losses with their gradients, and the gradient back to every step.

Losses are summed in double precision, samples ascending, by the first thread alone.
"""

from __future__ import annotations

import math

import numpy as np

from spikeloom.backend.kernels.compile import compiled, helper
from spikeloom.backend.kernels.memory import (
    load_f32,
    load_i32,
    load_word,
    store_f32,
    store_i32,
)
from spikeloom.backend.kernels.operands import (
    SIGNATURE,
    Doubles,
    Integers,
    present,
    row_at,
    row_count,
    row_of,
    rows_per_step,
)
from spikeloom.backend.kernels.partition import share_start

SUM, OUTPUT = 0, 1
LOSS, CORRECT, GRADIENT, READOUT, LABEL = 0, 1, 2, 3, 4
SPREAD, SPREAD_SOURCE = 0, 1


@compiled(*SIGNATURE)
def readout_bits(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """sum[b, p, :] = scale * number of spikes over the steps."""
    scale, steps, positions = np.float32(immediate[0]), extent[0], extent[2]
    total = extent[1] * positions
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        sample, position = r // positions, r % positions
        target = row_at(operand, SUM, 0, sample, position)
        for unit in range(extent[3]):
            spikes = 0
            for step in range(steps):
                word = load_word(row_at(operand, OUTPUT, step, sample, position), unit >> 6)
                spikes += (word >> (unit & 63)) & 1
            store_f32(target, unit, scale * np.float32(spikes))


@compiled(*SIGNATURE)
def readout_values(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """sum[b, p, :] = scale * sum over the steps, ascending."""
    scale, steps, positions = np.float32(immediate[0]), extent[0], extent[2]
    total = extent[1] * positions
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        sample, position = r // positions, r % positions
        target = row_at(operand, SUM, 0, sample, position)
        for unit in range(extent[3]):
            summed = np.float32(0.0)
            for step in range(steps):
                summed += load_f32(row_at(operand, OUTPUT, step, sample, position), unit)
            store_f32(target, unit, scale * summed)


@helper
def first_maximum(row: int, classes: int) -> int:
    """Position of the largest value; of the first one where several are."""
    best, decision = load_f32(row, 0), 0
    for unit in range(1, classes):
        value = load_f32(row, unit)
        if value > best:
            best, decision = value, unit
    return decision


@compiled(*SIGNATURE)
def cross_entropy(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """loss += scale * sum over b of (logsumexp(r[b]) - r[b, label]).

    gradient = scale * (softmax(r) - onehot). A label outside the classes is no class: its sample
    has no right decision and no term of its own (the host refuses such labels).
    """
    if thread != 0:
        return
    scale, samples, classes = immediate[0], extent[0], extent[1]
    loss, correct = 0.0, 0
    for sample in range(samples):
        row = row_at(operand, READOUT, 0, sample, 0)
        label = load_i32(row_at(operand, LABEL, 0, sample, 0), 0)
        decision = first_maximum(row, classes)
        correct += int(decision == label)
        largest = float(load_f32(row, decision))
        total = 0.0
        for unit in range(classes):
            total += math.exp(float(load_f32(row, unit)) - largest)
        loss += largest + math.log(total)
        if 0 <= label < classes:
            loss -= float(load_f32(row, label))
        if present(operand, GRADIENT):
            target = row_at(operand, GRADIENT, 0, sample, 0)
            for unit in range(classes):
                softmax = math.exp(float(load_f32(row, unit)) - largest) / total
                store_f32(target, unit, np.float32(scale * (softmax - float(int(unit == label)))))
    cell = row_at(operand, LOSS, 0, 0, 0)
    store_f32(cell, 0, np.float32(float(load_f32(cell, 0)) + scale * loss))
    cell = row_at(operand, CORRECT, 0, 0, 0)
    store_i32(cell, 0, load_i32(cell, 0) + correct)


@compiled(*SIGNATURE)
def mean_squared_error(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """loss += scale * sum (r - onehot)^2; gradient = 2 * scale * (r - onehot)."""
    if thread != 0:
        return
    scale, samples, classes = immediate[0], extent[0], extent[1]
    loss, correct = 0.0, 0
    for sample in range(samples):
        row = row_at(operand, READOUT, 0, sample, 0)
        label = load_i32(row_at(operand, LABEL, 0, sample, 0), 0)
        correct += int(first_maximum(row, classes) == label)
        for unit in range(classes):
            error = float(load_f32(row, unit)) - float(int(unit == label))
            loss += error * error
            if present(operand, GRADIENT):
                target = row_at(operand, GRADIENT, 0, sample, 0)
                store_f32(target, unit, np.float32(2.0 * scale * error))
    cell = row_at(operand, LOSS, 0, 0, 0)
    store_f32(cell, 0, np.float32(float(load_f32(cell, 0)) + scale * loss))
    cell = row_at(operand, CORRECT, 0, 0, 0)
    store_i32(cell, 0, load_i32(cell, 0) + correct)


@compiled(*SIGNATURE)
def spread(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """gradient[t, b, p, :] = scale * readout_gradient[b, p, :] at every step."""
    scale, total, each_step = np.float32(immediate[0]), row_count(extent), rows_per_step(extent)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        target = row_of(operand, SPREAD, extent, r)
        source = row_of(operand, SPREAD_SOURCE, extent, r % each_step)
        for unit in range(extent[3]):
            store_f32(target, unit, scale * load_f32(source, unit))
