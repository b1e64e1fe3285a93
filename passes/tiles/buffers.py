"""Writes the operations of a program of tiles: buffers with their places, and instructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Block, SSAValue

from spikeloom.dialects.engine import BufferOp, make_instruction
from spikeloom.dialects.instruction_set import (
    WORDS_PER_ROW_ALIGNMENT,
    Element,
    Shape,
    buffer_bytes,
)

Integers = NDArray[np.int64]
Operand: TypeAlias = str | tuple[str, int]
"""A buffer, or a buffer from a cell on."""

WEIGHTS, SPIKES, STATES, DRAM = "weight_sram", "spike_sram", "state_sram", "dram"
"""What stands for the crosspoints and tables, the spike buffers and the neurons of all tiles."""


@dataclass(frozen=True)
class Content:
    """What the host writes to a buffer before a run.

    Attributes:
        buffer: its role's subject; the kind is `parameter`.
        values: in the buffer's shape, i32 or f32 cells; or with `gathered`, where the cells are
            found among all numbers of the network.
    """

    buffer: str
    values: NDArray[np.generic]
    gathered: bool = False


@dataclass
class TileWriter:
    """Collects buffers and what the host fills them with, and writes instructions to a block."""

    block: Block
    buffers: list[BufferOp] = field(default_factory=list[BufferOp])
    contents: list[Content] = field(default_factory=list[Content])
    _lists: dict[int, list[Integers]] = field(default_factory=dict[int, list[Integers]])
    _ends: dict[str, int] = field(default_factory=dict[str, int])

    def buffer(
        self,
        name: str,
        element: Element,
        shape: Shape,
        memory: str,
        role: tuple[str, str] | None = None,
        copies: int = 1,
    ) -> str:
        """Declares a buffer behind all others of its memory; returns its name."""
        offset = self._ends.get(memory, 0)
        self.buffers.append(BufferOp(name, element, shape, memory, offset, role, copies))
        self._ends[memory] = offset + copies * buffer_bytes(element, shape)
        return name

    def table(
        self,
        tile: int,
        name: str,
        values: NDArray[np.generic],
        rows: int = 0,
        *,
        gathered: bool = False,
    ) -> str:
        """A table of a tile that the host knows and `program_tile` writes; returns its name."""
        element = Element.F32 if gathered or values.dtype == np.float32 else Element.I32
        shape = (1, 1, *np.atleast_2d(values).shape)
        target = self.buffer(name, element, shape, WEIGHTS)
        self.given(tile, target, values, rows, gathered=gathered)
        return target

    def given(
        self,
        tile: int,
        target: str,
        values: NDArray[np.generic],
        rows: int = 0,
        *,
        gathered: bool = False,
    ) -> None:
        """Lets the tile write what the host knows into a buffer.

        `values` has one or two dimensions; `rows` of a crossbar are written.
        """
        cells = np.atleast_2d(values)
        shape = (1, 1, *cells.shape)
        element = Element.F32 if gathered or values.dtype == np.float32 else Element.I32
        source = self.buffer(f"{target}.given", element, shape, DRAM, ("parameter", target))
        self.contents.append(Content(target, cells.reshape(shape), gathered))
        operands = {"target": target, "source": source}
        self.emit("program_tile", tile, operands, shape, (rows,))

    def numbers(self, cluster: int, values: Integers) -> Operand:
        """A list of cell numbers of a cluster: a part of its one table, from a cell on."""
        lists = self._lists.setdefault(cluster, [])
        first = sum(len(each) for each in lists)
        padded = np.zeros(-(-len(values) // WORDS_PER_ROW_ALIGNMENT) * WORDS_PER_ROW_ALIGNMENT)
        padded[: len(values)] = values
        lists.append(padded.astype(np.int64))
        return f"cluster_{cluster}.numbers", first

    def write_numbers(self, tiles: Sequence[int]) -> None:
        """The tables of all lists, given the tile of every cluster."""
        for cluster, lists in self._lists.items():
            values = np.concatenate(lists).astype(np.int32)
            self.table(tiles[cluster], f"cluster_{cluster}.numbers", values)

    def row(self, name: str, element: Element, cells: int, copies: int = 1) -> str:
        """A row of cells on chip; returns its name."""
        memory = SPIKES if element is Element.BIT else STATES
        return self.buffer(name, element, (1, 1, 1, cells), memory, copies=copies)

    def emit(
        self,
        name: str,
        instance: int,
        operands: Mapping[str, Operand],
        extents: Sequence[int],
        immediates: Sequence[float] = (),
        layer: str = "",
        step: tuple[str, SSAValue] | None = None,
    ) -> None:
        """Appends an instruction; `step` is the role whose box lies at the step of a loop."""
        slices: dict[str, tuple[str, Shape, Sequence[SSAValue | None]]] = {}
        for role, operand in operands.items():
            buffer, first = (operand, 0) if isinstance(operand, str) else operand
            loop = step[1] if step is not None and step[0] == role else None
            slices[role] = (buffer, (0, 0, 0, first), (loop, None, None, None))
        self.block.add_op(
            make_instruction(name, slices, list(extents), immediates, layer, instance=instance)
        )
