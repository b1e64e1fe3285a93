"""Lowering of sums by tables: what `fuse-luts` chose becomes building and looking up.

Forward, a tile of the weights' tables stays while all rows of a tile pass. Where the tables of a
whole window do not fit, one row of the window after the other is looked up, or one tap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spikeloom.dialects.engine import Extent
from spikeloom.dialects.instruction_set import Element, buffer_bytes
from spikeloom.passes.engine_tiles import LANES, Axis, Groups, TileBuffer, units
from spikeloom.passes.engine_window_nest import Where, WindowFrame, WindowNest
from spikeloom.passes.engine_windows import Slide


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
    """

    width: int
    inputs: Axis
    taps: int
    buffer: TileBuffer

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

    def axes(self, window: WindowNest) -> tuple[int, int]:
        """Groups of a tile, and entries of a table."""
        groups = self.buffer.shape(window.nest.tiles)[1]
        return groups, 2**self.width

    def build(self, window: WindowNest, run: Run, inputs: Extent, outputs: Extent) -> None:
        """Builds the tables of a run from the weights on chip."""
        nest = window.nest
        name, _, starts = nest.tile("weight")
        slices = {"tables": nest.tile("tables"), "weight": (name, (run.first, 0, 0, 0), starts)}
        nest.do("build_tables", slices, (run.taps, inputs, outputs, *self.axes(window)))

    def look_up(
        self, window: WindowNest, run: Run, where: Where, inputs: Extent, outputs: Extent
    ) -> None:
        """Adds what the spikes select."""
        box = window.window_box(where, run.taps, inputs, outputs, *self.axes(window))
        window.nest.on_tiles("lookup", ("current", "spikes", "tables"), box, run.geometry)


@dataclass(frozen=True)
class RowTables:
    """The tables of a weight gradient: groups of `width` rows of a tile."""

    width: int
    buffer: TileBuffer

    @staticmethod
    def of(width: int, frame: WindowFrame) -> RowTables:
        """Tables for all rows of a tile."""
        rows = frame.output_buffer("gradient", Element.F32, "outputs").dims[:3]
        plain = tuple(dim for dim in rows if not isinstance(dim, Groups))
        dims = (Groups(plain, width), 1, 2**width, "outputs")
        return RowTables(width, TileBuffer("tables", Element.F32, "update_tables", dims))

    def axes(self, window: WindowNest) -> tuple[int, int]:
        """Groups of a tile, and entries of a table."""
        return self.buffer.shape(window.nest.tiles)[0], 2**self.width

    def sum(self, window: WindowNest, where: Where, inputs: Extent, outputs: Extent) -> None:
        """Builds the tables of a tile of gradients and adds what the spikes select."""
        nest, axes = window.nest, self.axes(window)
        box = (*window.output_box(where, outputs), *axes)
        nest.on_tiles("build_row_tables", ("tables", "gradient"), box)
        box = window.window_box(where, window.slide.taps, inputs, outputs, *axes)
        roles = ("weight_gradient", "spikes", "tables")
        nest.on_tiles("correlate_tables", roles, box, window.geometry())
