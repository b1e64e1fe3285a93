"""Writes an engine program: buffers, loops and instructions with their slices."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, Region, SSAValue

from spikeloom.dialects.engine import (
    Affine,
    BufferOp,
    Extent,
    LoopOp,
    Start,
    make_instruction,
)
from spikeloom.dialects.engine.operands import ExtentAttr
from spikeloom.dialects.instruction_set import Element
from spikeloom.dialects.schedule import least_tiles, moves_for_update
from spikeloom.passes.engine.layout import Home, Layout, View
from spikeloom.passes.engine.memory import TileMemory, Wish
from spikeloom.passes.engine.tiles import SAMPLES, Axis, Span, TileBuffer

Place: TypeAlias = tuple[str, Sequence[int], Sequence[Start]]
"""A slice: buffer name, and per dimension a base and at most one loop, scaled where `Affine`."""

_ORIGIN = (0, 0, 0, 0)


@dataclass(frozen=True)
class Clock:
    """Which time steps a nest works on: all of them (`loop` is None), or one step of a scan."""

    steps: int
    loop: SSAValue | None = None

    @property
    def length(self) -> int:
        """Steps of one instruction."""
        return self.steps if self.loop is None else 1

    @property
    def extent(self) -> Extent:
        """The same as the extent of an axis."""
        return ExtentAttr.all_steps() if self.loop is None else 1


@dataclass
class Writer:
    """The program under construction.

    Attributes:
        layout: where the step's values live.
        memory: where tiles lie on chip.
        clock: the time steps that are being written.
        layers: the layer of every operation that belongs to one.
        tile_buffers: the buffers on chip, in the order of their nests.
        sample_loops: the loops over tiles of samples.
    """

    layout: Layout
    memory: TileMemory
    clock: Clock
    layers: Mapping[Operation, str]
    body: Block = field(default_factory=Block)
    tile_buffers: list[BufferOp] = field(default_factory=list[BufferOp])
    sample_loops: set[Operation] = field(default_factory=set[Operation])
    _blocks: list[Block] = field(default_factory=list[Block])
    _nests: dict[str, int] = field(default_factory=dict[str, int])

    def __post_init__(self) -> None:
        self._blocks.append(self.body)

    @contextmanager
    def loop(
        self,
        start: int,
        stop: int,
        step: int,
        name: str,
        source: Operation,
        over_samples: bool = False,
    ) -> Generator[SSAValue]:
        """Writes a loop around what is emitted inside; yields its value."""
        block = Block(arg_types=[IndexType()])
        block.args[0].name_hint = name
        op = LoopOp(start, stop, step, Region(block))
        op.location = source.location
        if over_samples:
            self.sample_loops.add(op)
        self._blocks[-1].add_op(op)
        self._blocks.append(block)
        yield block.args[0]
        self._blocks.pop()

    @contextmanager
    def apart(self) -> Generator[Block]:
        """Writes what is emitted inside into a block of its own, which it yields."""
        block = Block()
        self._blocks.append(block)
        yield block
        self._blocks.pop()

    def emit(
        self,
        name: str,
        slices: Mapping[str, Place],
        extents: Sequence[Extent],
        source: Operation,
        immediates: Sequence[float] = (),
        layer: str = "",
    ) -> None:
        """Appends one instruction, which gets the location of `source`."""
        self._blocks[-1].add_op(
            make_instruction(name, slices, extents, immediates, layer, source.location)
        )

    def nest(
        self,
        name: str,
        axes: Sequence[Axis],
        buffers: Sequence[TileBuffer],
        source: Operation,
        kept: str | None = None,
        layer: str | None = None,
    ) -> Nest:
        """A loop nest with tiles that fit the on-chip memories; `kept` as in `Wish`.

        It belongs to the layer of `source`, if `layer` does not say another.

        Raises:
            DiagnosticError: no tiles fit (E0302).
        """
        number = self._nests[name] = self._nests.get(name, 0) + 1
        label = f"{name}{number}"
        layer = self.layers.get(source, "") if layer is None else layer
        title = f"{name} of layer {layer}" if layer else name
        wish = Wish(title, source, kept, least_tiles(source))
        tiles, placed = self.memory.place(wish, axes, buffers)
        for buffer, offset in placed:
            declared = BufferOp(
                f"{label}.{buffer.role}",
                buffer.element,
                buffer.shape(tiles),
                buffer.memory,
                offset,
                copies=buffer.copies,
            )
            declared.location = source.location
            self.tile_buffers.append(declared)
        lengths = {axis.name: axis.length for axis in axes}
        kinds = {buffer.role: buffer.element for buffer in buffers}
        return Nest(self, label, tiles, lengths, kinds, source, layer)


@dataclass(frozen=True)
class Nest:
    """One loop nest: the tiles of its axes, and short forms for its instructions."""

    writer: Writer
    label: str
    tiles: Mapping[str, int]
    lengths: Mapping[str, int]
    elements: Mapping[str, Element]
    source: Operation
    layer: str

    @contextmanager
    def loop(self, axis: str) -> Generator[SSAValue]:
        """A loop over the tiles of an axis."""
        bounds = (0, self.lengths[axis], self.tiles[axis])
        with self.writer.loop(*bounds, axis[:-1], self.source, axis == SAMPLES) as value:
            yield value

    @contextmanager
    def loop_if_any(self, axis: str) -> Generator[SSAValue | None]:
        """The same, or no loop where the nest has no such axis."""
        if axis not in self.lengths:
            yield None
            return
        with self.loop(axis) as value:
            yield value

    @contextmanager
    def loop_over_pixels(self) -> Generator[SSAValue | None]:
        """A loop over tiles of an image's positions; none for vectors."""
        if self.lengths["positions"] == 1:
            yield None
            return
        with self.loop("positions") as value:
            yield value

    @contextmanager
    def loop_over_some(
        self, some: int | None, outputs: Extent
    ) -> Generator[tuple[Extent, SSAValue | None]]:
        """A loop over so many outputs of a tile: how many, and where they start; or all at once."""
        if some is None:
            yield outputs, None
            return
        bounds = (0, self.lengths["outputs"], some)
        with self.writer.loop(*bounds, "output", self.source) as value:
            yield value, value

    def is_whole(self, axis: str) -> bool:
        """Whether one tile covers the axis."""
        return self.tiles[axis] >= self.lengths[axis]

    def extent(self, span: Span, loop: SSAValue | None) -> Extent:
        """The cells of a span in the tile of its axis' loop."""
        if loop is None or self.is_whole(span.axis.name):
            return span.whole
        return Affine(loop, span.scale, span.extra)

    def start(self, span: Span, loop: SSAValue | None) -> Start:
        """Where those cells begin."""
        if loop is None or self.is_whole(span.axis.name):
            return None
        return Affine(loop, span.scale, span.first)

    def steps(self, time: SSAValue | None) -> Extent:
        """The steps of one instruction, where `time` is a loop over tiles of them."""
        return self.writer.clock.extent if time is None or self.is_whole("steps") else time

    def tile(self, role: str, position: int = 0) -> Place:
        """The nest's own buffer of that role, from its start or a later position."""
        return (f"{self.label}.{role}", (0, 0, position, 0), (None, None, None, None))

    def part(self, role: str, feature: SSAValue | None) -> Place:
        """The same from the feature on that a loop says."""
        name, base, _ = self.tile(role)
        return (name, base, (None, None, None, feature))

    def at(
        self,
        value: SSAValue,
        sample: Start,
        unit: Start = None,
        position: Start = None,
        time: SSAValue | None = None,
    ) -> Place:
        """A value in DRAM, at these loops, and at the clock's steps or those of the loop `time`.

        Positions count from the image's first one.
        """
        return self.at_view(self.writer.layout.view(value), sample, unit, position, time)

    def at_view(
        self,
        view: View,
        sample: Start,
        unit: Start = None,
        position: Start = None,
        time: SSAValue | None = None,
    ) -> Place:
        """The same of a view."""
        loop = self.writer.clock.loop
        if not view.home.timed:
            return (view.home.name, _ORIGIN, (None, sample, position, unit))
        base = (view.home.lead + view.shift, 0, 0, 0)
        return (view.home.name, base, (loop if time is None else time, sample, position, unit))

    def home(self, home: Home, row: Start, column: Start, tap: Start = None) -> Place:
        """A matrix in DRAM, or one per tap, at these loops."""
        return (home.name, _ORIGIN, (tap, None, row, column))

    def load(self, role: str, source: Place, extents: Sequence[Extent]) -> None:
        """DRAM to the nest's buffer."""
        self.do(self._queued("load"), {"target": self.tile(role), "source": source}, extents)

    def store(self, role: str, target: Place, extents: Sequence[Extent]) -> None:
        """The nest's buffer to DRAM."""
        self.do(self._queued("store"), {"target": target, "source": self.tile(role)}, extents)

    def clear(self, role: str, extents: Sequence[Extent]) -> None:
        """Zeros in the nest's buffer."""
        self.do(self._queued("clear"), {"target": self.tile(role)}, extents)

    def _queued(self, name: str) -> str:
        """The instruction that does this in the queue of the nest's operation."""
        return f"{name}_update" if moves_for_update(self.source) else name

    def do(
        self,
        name: str,
        slices: Mapping[str, Place],
        extents: Sequence[Extent],
        immediates: Sequence[float] = (),
    ) -> None:
        """One instruction of the nest."""
        self.writer.emit(name, slices, extents, self.source, immediates, self.layer)

    def on_tiles(
        self,
        name: str,
        roles: Sequence[str],
        extents: Sequence[Extent],
        immediates: Sequence[float] = (),
    ) -> None:
        """One instruction whose operands are the nest's buffers of the same names."""
        self.do(name, {role: self.tile(role) for role in roles}, extents, immediates)
