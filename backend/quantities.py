"""What is counted for every instruction: the columns of a run's table of counts.

Compiled code uses the numbers; `spikeloom.backend.counters` gives them names and units.
"""

from __future__ import annotations

from spikeloom.dialects.instruction_set import MEMORIES

INSTRUCTIONS = 0
CYCLES_ACTIVE = 1
CYCLES_WAITING_FOR_ISSUE = 2
CYCLES_STALLED_ON_OPERAND = 3
CYCLES_STALLED_ON_DMA = 4
CYCLES_STALLED_ON_BACKPRESSURE = 5
ADDITIONS_DENSE = 6
ADDITIONS_ISSUED = 7
ADDITIONS_SKIPPED = 8
MULTIPLICATIONS = 9
CELLS_PRODUCED = 10
EVENTS_RECEIVED = 11
SPIKES_EMITTED = 12
MASK_ONES = 13
GRADIENTS_NONZERO = 14
BYTES_READ = 15
"""The first of one column per memory, in the order of `MEMORIES`."""
BYTES_WRITTEN = BYTES_READ + len(MEMORIES)
"""The first of one column per memory, in the order of `MEMORIES`."""
QUANTITIES = BYTES_WRITTEN + len(MEMORIES)
"""How many columns there are."""

STATES = (
    CYCLES_ACTIVE,
    CYCLES_WAITING_FOR_ISSUE,
    CYCLES_STALLED_ON_OPERAND,
    CYCLES_STALLED_ON_DMA,
    CYCLES_STALLED_ON_BACKPRESSURE,
)
"""What an engine does at one moment, besides being idle after its last instruction."""
