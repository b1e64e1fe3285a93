"""A well-formed stream as Python objects, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikeloom.backend.stream.stream import (
    ELEMENTS,
    NO_BUFFER,
    NO_LOOP,
    OPCODE_END,
    OPCODE_LOOP,
    LoopExtent,
    Slice,
    Stream,
    per_dimension,
)
from spikeloom.dialects.instruction_set import (
    INSTRUCTIONS,
    MEMORIES,
    ONE,
    OPCODES,
    Element,
    InstructionSpec,
    Role,
    Shape,
)

FIRST_OPCODE = min(OPCODES.values())


@dataclass(frozen=True, slots=True)
class Buffer:
    """One buffer: `offset` and `size` (of one copy) in bytes, `role` as the host knows it."""

    index: int
    name: str
    element: Element
    shape: Shape
    memory: str
    offset: int
    size: int
    role: tuple[str, str]
    copies: int

    @property
    def end(self) -> int:
        """The first byte behind the last copy of the buffer."""
        return self.offset + self.copies * self.size


@dataclass(frozen=True, slots=True)
class Operand:
    """A buffer in one role of an instruction; `written` also where it is read before."""

    role: Role
    written: bool
    slice: Slice

    @property
    def read(self) -> bool:
        """Whether the operand has to hold values before the instruction."""
        return not self.written or self.role.updates


@dataclass(frozen=True, slots=True)
class Loop:
    """A LOOP record; the loop's values are `range(start, stop, step)`."""

    index: int
    start: int
    stop: int
    step: int
    location: str


@dataclass(frozen=True, slots=True)
class End:
    """An END record."""

    index: int
    partner: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction; `extents` in the order of its axes, absent operands left out.

    `instance` is that of its engine.
    """

    index: int
    spec: InstructionSpec
    operands: tuple[Operand, ...]
    extents: tuple[int | LoopExtent, ...]
    immediates: tuple[float, ...]
    location: str
    layer: str
    instance: int = 0

    def operand(self, role: str) -> Operand | None:
        """The operand in this role, or None when it is absent."""
        return next((operand for operand in self.operands if operand.role.name == role), None)

    def box(self, operand: Operand) -> tuple[int | LoopExtent, ...]:
        """The extents of an operand's box along its four dimensions."""
        axes = self.spec.axes
        return tuple(
            1 if axis == ONE else self.extents[axes.index(axis)] for axis in operand.role.dims
        )


Record = Loop | End | Instruction


def buffers(stream: Stream) -> tuple[Buffer, ...]:
    """The buffers of a well-formed stream."""
    rows = stream.buffers
    elements: list[int] = rows["element"].tolist()
    shapes: list[list[int]] = rows["shape"].tolist()
    memories: list[int] = rows["memory"].tolist()
    offsets: list[int] = rows["offset"].tolist()
    sizes: list[int] = rows["bytes"].tolist()
    copies: list[int] = rows["copies"].tolist()
    return tuple(
        Buffer(
            index,
            name,
            ELEMENTS[elements[index]],
            per_dimension(shapes[index]),
            MEMORIES[memories[index]],
            offsets[index],
            sizes[index],
            stream.buffer_roles[index],
            copies[index],
        )
        for index, name in enumerate(stream.buffer_names)
    )


def records(stream: Stream) -> Iterator[Record]:
    """The records of a well-formed stream, in order."""
    rows = stream.instructions
    opcodes: list[int] = rows["opcode"].tolist()
    locations: list[int] = rows["location"].tolist()
    loops: list[list[int]] = rows["loop"].tolist()
    partners: list[int] = rows["partner"].tolist()
    for index, opcode in enumerate(opcodes):
        where = stream.locations[locations[index]]
        if opcode == OPCODE_LOOP:
            start, stop, step = loops[index]
            yield Loop(index, start, stop, step, where)
        elif opcode == OPCODE_END:
            yield End(index, partners[index])
        else:
            yield _instruction(index, rows[index], where, stream.layers[index])


def _instruction(index: int, row: np.void, location: str, layer: str) -> Instruction:
    spec = INSTRUCTIONS[int(row["opcode"]) - FIRST_OPCODE]
    immediates: list[float] = row["immediate"].tolist()
    return Instruction(
        index,
        spec,
        _operands(spec, row),
        _extents(spec, row),
        tuple(immediates[: len(spec.immediates)]),
        location,
        layer,
        int(row["instance"]),
    )


def _operands(spec: InstructionSpec, row: np.void) -> tuple[Operand, ...]:
    indices: list[int] = row["buffer"].tolist()
    bases: list[list[int]] = row["base"].tolist()
    loops: list[list[int]] = row["base_loop"].tolist()
    scales: list[list[int]] = row["base_scale"].tolist()
    found: list[Operand] = []
    for position, role in enumerate(spec.roles):
        if indices[position] == NO_BUFFER:
            continue
        starts = (per_dimension(numbers[position]) for numbers in (bases, loops, scales))
        start = Slice(indices[position], *starts)
        found.append(Operand(role, position < len(spec.writes), start))
    return tuple(found)


def _extents(spec: InstructionSpec, row: np.void) -> tuple[int | LoopExtent, ...]:
    cells: list[int] = row["extent"].tolist()
    loops: list[int] = row["extent_loop"].tolist()
    scales: list[int] = row["extent_scale"].tolist()
    return tuple(
        cells[axis]
        if loops[axis] == NO_LOOP
        else LoopExtent(loops[axis], scales[axis], cells[axis])
        for axis in range(len(spec.axes))
    )
