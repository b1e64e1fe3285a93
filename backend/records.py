"""A well-formed stream as Python objects, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikeloom.backend.stream import (
    ELEMENTS,
    NO_BUFFER,
    NO_LOOP,
    OPCODE_END,
    OPCODE_LOOP,
    LoopExtent,
    Slice,
    Stream,
)
from spikeloom.dialects.instruction_set import (
    INSTRUCTIONS,
    MEMORIES,
    ONE,
    OPCODES,
    Element,
    InstructionSpec,
    Role,
)

FIRST_OPCODE = min(OPCODES.values())


@dataclass(frozen=True, slots=True)
class Buffer:
    """One buffer: `offset` and `size` in bytes, `role` as the host knows it."""

    index: int
    name: str
    element: Element
    shape: tuple[int, int, int]
    memory: str
    offset: int
    size: int
    role: tuple[str, str]

    @property
    def end(self) -> int:
        """The first byte behind the buffer."""
        return self.offset + self.size


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
    """An instruction; `extents` in the order of its axes, absent operands left out."""

    index: int
    spec: InstructionSpec
    operands: tuple[Operand, ...]
    extents: tuple[int | LoopExtent, ...]
    immediates: tuple[float, ...]
    location: str
    layer: str

    def operand(self, role: str) -> Operand | None:
        """The operand in this role, or None when it is absent."""
        return next((operand for operand in self.operands if operand.role.name == role), None)

    def box(self, operand: Operand) -> tuple[int | LoopExtent, ...]:
        """The extents of an operand's box along its three dimensions."""
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
    return tuple(
        Buffer(
            index,
            name,
            ELEMENTS[elements[index]],
            (shapes[index][0], shapes[index][1], shapes[index][2]),
            MEMORIES[memories[index]],
            offsets[index],
            sizes[index],
            stream.buffer_roles[index],
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
        _operands(spec, row["buffer"].tolist(), row["base"].tolist(), row["base_loop"].tolist()),
        _extents(spec, row["extent"].tolist(), row["extent_loop"].tolist()),
        tuple(immediates[: len(spec.immediates)]),
        location,
        layer,
    )


def _operands(
    spec: InstructionSpec,
    indices: list[int],
    bases: list[list[int]],
    loops: list[list[int]],
) -> tuple[Operand, ...]:
    found: list[Operand] = []
    for position, role in enumerate(spec.roles):
        if indices[position] == NO_BUFFER:
            continue
        base, loop = bases[position], loops[position]
        start = Slice(indices[position], (base[0], base[1], base[2]), (loop[0], loop[1], loop[2]))
        found.append(Operand(role, position < len(spec.writes), start))
    return tuple(found)


def _extents(
    spec: InstructionSpec, extents: list[int], loops: list[int]
) -> tuple[int | LoopExtent, ...]:
    return tuple(
        extents[axis] if loops[axis] == NO_LOOP else LoopExtent(loops[axis])
        for axis in range(len(spec.axes))
    )
