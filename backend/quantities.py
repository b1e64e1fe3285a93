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
ADDITIONS_SKIPPED_INPUT = 8
ADDITIONS_SKIPPED_OUTPUT = 9
ADDITIONS_SKIPPED_BOTH = 10
ADDITIONS_FUSED = 11
MULTIPLICATIONS_DENSE = 12
MULTIPLICATIONS = 13
MULTIPLICATIONS_SKIPPED_INPUT = 14
MULTIPLICATIONS_SKIPPED_OUTPUT = 15
MULTIPLICATIONS_SKIPPED_BOTH = 16
CELLS_PRODUCED = 17
EVENTS_RECEIVED = 18
SPIKES_EMITTED = 19
MASK_ONES = 20
GRADIENTS_NONZERO = 21
BYTES_READ = 22
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
