"""The sums of an operation as tiles: those that `lower-to-engine` will cut its nest into.

They are those of a step that `schedule-engines` pipelines with its own choices. Where it probably
sends groups of samples through all layers, a layer of a group is one tile, or as many as its tables
need, and nothing moves to DRAM and back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.density import expected_density
from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.dialects.instruction_set import Engine
from spikeloom.passes.accumulation_cost import Accumulation, Cuts, cuts, pieces, row_cuts
from spikeloom.passes.accumulation_traffic import Tiled
from spikeloom.passes.engine.layout import Layout, parameter_shape
from spikeloom.passes.engine.memory import TileMemory, Tiles, Wish
from spikeloom.passes.engine.sum_plans import (
    NestPlan,
    SynapseLike,
    WeightGradientLike,
    plan_synapse,
    plan_weight_gradient,
)
from spikeloom.passes.engine.tables import ForwardTables, RowTables
from spikeloom.passes.engine.windows import Slide
from spikeloom.passes.engine.writer import Clock, Writer
from spikeloom.passes.schedule.costs import Size, wished_tiles
from spikeloom.passes.schedule.likely_group import likely_group
from spikeloom.passes.schedule.order import is_update

SumLike: TypeAlias = SynapseLike | WeightGradientLike
"""An operation that adds up."""


@dataclass(frozen=True)
class Nests:
    """What the nests of a step are planned with."""

    step: bptt.StepOp
    memories: Mapping[str, int]
    rates: Mapping[str, int]
    group: int | None

    @staticmethod
    def of(step: bptt.StepOp, memories: Mapping[str, int], rates: Mapping[str, int]) -> Nests:
        """Of a step on a machine with these memories (bytes); no `rates`, no tiles that overlap."""
        return Nests(step, memories, rates, likely_group(step, rates, memories))

    @property
    def size(self) -> Size:
        """Steps and samples of the batch."""
        return Size(self.step.steps.value.data, self.step.batch.value.data)

    def accumulation(self, op: SumLike) -> Accumulation:
        """The sums of an operation in the way that its attribute says."""
        in_scan = isinstance(op.parent_op(), ScanOp)
        steps, samples = 1 if in_scan else self.size.steps, self.size.samples
        memory = TileMemory.when_scheduled(self.step, self.memories, self.group)
        writer = Writer(Layout(steps, samples), memory, Clock(steps), {})
        shape = parameter_shape(_weight_shape(op))
        if isinstance(op, SynapseLike):
            plan, sums = plan_synapse(writer, op, shape)
        else:
            plan, sums = plan_weight_gradient(writer, op, shape)
        tiles = self._tiles(memory, plan, op)
        if isinstance(sums, ForwardTables | RowTables) and sums.some is not None:
            tiles["outputs"] = sums.some
        tiled = Tiled.of(plan, self._images(steps, tiles), tiles, shape[2])
        work = Accumulation(
            plan.frame.slide.taps,
            expected_density(op.input),
            _meetings(plan.frame.slide, steps * samples),
            row_cuts(tiled.images, tiled.bands),
            tiled.inputs,
            tiled.outputs,
            moving=self._moving(op, tiled, plan.frame.slide.taps),
            tiles=tiled.row_tiles,
        )
        if isinstance(sums, ForwardTables):
            runs = work.taps // sums.taps
            stays = runs == pieces(work.inputs) == 1 and not sums.rebuilt
            work = replace(work, runs=runs, builds=1 if stays else tiled.row_tiles)
        return _repeated(work, self.size.steps) if in_scan else work

    def _images(self, steps: int, tiles: Mapping[str, int]) -> Cuts:
        return row_cuts(
            cuts(steps, tiles.get("steps", steps)), cuts(self.size.samples, tiles["samples"])
        )

    def _moving(self, op: SumLike, tiled: Tiled, taps: int) -> int:
        if self.group is not None:
            return 0
        traffic = tiled.forward(taps) if isinstance(op, SynapseLike) else tiled.update(taps)
        return traffic.cycles(self.rates, *_queues(op))

    def _tiles(self, memory: TileMemory, plan: NestPlan, op: SumLike) -> Tiles:
        """The tiles by axis; whole ones where none fit, which the lowering will say."""
        axes = plan.frame.axes(plan.features)
        if self.group is not None:
            return memory.whole_tiles(axes)
        least = wished_tiles(op, self.size, self.rates, _queues(op)[0]) if self.rates else 1
        in_scan = isinstance(op.parent_op(), ScanOp)
        wish = Wish(plan.name, op, plan.kept, 1 if in_scan else least)
        try:
            return memory.tiles(wish, axes, plan.buffers)
        except DiagnosticError:
            return {axis.name: axis.length for axis in axes}


def _queues(op: SumLike) -> tuple[Engine, Engine]:
    """Those that load and store for it; the tail of a step may use the faster ones as well."""
    if is_update(op):
        return Engine.DMA_UPDATE, Engine.DMA_UPDATE_STORE
    return Engine.DMA, Engine.DMA_STORE


def _weight_shape(op: SumLike) -> tuple[int, ...]:
    """That of the weights, as the language writes it: outputs, inputs, kernel twice."""
    if isinstance(op, WeightGradientLike):
        return bptt.tensor_of(op.weight_gradient).get_shape()
    channels = bptt.channel_count(op.current.type), bptt.channel_count(op.input.type)
    if isinstance(op, bptt.ConvolutionOp):
        kernel, _, _ = op.window.sizes
        return (*channels, kernel, kernel)
    return channels


def _meetings(slide: Slide, images: int) -> Cuts:
    """Taps that meet a pixel of the image, and the rows for which as many do."""
    if not slide.is_image:
        return ((slide.taps, images),)
    high = _met(slide, slide.input.height, slide.output.height)
    wide = _met(slide, slide.input.width, slide.output.width)
    found: Counter[int] = Counter()
    for a, rows in high.items():
        for b, columns in wide.items():
            found[a * b] += rows * columns * images
    return tuple(found.items())


def _met(slide: Slide, inputs: int, outputs: int) -> Counter[int]:
    """The same along one side of the image."""
    starts = (place * slide.stride - slide.padding for place in range(outputs))
    return Counter(max(0, min(start + slide.kernel, inputs) - max(start, 0)) for start in starts)


def _repeated(work: Accumulation, turns: int) -> Accumulation:
    """The same in every turn of a scan."""

    def again(tiles: Cuts) -> Cuts:
        return tuple((size, turns * count) for size, count in tiles)

    return replace(
        work,
        met=again(work.met),
        rows=again(work.rows),
        builds=turns * work.builds,
        moving=turns * work.moving,
    )
