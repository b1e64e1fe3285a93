"""The instruction stream: what the machine executes, as numpy structured arrays.

A stream is columnar and flat. Loops are counted and nest by LOOP and END records; an
instruction refers to a loop by its nesting depth. Along one dimension a slice starts at
`base + scale x value of at most one loop`; an axis is as long as a constant, or follows what is
left of a tile loop: `extent + scale x min(|step|, |stop - value|)`.

A `Stream` may hold anything; only `spikeloom.backend.validation.validator` makes a
`ValidatedStream`, and only that is executed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.instruction_set import (
    BUFFER_ALIGNMENT,
    DIMENSIONS,
    MAX_AXES,
    MAX_COPIES,
    MAX_IMMEDIATES,
    MAX_ROLES,
    MEMORIES,
    OPCODES,
    SPECS,
    Element,
    Shape,
    buffer_bytes,
)

OPCODE_LOOP = 1
OPCODE_END = 2
NO_BUFFER = -1
NO_LOOP = -1
NO_SCALE = 1
MAX_LOOP_DEPTH = 8
MAX_BUFFERS = 32_767
MAX_INSTRUCTIONS = 1_000_000
MAX_TEXT_BYTES = 4096
"""Limits of one stream: its buffers, its records, the UTF-8 bytes of any one name."""
ELEMENTS = tuple(Element)

BUFFER_DTYPE = np.dtype(
    [
        ("memory", "u1"),  # index into MEMORIES
        ("element", "u1"),  # index into ELEMENTS
        ("shape", "<i4", (DIMENSIONS,)),
        ("offset", "<i8"),  # bytes from the start of the memory
        ("bytes", "<i8"),  # of one copy
        ("copies", "u1"),  # areas of that size, one behind the other: 2 is a double buffer
    ]
)

INSTRUCTION_DTYPE = np.dtype(
    [
        ("opcode", "<u2"),
        ("location", "<u4"),  # index into Stream.locations
        ("instance", "<u2"),  # of the engine; 0 where there is one
        ("buffer", "<i2", (MAX_ROLES,)),  # one per role of the spec, NO_BUFFER if absent
        ("base", "<i4", (MAX_ROLES, DIMENSIONS)),
        ("base_loop", "i1", (MAX_ROLES, DIMENSIONS)),  # depth of the loop added, or NO_LOOP
        ("base_scale", "<i4", (MAX_ROLES, DIMENSIONS)),  # its factor, NO_SCALE without a loop
        ("extent", "<i4", (MAX_AXES,)),  # cells, those of the tile loop not counted
        ("extent_loop", "i1", (MAX_AXES,)),  # depth of the tile loop that is added, or NO_LOOP
        ("extent_scale", "<i4", (MAX_AXES,)),  # its factor, NO_SCALE without a loop
        ("immediate", "<f8", (MAX_IMMEDIATES,)),
        ("loop", "<i4", (3,)),  # start, stop, step of a LOOP record
        ("partner", "<i4"),  # LOOP: index of its END; END: index of its LOOP
    ]
)


@dataclass(frozen=True, eq=False)
class Stream:
    """One instruction stream with its buffers. Equal streams are equal bit by bit.

    Attributes:
        buffers: `BUFFER_DTYPE`, one row per buffer.
        instructions: `INSTRUCTION_DTYPE`, loops included.
        buffer_names: a unique name per buffer.
        buffer_roles: what the host knows a buffer as, `(kind, subject)`, for instance
            `("parameter", "hidden.weight")` or `("input", "")`; `("", "")` for none.
        locations: `file:line:col` texts, which instructions refer to; entry 0 is "".
        layers: per instruction, the statement it computes (`hidden`), or "".
        serial: whether an instruction is issued only when all before it have finished.
    """

    buffers: NDArray[np.void]
    instructions: NDArray[np.void]
    buffer_names: tuple[str, ...]
    buffer_roles: tuple[tuple[str, str], ...]
    locations: tuple[str, ...]
    layers: tuple[str, ...]
    serial: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self._bits() == other._bits()

    def __hash__(self) -> int:
        return hash(self._bits())

    def _bits(self) -> tuple[object, ...]:
        arrays = (self.buffers.tobytes(), self.instructions.tobytes())
        texts = (self.buffer_names, self.buffer_roles, self.locations, self.layers)
        return (*arrays, *texts, self.serial)

    def find(self, kind: str, subject: str = "") -> int | None:
        """Index of the buffer with this role, or None."""
        try:
            return self.buffer_roles.index((kind, subject))
        except ValueError:
            return None


@dataclass(frozen=True)
class Slice:
    """Where an operand's box starts: per dimension `base + scale x` at most one loop's value.

    `loops` are depths, or NO_LOOP.
    """

    buffer: int
    base: Shape = (0, 0, 0, 0)
    loops: Shape = (NO_LOOP, NO_LOOP, NO_LOOP, NO_LOOP)
    scales: Shape = (NO_SCALE, NO_SCALE, NO_SCALE, NO_SCALE)


@dataclass(frozen=True)
class LoopExtent:
    """An axis of `offset + scale x` what is left of the tile loop at this depth."""

    depth: int
    scale: int = NO_SCALE
    offset: int = 0


def per_dimension(numbers: Iterable[int]) -> Shape:
    """Four numbers as a tuple of one per dimension."""
    first, second, third, fourth = numbers
    return (first, second, third, fourth)


_BufferRow = tuple[int, int, Shape, int, int, int]
"""A row of `BUFFER_DTYPE`."""


@dataclass
class StreamBuilder:
    """Builds a `Stream` record by record; checks names, not rules (the validator does)."""

    serial: bool = False

    _buffers: list[_BufferRow] = field(default_factory=list[_BufferRow])
    _names: list[str] = field(default_factory=list[str])
    _roles: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    _records: list[NDArray[np.void]] = field(default_factory=list[NDArray[np.void]])
    _layers: list[str] = field(default_factory=list[str])
    _locations: dict[str, int] = field(default_factory=lambda: {"": 0})
    _open: list[int] = field(default_factory=list[int])

    def buffer(
        self,
        name: str,
        element: Element,
        shape: Shape,
        memory: str,
        offset: int,
        role: tuple[str, str] = ("", ""),
        copies: int = 1,
    ) -> int:
        """Declares a buffer and returns its index; `offset` in bytes."""
        size = buffer_bytes(element, shape)
        place = (MEMORIES.index(memory), ELEMENTS.index(element))
        self._buffers.append((*place, shape, offset, size, copies))
        self._names.append(name)
        self._roles.append(role)
        return len(self._names) - 1

    @contextmanager
    def loop(self, start: int, stop: int, step: int, location: str = "") -> Generator[int]:
        """Opens a loop for the length of a `with` block and yields its depth."""
        yield self.open_loop(start, stop, step, location)
        self.close_loop()

    def open_loop(self, start: int, stop: int, step: int, location: str = "") -> int:
        """Opens a loop and returns its depth."""
        record = self._record(OPCODE_LOOP, location, "")
        record["loop"] = (start, stop, step)
        self._open.append(len(self._records) - 1)
        return len(self._open) - 1

    def close_loop(self) -> None:
        """Closes the innermost open loop."""
        opened = self._open.pop()
        loop = self._records[opened]
        end = self._record(OPCODE_END, "", "")
        end["location"] = loop["location"]
        end["partner"] = opened
        loop["partner"] = len(self._records) - 1

    def emit(
        self,
        name: str,
        operands: Mapping[str, Slice],
        extents: Sequence[int | LoopExtent],
        immediates: Sequence[float] = (),
        location: str = "",
        layer: str = "",
        instance: int = 0,
    ) -> None:
        """Appends one instruction; `operands` by role name, `extents` in the order of its axes.

        Raises ValueError when the instruction has no such role, or other numbers of axes.
        """
        spec = SPECS[name]
        if unknown := set(operands) - {role.name for role in spec.roles}:
            raise ValueError(f"`{name}` has no role {', '.join(sorted(unknown))}")
        if len(extents) != len(spec.axes) or len(immediates) > len(spec.immediates):
            raise ValueError(f"`{name}` takes {spec.axes} and {len(spec.immediates)} immediates")
        record = self._record(OPCODES[name], location, layer)
        record["instance"] = instance
        for index, role in enumerate(spec.roles):
            if (operand := operands.get(role.name)) is not None:
                record["buffer"][index] = operand.buffer
                record["base"][index] = operand.base
                record["base_loop"][index] = operand.loops
                record["base_scale"][index] = operand.scales
        for index, extent in enumerate(extents):
            if isinstance(extent, LoopExtent):
                record["extent"][index] = extent.offset
                record["extent_loop"][index] = extent.depth
                record["extent_scale"][index] = extent.scale
            else:
                record["extent"][index] = extent
        record["immediate"][: len(immediates)] = immediates

    def finish(self) -> Stream:
        """The stream built so far."""
        instructions = np.array([r[()] for r in self._records], dtype=INSTRUCTION_DTYPE)
        return Stream(
            np.array(self._buffers, dtype=BUFFER_DTYPE),
            instructions,
            tuple(self._names),
            tuple(self._roles),
            tuple(self._locations),
            tuple(self._layers),
            self.serial,
        )

    def _record(self, opcode: int, location: str, layer: str) -> NDArray[np.void]:
        record: NDArray[np.void] = np.zeros((), dtype=INSTRUCTION_DTYPE)
        record["opcode"] = opcode
        record["location"] = self._locations.setdefault(location, len(self._locations))
        record["buffer"] = NO_BUFFER
        record["base_loop"] = NO_LOOP
        record["base_scale"] = NO_SCALE
        record["extent_loop"] = NO_LOOP
        record["extent_scale"] = NO_SCALE
        self._records.append(record)
        self._layers.append(layer)
        return record


__all__ = [
    "BUFFER_ALIGNMENT",
    "BUFFER_DTYPE",
    "ELEMENTS",
    "INSTRUCTION_DTYPE",
    "MAX_BUFFERS",
    "MAX_COPIES",
    "MAX_INSTRUCTIONS",
    "MAX_LOOP_DEPTH",
    "MAX_TEXT_BYTES",
    "NO_BUFFER",
    "NO_LOOP",
    "NO_SCALE",
    "OPCODE_END",
    "OPCODE_LOOP",
    "LoopExtent",
    "Slice",
    "Stream",
    "StreamBuilder",
    "per_dimension",
]
