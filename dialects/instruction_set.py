"""The engine's instruction set, as one table of plain data.

The `engine` dialect makes its operations from this table, and the backend its opcodes,
validator, assembly and reference page: an instruction is described here and nowhere else.
The table imports neither xDSL nor numpy.

Every buffer has four dimensions, `(step, sample, position, feature)` for activations and
`(tap, 0, input, output)` for weights. A row is all features of one step, sample and position.

An instruction works on a box of each of its buffers: the *axes* say how long the box is, a
*slice* where it starts. Along one dimension a slice starts at `base + scale x loop value`, with
at most one loop.
"""

from __future__ import annotations

from spikeloom.dialects.instructions.images import ARRANGEMENT, POOLS
from spikeloom.dialects.instructions.learning import LOSSES, OPTIMIZERS
from spikeloom.dialects.instructions.movement import MOVEMENT
from spikeloom.dialects.instructions.neurons import NEURON_GRADIENTS, NEURONS
from spikeloom.dialects.instructions.normalization import NORMALIZATION
from spikeloom.dialects.instructions.operands import (
    ENTRIES,
    FLAT_CELLS,
    GROUPS,
    INPUT_POSITIONS,
    INPUTS,
    LEFT_UNITS,
    OUTPUTS,
    POSITIONS,
    RIGHT_UNITS,
    SAMPLES,
    STEPS,
    TAPS,
    UNITS,
)
from spikeloom.dialects.instructions.spec import (
    ARRAY_RATES,
    CROSSBAR_ENGINES,
    DIMENSIONS,
    DMA_ENGINES,
    ENGINE_DESCRIPTIONS,
    LANE_RATES,
    MAX_INSTANCES,
    ONE,
    TRAINING_ENGINES,
    Element,
    Engine,
    Immediate,
    InstructionSpec,
    Role,
    Shape,
)
from spikeloom.dialects.instructions.synapses import CURRENTS, GRADIENTS
from spikeloom.dialects.instructions.tiles import TILE_INSTRUCTIONS

__all__ = [
    "ARRAY_RATES",
    "BITS_PER_ROW_ALIGNMENT",
    "BUFFER_ALIGNMENT",
    "CROSSBAR_ENGINES",
    "DIMENSIONS",
    "DMA_ENGINES",
    "ENGINE_DESCRIPTIONS",
    "ENTRIES",
    "FLAT_CELLS",
    "GROUPS",
    "INPUTS",
    "INPUT_POSITIONS",
    "INSTRUCTIONS",
    "LANE_RATES",
    "LEFT_UNITS",
    "MAX_AXES",
    "MAX_COPIES",
    "MAX_IMMEDIATES",
    "MAX_INSTANCES",
    "MAX_ROLES",
    "MAX_TABLE_WIDTH",
    "MEMORIES",
    "ONE",
    "ON_CHIP_MEMORIES",
    "OPCODES",
    "OUTPUTS",
    "POSITIONS",
    "RIGHT_UNITS",
    "SAMPLES",
    "SPECS",
    "STEPS",
    "TABLE_MEMORIES",
    "TAPS",
    "TRAINING_ENGINES",
    "UNITS",
    "WORDS_PER_ROW_ALIGNMENT",
    "Element",
    "Engine",
    "Immediate",
    "InstructionSpec",
    "Role",
    "Shape",
    "buffer_bytes",
    "row_bytes",
]

ON_CHIP_MEMORIES = ("weight_sram", "spike_sram", "state_sram", "gradient_sram")
"""Weights and biases; spikes and masks; currents, potentials, their gradients; weight gradients."""

TABLE_MEMORIES = ("forward_tables", "update_tables")
"""Sums of the inputs of a group, of the Forward Engine and of the Weight Update Engine."""

MAX_TABLE_WIDTH = 8
"""Inputs of a table that any machine can have: an index is one byte."""

MEMORIES = ("dram", *ON_CHIP_MEMORIES, *TABLE_MEMORIES)

INSTRUCTIONS: tuple[InstructionSpec, ...] = (
    *MOVEMENT,
    *CURRENTS,
    *NEURONS,
    *POOLS,
    *ARRANGEMENT,
    *NORMALIZATION,
    *LOSSES,
    *NEURON_GRADIENTS,
    *GRADIENTS,
    *OPTIMIZERS,
    *TILE_INSTRUCTIONS,
)
"""In the order of their opcodes, which files of streams know."""


MAX_ROLES = max(len(spec.roles) for spec in INSTRUCTIONS)
MAX_AXES = max(len(spec.axes) for spec in INSTRUCTIONS)
MAX_IMMEDIATES = max(len(spec.immediates) for spec in INSTRUCTIONS)
OPCODES: dict[str, int] = {spec.name: code for code, spec in enumerate(INSTRUCTIONS, start=3)}
"""Opcode of every instruction; 0 is invalid, 1 opens a loop, 2 closes it."""
SPECS: dict[str, InstructionSpec] = {spec.name: spec for spec in INSTRUCTIONS}

BITS_PER_ROW_ALIGNMENT = 64
WORDS_PER_ROW_ALIGNMENT = 16
BUFFER_ALIGNMENT = 64
"""Bytes; every buffer starts on a multiple of it."""
MAX_COPIES = 8
"""Copies of one on-chip buffer."""


def row_bytes(element: Element, features: int) -> int:
    """Bytes from one row of a buffer to the next, padding included."""
    if element is Element.BIT:
        return -(-features // BITS_PER_ROW_ALIGNMENT) * (BITS_PER_ROW_ALIGNMENT // 8)
    return -(-features // WORDS_PER_ROW_ALIGNMENT) * (WORDS_PER_ROW_ALIGNMENT * 4)


def buffer_bytes(element: Element, shape: Shape) -> int:
    """Bytes of a whole buffer, rounded up to `BUFFER_ALIGNMENT`."""
    size = shape[0] * shape[1] * shape[2] * row_bytes(element, shape[3])
    return -(-size // BUFFER_ALIGNMENT) * BUFFER_ALIGNMENT
