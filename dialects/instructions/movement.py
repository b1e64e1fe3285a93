"""Instructions that move data between DRAM and the chip, or clear it: one row for each queue."""

from __future__ import annotations

from spikeloom.dialects.instructions.operands import (
    ANY,
    F32,
    MATRICES,
    MATRIX,
    MOVED,
    TAPS,
)
from spikeloom.dialects.instructions.spec import (
    ONE,
    Engine,
    InstructionSpec,
    Role,
)

MOVEMENT: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "load",
        Engine.DMA,
        MOVED,
        (Role("target", ANY, MOVED),),
        (Role("source", ANY, MOVED, dram=True),),
        "copies a box from DRAM to an on-chip buffer of the same element",
    ),
    InstructionSpec(
        "load_transposed",
        Engine.DMA,
        MATRICES,
        (Role("target", F32, (TAPS, ONE, "columns", "rows")),),
        (Role("source", F32, MATRIX, dram=True),),
        "copies the matrix of every tap from DRAM and transposes it on the way",
    ),
    InstructionSpec(
        "load_update",
        Engine.DMA_UPDATE,
        MOVED,
        (Role("target", ANY, MOVED),),
        (Role("source", ANY, MOVED, dram=True),),
        "`load` in a queue of its own, so that weight updates do not hold up the other engines",
    ),
    InstructionSpec(
        "store",
        Engine.DMA_STORE,
        MOVED,
        (Role("target", ANY, MOVED, dram=True),),
        (Role("source", ANY, MOVED),),
        "copies a box from an on-chip buffer to DRAM",
    ),
    InstructionSpec(
        "store_update",
        Engine.DMA_UPDATE_STORE,
        MOVED,
        (Role("target", ANY, MOVED, dram=True),),
        (Role("source", ANY, MOVED),),
        "`store` in the queue of the weight updates",
    ),
    InstructionSpec(
        "clear",
        Engine.DMA,
        MOVED,
        (Role("target", ANY, MOVED, dram=True),),
        (),
        "fills a box with zeros, in DRAM or on chip",
    ),
    InstructionSpec(
        "clear_update",
        Engine.DMA_UPDATE,
        MOVED,
        (Role("target", ANY, MOVED),),
        (),
        "`clear` of an on-chip buffer in the queue of the weight updates",
    ),
)
