"""What is counted for every instruction: the columns of a run's table of counts.

Compiled code uses the numbers; `spikeloom.backend.accounts.counters` gives them names and units.
"""

from __future__ import annotations

from spikeloom.dialects.instruction_set import MEMORIES, Engine

INSTRUCTIONS = 0
CYCLES_ACTIVE = 1
CYCLES_WAITING_FOR_ISSUE = 2
CYCLES_STALLED_ON_BACKPRESSURE = 3
ADDITIONS_DENSE = 4
ADDITIONS_ISSUED = 5
ADDITIONS_SKIPPED_INPUT = 6
ADDITIONS_SKIPPED_OUTPUT = 7
ADDITIONS_SKIPPED_BOTH = 8
ADDITIONS_FUSED = 9
MULTIPLICATIONS_DENSE = 10
MULTIPLICATIONS = 11
MULTIPLICATIONS_SKIPPED_INPUT = 12
MULTIPLICATIONS_SKIPPED_OUTPUT = 13
MULTIPLICATIONS_SKIPPED_BOTH = 14
CELLS_PRODUCED = 15
EVENTS_RECEIVED = 16
SPIKES_EMITTED = 17
MASK_ONES = 18
GRADIENTS_NONZERO = 19
BYTES_READ = 20
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

ADDITION_PARTS = (
    ADDITIONS_ISSUED,
    ADDITIONS_SKIPPED_INPUT,
    ADDITIONS_SKIPPED_OUTPUT,
    ADDITIONS_SKIPPED_BOTH,
    ADDITIONS_FUSED,
)
"""What becomes of the dense additions; the first are performed."""
MULTIPLICATION_PARTS = (
    MULTIPLICATIONS,
    MULTIPLICATIONS_SKIPPED_INPUT,
    MULTIPLICATIONS_SKIPPED_OUTPUT,
    MULTIPLICATIONS_SKIPPED_BOTH,
)
"""What becomes of the dense multiplications; the first are performed."""
