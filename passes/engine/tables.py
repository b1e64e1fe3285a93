"""Lowering of sums by tables: what `fuse-luts` chose becomes building and looking up.

Forward, a tile of the weights' tables stays while all rows of a tile pass. Where the tables of a
whole window do not fit, one row of the window after the other is looked up, or one tap.

Where groups of samples go through a whole step, tiles are whole layers. Tables that are too large
for that are built and used for some outputs after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.ir import SSAValue

from spikeloom.dialects.engine import Extent
from spikeloom.dialects.instruction_set import Element, buffer_bytes
from spikeloom.passes.engine.memory import TileMemory
from spikeloom.passes.engine.tiles import LANES, Axis, Groups, TileBuffer, units
from spikeloom.passes.engine.window_nest import Where, WindowFrame, WindowNest
from spikeloom.passes.engine.windows import Slide


@dataclass(frozen=True)
class Run:
    """Taps that are looked up together: the first of them, and the window that they are."""

    first: int
    taps: int
    geometry: tuple[float, ...]


@dataclass(frozen=True)
class ForwardTables:
    """The tables of a synapse: groups of `width` inputs of a tap.

    Attributes:
        inputs: their axis, whose tiles hold whole groups.
        taps: how many are looked up together.
        buffer: the tables of a tile.
        some: outputs that are looked up together where not all of a tile are, else None.
        rebuilt: whether the tables are built in every turn, though there is a single tile.
    """

    width: int
    inputs: Axis
    taps: int
    buffer: TileBuffer
    some: int | None = None
    rebuilt: bool = False

    @staticmethod
    def in_groups(width: int, slide: Slide, outputs: int, memory: TileMemory) -> ForwardTables:
        """The tables of a whole layer where they can stay for all groups, or of some outputs."""
        inputs, taps = slide.input.features, slide.taps
        shape = (taps, -(-inputs // width), 2**width)
        stay = memory.let_tables_stay((*shape, outputs))
        some = outputs if stay else memory.some_outputs("forward_tables", shape, outputs)
        buffer = TileBuffer("tables", Element.F32, "forward_tables", (*shape, some))
        axis = units("inputs", inputs, width)
        return ForwardTables(
            width, axis, taps, buffer, some if some < outputs else None, rebuilt=not stay
        )

    @staticmethod
    def of(width: int, slide: Slide, inputs: int, memories: Mapping[str, int]) -> ForwardTables:
        """The tables for as many taps as fit beside each other with the smallest tiles."""
        axis = units("inputs", inputs, width)
        groups = Groups(("inputs",), width)
        least = -(-min(axis.minimum, inputs) // width)

        def fits(taps: int) -> bool:
            size = buffer_bytes(Element.F32, (taps, least, 2**width, LANES))
            return size <= memories.get("forward_tables", 0)

        choices = (slide.taps, slide.kernel, 1)
        taps = next((each for each in choices if fits(each)), 1)
        dims = (taps, groups, 2**width, "outputs")
        return ForwardTables(
            width, axis, taps, TileBuffer("tables", Element.F32, "forward_tables", dims)
        )

    def runs(self, window: WindowNest) -> list[Run]:
        """All taps of the window, in ascending order."""
        kernel, stride, wide, across, top, left = window.geometry()
        taps = window.slide.taps
        found: list[Run] = []
        for first in range(0, taps, self.taps):
            row, column = divmod(first, window.slide.kernel)
            width = kernel if self.taps > 1 or taps == 1 else 1.0
            numbers = (width, stride, wide, across, top - row, left - column)
            found.append(Run(first, self.taps, numbers))
        return found

    def _axes(self, window: WindowNest) -> tuple[int, int]:
        """Groups of a tile, and entries of a table."""
        groups = self.buffer.shape(window.nest.tiles)[1]
        return groups, 2**self.width

    @property
    def buffers(self) -> tuple[TileBuffer, ...]:
        """What is on chip beside weights, inputs and currents."""
        return (self.buffer,)

    def _stays(self, window: WindowNest) -> bool:
        """Whether the tables of all inputs and taps lie side by side."""
        whole = window.nest.is_whole("inputs") and not self.rebuilt
        return whole and self.taps == window.slide.taps

    def prepare(self, window: WindowNest, outputs: Extent) -> None:
        """Once for all rows, with all weights on chip: builds the tables that stay."""
        if self._stays(window):
            (run,) = self.runs(window)
            self._build(window, run, self.inputs.length, outputs)

    def add(self, window: WindowNest, where: Where, inputs: Extent, outputs: Extent) -> None:
        """Adds what the spikes select, of tables that are built where they do not stay."""
        for run in self.runs(window):
            if self._stays(window):
                self._look_up(window, run, where, inputs, outputs)
                continue
            with window.nest.loop_over_some(self.some, outputs) as (some, start):
                self._build(window, run, inputs, some, start)
                self._look_up(window, run, where, inputs, some, start)

    def _build(
        self,
        window: WindowNest,
        run: Run,
        inputs: Extent,
        outputs: Extent,
        start: SSAValue | None = None,
    ) -> None:
        """Builds the tables of a run from the weights on chip."""
        nest = window.nest
        name, _, starts = nest.part("weight", start)
        slices = {"tables": nest.tile("tables"), "weight": (name, (run.first, 0, 0, 0), starts)}
        nest.do("build_tables", slices, (run.taps, inputs, outputs, *self._axes(window)))

    def _look_up(
        self,
        window: WindowNest,
        run: Run,
        where: Where,
        inputs: Extent,
        outputs: Extent,
        start: SSAValue | None = None,
    ) -> None:
        """Adds what the spikes select."""
        nest = window.nest
        box = window.window_box(where, run.taps, inputs, outputs, *self._axes(window))
        slices = {role: nest.tile(role) for role in ("spikes", "tables")}
        nest.do("lookup", {"current": nest.part("current", start), **slices}, box, run.geometry)


@dataclass(frozen=True)
class RowTables:
    """The tables of a weight gradient: groups of `width` rows of a tile.

    `some` is the number of outputs that are worked on together, None where it is a whole tile.
    """

    width: int
    buffer: TileBuffer
    some: int | None

    @staticmethod
    def of(width: int, frame: WindowFrame) -> RowTables:
        """Tables for all rows of a tile."""
        memory, outputs = frame.writer.memory, frame.slide.output.features
        rows = frame.output_buffer("gradient", Element.F32, "outputs").dims[:3]
        plain = tuple(dim for dim in rows if not isinstance(dim, Groups))
        groups, some = Groups(plain, width), outputs
        if memory.group is not None:
            shape = (groups.cells(memory.whole_tiles(frame.axes([]))), 1, 2**width)
            some = memory.some_outputs("update_tables", shape, outputs)
        dims = (groups, 1, 2**width, "outputs" if some == outputs else some)
        buffer = TileBuffer("tables", Element.F32, "update_tables", dims)
        return RowTables(width, buffer, some if some < outputs else None)

    def _axes(self, window: WindowNest) -> tuple[int, int]:
        """Groups of a tile, and entries of a table."""
        return self.buffer.shape(window.nest.tiles)[0], 2**self.width

    @property
    def buffers(self) -> tuple[TileBuffer, ...]:
        """What is on chip beside inputs, gradients and their sums."""
        return (self.buffer,)

    def add(self, window: WindowNest, where: Where, inputs: Extent, outputs: Extent) -> None:
        """Builds the tables of a tile of gradients and adds what the spikes select."""
        nest, axes = window.nest, self._axes(window)
        tables, taps = nest.tile("tables"), window.slide.taps
        with nest.loop_over_some(self.some, outputs) as (some, start):
            box = (*window.output_box(where, some), *axes)
            slices = {"tables": tables, "gradient": nest.part("gradient", start)}
            nest.do("build_row_tables", slices, box)
            box = window.window_box(where, taps, inputs, some, *axes)
            slices = {"weight_gradient": nest.part("weight_gradient", start)}
            slices |= {"spikes": nest.tile("spikes"), "tables": tables}
            nest.do("correlate_tables", slices, box, window.geometry())
