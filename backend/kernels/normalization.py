"""Neuron units for batch normalization: moments of a unit's values, and what they are used for.

Sums over the rows of a box are taken in double precision, rows ascending, and then added to a
single-precision cell. Threads own units, or rows where every row is computed for itself.
"""

from __future__ import annotations

import math

import numpy as np

from spikeloom.backend.kernels.compile import (
    compiled,
    helper,
)
from spikeloom.backend.kernels.memory import load_f32, load_f64, store_f32, store_f64
from spikeloom.backend.kernels.operands import (
    SIGNATURE,
    Doubles,
    Integers,
    row_at,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import share_start

UNITS = 3
STATISTIC, VALUES, MEAN = 0, 1, 2
NORMALIZED, X, X_MEAN, X_VARIANCE, SCALE, SHIFT = 0, 1, 2, 3, 4, 5
SCALE_GRADIENT, GRADIENT, FACTOR, FACTOR_MEAN, FACTOR_VARIANCE = 0, 1, 2, 3, 4
(
    VALUE_GRADIENT, OUTPUT_GRADIENT, INPUT, INPUT_MEAN, INPUT_VARIANCE, GAIN, SHIFT_SUM, SCALE_SUM
) = range(8)  # fmt: skip
RUNNING, NEW = 0, 1


@helper
def inverse_deviation(variance: np.float32, epsilon: np.float32) -> np.float32:
    """1 / sqrt(variance + epsilon), in double precision until the end."""
    return np.float32(1.0 / math.sqrt(float(variance) + float(epsilon)))


@helper
def clear_sums(scratch: int, units: int) -> None:
    """Sets the sums of so many units to zero."""
    for unit in range(units):
        store_f64(scratch, unit, 0.0)


@helper
def add_sums(operand: Integers, begin: int, end: int, scratch: int, scale: float) -> None:
    """Adds scale x the sums to the cells of the first role."""
    target = row_at(operand, STATISTIC, 0, 0, 0)
    for unit in range(begin, end):
        total = np.float32(scale * load_f64(scratch, unit - begin))
        store_f32(target, unit, load_f32(target, unit) + total)


@helper
def first_unit(extent: Integers, thread: int, threads: int) -> int:
    """Where a thread's units begin: vectors of 16, so that no two threads write the same one."""
    vectors = (extent[UNITS] + 15) // 16
    return min(extent[UNITS], 16 * share_start(vectors, thread, threads))


@compiled(*SIGNATURE)
def channel_mean(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """mean[u] += scale * sum of values[t, b, p, u]."""
    begin = first_unit(extent, thread, threads)
    end = first_unit(extent, thread + 1, threads)
    clear_sums(scratch, end - begin)
    for r in range(row_count(extent)):
        values = row_of(operand, VALUES, extent, r)
        for unit in range(begin, end):
            total = load_f64(scratch, unit - begin) + float(load_f32(values, unit))
            store_f64(scratch, unit - begin, total)
    add_sums(operand, begin, end, scratch, immediate[0])


@compiled(*SIGNATURE)
def channel_variance(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """variance[u] += scale * sum of (values[t, b, p, u] - mean[u])^2."""
    begin = first_unit(extent, thread, threads)
    end = first_unit(extent, thread + 1, threads)
    mean = row_at(operand, MEAN, 0, 0, 0)
    clear_sums(scratch, end - begin)
    for r in range(row_count(extent)):
        values = row_of(operand, VALUES, extent, r)
        for unit in range(begin, end):
            distance = float(load_f32(values, unit)) - float(load_f32(mean, unit))
            total = load_f64(scratch, unit - begin) + distance * distance
            store_f64(scratch, unit - begin, total)
    add_sums(operand, begin, end, scratch, immediate[0])


@compiled(*SIGNATURE)
def normalize(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """normalized = (scale / sqrt(variance + epsilon)) * (values - mean) + shift."""
    units, total, epsilon = extent[UNITS], row_count(extent), np.float32(immediate[0])
    mean, shift = row_at(operand, X_MEAN, 0, 0, 0), row_at(operand, SHIFT, 0, 0, 0)
    variance, scale = row_at(operand, X_VARIANCE, 0, 0, 0), row_at(operand, SCALE, 0, 0, 0)
    for unit in range(units):
        inverse = inverse_deviation(load_f32(variance, unit), epsilon)
        store_f32(scratch, unit, load_f32(scale, unit) * inverse)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        target, values = row_of(operand, NORMALIZED, extent, r), row_of(operand, X, extent, r)
        for unit in range(units):
            distance = load_f32(values, unit) - load_f32(mean, unit)
            store_f32(target, unit, load_f32(scratch, unit) * distance + load_f32(shift, unit))


@compiled(*SIGNATURE)
def channel_product(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """scale_gradient[u] += sum of gradient * (value - mean[u]) / sqrt(variance[u] + epsilon)."""
    begin = first_unit(extent, thread, threads)
    end = first_unit(extent, thread + 1, threads)
    mean, epsilon = row_at(operand, FACTOR_MEAN, 0, 0, 0), np.float32(immediate[0])
    variance = row_at(operand, FACTOR_VARIANCE, 0, 0, 0)
    clear_sums(scratch, end - begin)
    for r in range(row_count(extent)):
        gradient, values = row_of(operand, GRADIENT, extent, r), row_of(operand, FACTOR, extent, r)
        for unit in range(begin, end):
            distance = float(load_f32(values, unit)) - float(load_f32(mean, unit))
            product = float(load_f32(gradient, unit)) * distance
            store_f64(scratch, unit - begin, load_f64(scratch, unit - begin) + product)
    for unit in range(begin, end):
        inverse = float(inverse_deviation(load_f32(variance, unit), epsilon))
        store_f64(scratch, unit - begin, inverse * load_f64(scratch, unit - begin))
    add_sums(operand, begin, end, scratch, 1.0)


@compiled(*SIGNATURE)
def normalize_gradient(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """value_gradient = a * (gradient - fraction * shift_gradient - b * (value - mean)).

    With d = sqrt(variance + epsilon): a = scale / d and b = fraction * scale_gradient / d.
    """
    units, total = extent[UNITS], row_count(extent)
    epsilon, fraction = np.float32(immediate[0]), np.float32(immediate[1])
    mean, variance = row_at(operand, INPUT_MEAN, 0, 0, 0), row_at(operand, INPUT_VARIANCE, 0, 0, 0)
    gain, scale_sum = row_at(operand, GAIN, 0, 0, 0), row_at(operand, SCALE_SUM, 0, 0, 0)
    shift_sum = row_at(operand, SHIFT_SUM, 0, 0, 0)
    a, b, c = scratch, scratch + 4 * units, scratch + 8 * units
    for unit in range(units):
        inverse = inverse_deviation(load_f32(variance, unit), epsilon)
        store_f32(a, unit, load_f32(gain, unit) * inverse)
        store_f32(b, unit, fraction * load_f32(scale_sum, unit) * inverse)
        store_f32(c, unit, fraction * load_f32(shift_sum, unit))
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        target = row_of(operand, VALUE_GRADIENT, extent, r)
        gradient, values = (
            row_of(operand, OUTPUT_GRADIENT, extent, r),
            row_of(operand, INPUT, extent, r),
        )
        for unit in range(units):
            distance = load_f32(values, unit) - load_f32(mean, unit)
            left = load_f32(gradient, unit) - load_f32(c, unit) - load_f32(b, unit) * distance
            store_f32(target, unit, load_f32(a, unit) * left)


@compiled(*SIGNATURE)
def blend(
    operand: Integers,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    scratch: int,
    thread: int,
    threads: int,
) -> None:
    """running = (1 - momentum) * running + momentum * factor * statistic."""
    units = extent[0]
    keep, take = np.float32(1.0 - immediate[0]), np.float32(immediate[0] * immediate[1])
    running, statistic = row_at(operand, RUNNING, 0, 0, 0), row_at(operand, NEW, 0, 0, 0)
    for unit in range(share_start(units, thread, threads), share_start(units, thread + 1, threads)):
        old, new = load_f32(running, unit), load_f32(statistic, unit)
        store_f32(running, unit, keep * old + take * new)
