"""Events: the positions of the ones in rows of bits."""

from __future__ import annotations

from spikeloom.backend.kernels.compile import INTEGER, INTEGERS, INTEGERS_2D, compiled
from spikeloom.backend.kernels.memory import (
    load_bits,
    population_count,
    store_i32,
    trailing_zeros,
)
from spikeloom.backend.kernels.operands import (
    EVENTS,
    INPUTS,
    PASSES,
    SILENT,
    Integers,
    row_count,
    row_of,
)
from spikeloom.backend.kernels.partition import share_start


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


@compiled(INTEGERS_2D, INTEGER, INTEGERS, INTEGER, INTEGERS, INTEGER, INTEGER)
def count_events(
    operand: Integers,
    role: int,
    extent: Integers,
    lanes: int,
    count: Integers,
    thread: int,
    threads: int,
) -> None:
    """Counts events, silent inputs and passes of this thread's share of the rows.

    `extent` starts with steps, samples, positions and inputs. A row with n events takes
    ceil(n / lanes) passes; one without any takes none.
    """
    inputs, total = extent[INPUTS], row_count(extent)
    for r in range(share_start(total, thread, threads), share_start(total, thread + 1, threads)):
        bits = row_of(operand, role, extent, r)
        events = 0
        for first in range(0, inputs, 64):
            events += population_count(load_bits(bits, first >> 6, min(64, inputs - first)))
        count[EVENTS] += events
        count[SILENT] += inputs - events
        count[PASSES] += (events + lanes - 1) // lanes
