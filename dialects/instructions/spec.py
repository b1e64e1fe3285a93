"""What an instruction of the table is made of: engines, elements, roles, axes, immediates.

The tables are `instruction_set` and `tile_instructions`. Nothing here imports xDSL or numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Element(Enum):
    """What one cell of a buffer holds. A row of bits is padded to 64, of words to 16 cells."""

    BIT = "bit"
    F32 = "f32"
    I32 = "i32"


class Engine(Enum):
    """The units that work side by side; each executes its instructions in order.

    Of those of a crossbar machine there are many instances, each with an order of its own.
    """

    DMA = "dma"
    DMA_STORE = "dma_store"
    DMA_UPDATE = "dma_wue"
    DMA_UPDATE_STORE = "dma_wue_store"
    FORWARD = "fe"
    BACKWARD = "be"
    WEIGHT_UPDATE = "wue"
    NEURON = "nu"
    LOSS = "loss"
    OPTIMIZER = "opt"
    TILE = "tile"
    NETWORK = "noc"


ENGINE_DESCRIPTIONS: dict[Engine, str] = {
    Engine.DMA: "loads tiles from DRAM for all engines but those of the weight update",
    Engine.DMA_STORE: "stores tiles to DRAM for the same",
    Engine.DMA_UPDATE: "loads tiles from DRAM for the Weight Update Engine and the optimizer",
    Engine.DMA_UPDATE_STORE: "stores tiles to DRAM for the same two",
    Engine.FORWARD: "Forward Engine: accumulates weights of the inputs that spiked",
    Engine.BACKWARD: "Backward Engine: multiplies gradients with transposed weights",
    Engine.WEIGHT_UPDATE: "Weight Update Engine: accumulates gradients of the inputs that spiked",
    Engine.NEURON: "neuron units: membrane recursion, surrogate gradients, element-wise sums",
    Engine.LOSS: "reads the output out, computes loss, its gradient and the accuracy",
    Engine.OPTIMIZER: "updates parameters from their gradients",
    Engine.TILE: "a tile: one crossbar pass at a time; one instance for each tile",
    Engine.NETWORK: "a connection between two tiles; one instance for each connection",
}

DMA_ENGINES = (Engine.DMA, Engine.DMA_STORE, Engine.DMA_UPDATE, Engine.DMA_UPDATE_STORE)
"""Queues that share the bandwidth of the DRAM; they move data and compute nothing."""

CROSSBAR_ENGINES = (Engine.TILE, Engine.NETWORK)
"""The engines of a machine of crossbars, the last of all; any number of instances."""

MAX_INSTANCES = 65_536
"""Instances of one engine; they are numbered from 0."""

TRAINING_ENGINES = tuple(engine for engine in Engine if engine not in CROSSBAR_ENGINES)
"""The engines of a training machine, one of each."""

ARRAY_RATES, LANE_RATES = ("input_lanes", "output_lanes", "latency"), ("lanes", "latency")
"""What the machine says about an engine that is an array, and about one that is a row of lanes."""

DIMENSIONS = 4
Shape: TypeAlias = tuple[int, int, int, int]
"""One number per dimension: of a buffer, its cells along each."""

ONE = ""
"""Marks a dimension along which the box is one cell long."""


@dataclass(frozen=True)
class Role:
    """One buffer operand: `dims` names the axis of each dimension (or `ONE`).

    `elements` lists what the buffer may hold. An `updates` role is read before it is written.
    An optional role may be absent from an instruction.
    """

    name: str
    elements: tuple[Element, ...]
    dims: tuple[str, str, str, str]
    updates: bool = False
    optional: bool = False
    dram: bool = False


@dataclass(frozen=True)
class Immediate:
    """A number that is part of the instruction."""

    name: str
    description: str


@dataclass(frozen=True)
class InstructionSpec:
    """One instruction: name, engine, axes, the buffers written and read, immediates."""

    name: str
    engine: Engine
    axes: tuple[str, ...]
    writes: tuple[Role, ...]
    reads: tuple[Role, ...]
    description: str
    immediates: tuple[Immediate, ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """All buffer operands: those written first, then those read."""
        return (*self.writes, *self.reads)
