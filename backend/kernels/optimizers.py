"""Optimizer unit: parameters from their gradients, element by element."""

from __future__ import annotations

import math

import numpy as np

from spikeloom.backend.kernels.compile import compiled
from spikeloom.backend.kernels.memory import load_f32, load_i32, store_f32, store_i32
from spikeloom.backend.kernels.operands import (
    NONZERO,
    SIGNATURE,
    Doubles,
    Integers,
    present,
    row_at,
)
from spikeloom.backend.kernels.partition import blocks_of, share_start

COUNT = 0
PARAMETER, VELOCITY, SGD_GRADIENT = 0, 1, 2
FIRST_MOMENT, SECOND_MOMENT, ADAM_GRADIENT, UPDATES = 1, 2, 3, 4


@compiled(*SIGNATURE)
def count_step(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """count += 1."""
    if thread == 0:
        cell = row_at(operand, COUNT, 0, 0, 0)
        store_i32(cell, 0, load_i32(cell, 0) + 1)


@compiled(*SIGNATURE)
def sgd(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """velocity = momentum * velocity + gradient; parameter -= rate * velocity."""
    rate, momentum = np.float32(immediate[0]), np.float32(immediate[1])
    taps, rows, columns = extent[0], extent[1], extent[2]
    blocks = blocks_of(columns)
    total = taps * rows * blocks
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        line, first = task // blocks, 64 * (task % blocks)
        tap, row = line // rows, line % rows
        parameter = row_at(operand, PARAMETER, tap, 0, row)
        gradient = row_at(operand, SGD_GRADIENT, tap, 0, row)
        velocity = row_at(operand, VELOCITY, tap, 0, row)
        for column in range(first, min(columns, first + 64)):
            change = load_f32(gradient, column)
            count[NONZERO] += int(change != np.float32(0.0))
            if present(operand, VELOCITY):
                change += momentum * load_f32(velocity, column)
                store_f32(velocity, column, change)
            store_f32(parameter, column, load_f32(parameter, column) - rate * change)


@compiled(*SIGNATURE)
def adam(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """Adam with bias correction (Kingma & Ba 2015), decoupled weight decay (Loshchilov 2019).

    m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2, and after n updates
    p = (1 - rate * decay) * p - rate * (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + epsilon).
    """
    rate, beta1, beta2 = immediate[0], immediate[1], immediate[2]
    updates = float(load_i32(row_at(operand, UPDATES, 0, 0, 0), 0))
    stride = np.float32(rate / (1.0 - beta1**updates))
    correction = np.float32(1.0 / (1.0 - beta2**updates))
    keep1, take1 = np.float32(beta1), np.float32(1.0 - beta1)
    keep2, take2 = np.float32(beta2), np.float32(1.0 - beta2)
    epsilon, shrink = np.float32(immediate[3]), np.float32(1.0 - rate * immediate[4])
    taps, rows, columns = extent[0], extent[1], extent[2]
    blocks = blocks_of(columns)
    total = taps * rows * blocks
    for task in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        line, start = task // blocks, 64 * (task % blocks)
        tap, row = line // rows, line % rows
        parameter = row_at(operand, PARAMETER, tap, 0, row)
        first = row_at(operand, FIRST_MOMENT, tap, 0, row)
        second = row_at(operand, SECOND_MOMENT, tap, 0, row)
        gradient = row_at(operand, ADAM_GRADIENT, tap, 0, row)
        nonzero = 0
        for column in range(start, min(columns, start + 64)):
            g = load_f32(gradient, column)
            nonzero += int(g != np.float32(0.0))
            m = keep1 * load_f32(first, column) + take1 * g
            v = keep2 * load_f32(second, column) + take2 * (g * g)
            store_f32(first, column, m)
            store_f32(second, column, v)
            update = stride * m / (np.float32(math.sqrt(v * correction)) + epsilon)
            store_f32(parameter, column, shrink * load_f32(parameter, column) - update)
        count[NONZERO] += nonzero
