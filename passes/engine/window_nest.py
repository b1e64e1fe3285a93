"""Loop nests around a window that slides over images: samples, steps, bands of rows."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from spikeloom.dialects.engine import Extent
from spikeloom.dialects.instruction_set import Element
from spikeloom.passes.engine.tiles import Axis, Dim, Span, TileBuffer, samples, times
from spikeloom.passes.engine.windows import Bands, Slide
from spikeloom.passes.engine.writer import Nest, Place, Writer


@dataclass(frozen=True)
class Where:
    """The loops around an instruction; those over steps and rows exist for images only."""

    sample: SSAValue
    time: SSAValue | None
    row: SSAValue | None


@dataclass(frozen=True)
class WindowFrame:
    """What a windowed nest is made of, before its tiles are known."""

    writer: Writer
    slide: Slide
    bands: Bands

    @property
    def steps(self) -> Dim:
        """Steps of a tile: an axis for images, all of them for vectors, one in a scan."""
        clock = self.writer.clock
        return "steps" if self.slide.is_image and clock.loop is None else clock.length

    def axes(self, features: Sequence[Axis]) -> list[Axis]:
        """All axes; samples are cut first, then steps, then rows, then features."""
        found = [samples(self.writer.layout.samples)]
        if self.steps == "steps":
            found.append(times(self.writer.clock.steps))
        if self.slide.is_image:
            found.append(self.bands.axis)
        return [*found, *features]

    def input_buffer(self, role: str, element: Element, features: Dim) -> TileBuffer:
        """A tile of what the window slides over."""
        return self._buffer(role, element, self.bands.input, features)

    def output_buffer(self, role: str, element: Element, features: Dim) -> TileBuffer:
        """A tile of what the window yields."""
        return self._buffer(role, element, self.bands.output, features)

    def _buffer(self, role: str, element: Element, pixels: Span, features: Dim) -> TileBuffer:
        memory = "spike_sram" if element is Element.BIT else "state_sram"
        return TileBuffer(role, element, memory, (self.steps, "samples", pixels, features))

    def nest(
        self,
        name: str,
        features: Sequence[Axis],
        buffers: Sequence[TileBuffer],
        source: Operation,
        kept: str | None = None,
    ) -> WindowNest:
        """The nest with tiles that fit; `kept` as in `Wish`.

        Raises:
            DiagnosticError: no tiles fit (E0302).
        """
        nest = self.writer.nest(name, self.axes(features), buffers, source, kept)
        return WindowNest(nest, self.slide, self.bands)


@dataclass(frozen=True)
class WindowNest:
    """A nest over the bands of a window: places, boxes and immediates of its instructions."""

    nest: Nest
    slide: Slide
    bands: Bands

    @property
    def is_cut(self) -> bool:
        """Whether a band is less than the image."""
        return self.slide.is_image and not self.nest.is_whole("rows")

    def reserve(self, inputs: Sequence[SSAValue], outputs: Sequence[SSAValue]) -> None:
        """Asks for the rows of zeros that the halos around these values need."""
        if not self.is_cut:
            return
        layout = self.nest.writer.layout
        margins = ((inputs, self.bands.margins.input), (outputs, self.bands.margins.output))
        for values, margin in margins:
            for value in values:
                home = layout.view(value).home
                home.margin = max(home.margin, margin)

    @contextmanager
    def tiles(self) -> Generator[Where]:
        """The loops over samples, steps and bands."""
        nest = self.nest
        with (
            nest.loop("samples") as sample,
            nest.loop_if_any("steps") as time,
            nest.loop_if_any("rows") as row,
        ):
            yield Where(sample, time, row)

    def input(self, value: SSAValue, where: Where, feature: SSAValue | None) -> Place:
        """The band of inputs in DRAM."""
        start = self.nest.start(self.bands.input, where.row)
        return self.nest.at(value, where.sample, feature, start, where.time)

    def output(self, value: SSAValue, where: Where, feature: SSAValue | None) -> Place:
        """The band of outputs in DRAM."""
        start = self.nest.start(self.bands.output, where.row)
        return self.nest.at(value, where.sample, feature, start, where.time)

    def input_box(self, where: Where, features: Extent) -> tuple[Extent, ...]:
        """Steps, samples, input positions, features."""
        pixels = self.nest.extent(self.bands.input, where.row)
        return (self.nest.steps(where.time), where.sample, pixels, features)

    def output_box(self, where: Where, features: Extent) -> tuple[Extent, ...]:
        """Steps, samples, positions, features."""
        pixels = self.nest.extent(self.bands.output, where.row)
        return (self.nest.steps(where.time), where.sample, pixels, features)

    def store_inner(
        self, role: str, value: SSAValue, where: Where, feature: SSAValue, halo: int
    ) -> None:
        """Stores a band of inputs without its halo, which is `halo` positions above."""
        nest, pixels = self.nest, self.bands.input
        inner = Span(pixels.axis, pixels.scale, pixels.whole)
        start = nest.start(inner, where.row)
        slices = {
            "target": nest.at(value, where.sample, feature, start, where.time),
            "source": nest.tile(role, halo if self.is_cut else 0),
        }
        steps = nest.steps(where.time)
        nest.do("store", slices, (steps, where.sample, nest.extent(inner, where.row), feature))

    def window_box(self, where: Where, *rest: Extent) -> tuple[Extent, ...]:
        """Steps, samples, positions, input positions, and what else the axes are."""
        *front, pixels, _ = self.output_box(where, 1)
        return (*front, pixels, self.nest.extent(self.bands.input, where.row), *rest)

    def clear_below(self, written: SSAValue) -> None:
        """Zeros again below an image whose last band reached beyond it."""
        pixels = self.bands.margins.input * self.slide.input.width
        if not (self.is_cut and pixels):
            return
        name, base, starts = self.nest.at(written, None)
        below = (base[0], 0, self.slide.input.positions, 0)
        writer = self.nest.writer
        box = (writer.clock.extent, writer.layout.samples, pixels, self.slide.input.features)
        self.nest.do("clear", {"target": (name, below, starts)}, box)

    def geometry(self) -> tuple[float, ...]:
        """The window's immediates."""
        return self.slide.numbers(self.bands.top if self.is_cut else self.slide.padding)
