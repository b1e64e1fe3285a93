"""What is counted for every instruction: the columns of a run's table of counts.

Compiled code uses the numbers; `spikeloom.backend.counters` gives them names and units.
"""

from __future__ import annotations

from spikeloom.dialects.instruction_set import MEMORIES, Engine

INSTRUCTIONS = 0
CYCLES_ACTIVE = 1
CYCLES_WAITING_FOR_ISSUE = 2
CYCLES_STALLED_ON_BACKPRESSURE = 3
ADDITIONS_DENSE = 4
ADDITIONS_ISSUED = 5
ADDITIONS_SKIPPED = 6
MULTIPLICATIONS = 7
CELLS_PRODUCED = 8
EVENTS_RECEIVED = 9
SPIKES_EMITTED = 10
MASK_ONES = 11
GRADIENTS_NONZERO = 12
BYTES_READ = 13
"""The first of one column per memory, in the order of `MEMORIES`."""
BYTES_WRITTEN = BYTES_READ + len(MEMORIES)
"""The first of one column per memory, in the order of `MEMORIES`."""
CYCLES_STALLED_ON = BYTES_WRITTEN + len(MEMORIES)
"""The first of one column per engine, in the order of `Engine`: whose results were waited for."""
QUANTITIES = CYCLES_STALLED_ON + len(Engine)
"""How many columns there are."""

STATES = (
    CYCLES_ACTIVE,
    CYCLES_WAITING_FOR_ISSUE,
    *range(CYCLES_STALLED_ON, CYCLES_STALLED_ON + len(Engine)),
    CYCLES_STALLED_ON_BACKPRESSURE,
)
"""What an engine does at one moment, besides being idle after its last instruction."""
