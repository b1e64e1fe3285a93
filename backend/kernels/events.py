"""Events: the positions of the ones in rows of bits."""

from __future__ import annotations

from spikeloom.backend.kernels.compile import (
    DOUBLES,
    INTEGER,
    INTEGERS,
    INTEGERS_2D,
    compiled,
)
from spikeloom.backend.kernels.memory import (
    load_bits,
    population_count,
    store_i32,
    trailing_zeros,
)
from spikeloom.backend.kernels.operands import (
    EVENTS,
    INPUTS,
    ISSUED,
    PASSES,
    ROWS,
    SKIPPED_INPUT,
    TAPS,
    Doubles,
    Integers,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import share_start

DENSE = 6
"""Where the switch stands among the immediates."""


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


@compiled(INTEGERS_2D, INTEGER, INTEGERS, DOUBLES, INTEGER, INTEGERS, INTEGER, INTEGER)
def count_events(
    operand: Integers,
    role: int,
    extent: Integers,
    immediate: Doubles,
    lanes: int,
    count: Integers,
    thread: int,
    threads: int,
) -> None:
    """Counts events, cells worked on, rows moved and passes of this thread's share of the rows.

    A row with n events takes ceil(n / lanes) passes and moves n rows of weights; one without
    any takes none. Dense work takes as many passes as if all inputs spiked, and moves every row
    of the weights once, for all rows together.
    """
    inputs, total = extent[INPUTS], row_count(extent)
    dense = immediate[DENSE] != 0.0
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        bits = row_of(operand, role, extent, r)
        events = 0
        for first in range(0, inputs, 64):
            events += population_count(load_bits(bits, first >> 6, min(64, inputs - first)))
        worked = inputs if dense else events
        count[EVENTS] += events
        count[ISSUED] += worked
        count[SKIPPED_INPUT] += inputs - worked
        count[ROWS] += 0 if dense else events
        count[PASSES] += (worked + lanes - 1) // lanes
    if dense and thread == 0:
        count[ROWS] += extent[TAPS] * inputs
