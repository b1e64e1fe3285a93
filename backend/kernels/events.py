"""Events: which cells of a row are not zero, listed and counted."""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import INTEGER, INTEGERS, compiled
from spikeloom.backend.kernels.memory import (
    load_bits,
    load_f32,
    population_count,
    store_f32,
    store_i32,
    trailing_zeros,
)
from spikeloom.backend.kernels.operands import EVENTS, PASSES, SILENT, Integers


@compiled(INTEGER, INTEGER, INTEGER, INTEGER)
def list_events(bits: int, features: int, scale: int, offsets: int) -> int:
    """Writes `scale` x position of every one of a row, ascending, as 32-bit cells at `offsets`.

    Returns how many there are.
    """
    found = 0
    for first in range(0, features, 64):
        word = load_bits(bits, first >> 6, min(64, features - first))
        while word != 0:
            store_i32(offsets, found, (first + trailing_zeros(word)) * scale)
            found += 1
            word &= word - 1
    return found


@compiled(INTEGER, INTEGER, INTEGER, INTEGER, INTEGER)
def list_nonzero(row: int, features: int, scale: int, offsets: int, values: int) -> int:
    """Lists `scale` x position and value of every cell that is not zero; returns how many.

    A product with zero changes no finite sum, so leaving it out is exact. NaN is not zero.
    """
    found = 0
    for position in range(features):
        value = load_f32(row, position)
        if value != np.float32(0.0):
            store_i32(offsets, found, position * scale)
            store_f32(values, found, value)
            found += 1
    return found


@compiled(INTEGER, INTEGER)
def count_ones(bits: int, features: int) -> int:
    """Ones in a row of bits."""
    ones = 0
    for first in range(0, features, 64):
        ones += population_count(load_bits(bits, first >> 6, min(64, features - first)))
    return ones


@compiled(INTEGERS, INTEGER, INTEGER, INTEGER)
def count_events(count: Integers, events: int, cells: int, lanes: int) -> None:
    """Counts the events among so many cells that the input lanes take together.

    n events take ceil(n / lanes) passes; none at all take none.
    """
    count[EVENTS] += events
    count[SILENT] += cells - events
    count[PASSES] += (events + lanes - 1) // lanes
