"""Events: which cells of a row are not zero, listed and counted."""

from __future__ import annotations

import numpy as np

from spikeloom.backend.kernels.compile import helper
from spikeloom.backend.kernels.memory import (
    load_bits,
    load_f32,
    population_count,
    store_f32,
    store_i32,
    trailing_zeros,
)
from spikeloom.backend.kernels.operands import (
    EVENTS,
    ISSUED,
    PASSES,
    ROWS,
    SKIPPED_INPUT,
    Integers,
)

DENSE = 6
"""Where the switch stands among the immediates."""


@helper
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


@helper
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


@helper
def count_ones(bits: int, features: int) -> int:
    """Ones in a row of bits."""
    ones = 0
    for first in range(0, features, 64):
        ones += population_count(load_bits(bits, first >> 6, min(64, features - first)))
    return ones


@helper
def count_events(count: Integers, events: int, cells: int, lanes: int, dense: int) -> None:
    """Counts the events among so many cells that the input lanes take together.

    n events take ceil(n / lanes) passes and move n rows of weights; none at all take none. Where
    silent inputs are worked on as well, all cells take passes; see `count_dense_rows`.
    """
    worked = events if dense == 0 else cells
    count[EVENTS] += events
    count[ISSUED] += worked
    count[SKIPPED_INPUT] += cells - worked
    count[PASSES] += (worked + lanes - 1) // lanes
    if dense == 0:
        count[ROWS] += events


@helper
def count_dense_rows(count: Integers, cells: int, dense: int, thread: int) -> None:
    """Where silent inputs are worked on, the rows of all `cells` are moved once for all."""
    if dense != 0 and thread == 0:
        count[ROWS] += cells
