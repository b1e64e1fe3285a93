"""How a layer's sums are taken: by events, densely or by products, or with tables.

`fuse-luts` chooses; analog inputs are always multiplied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from xdsl.ir import Operation

from spikeloom.dialects.accumulation import Way, way_of
from spikeloom.dialects.engine import Extent
from spikeloom.dialects.instruction_set import Element, Shape
from spikeloom.passes.engine.memory import TileMemory
from spikeloom.passes.engine.tables import ForwardTables, RowTables
from spikeloom.passes.engine.tiles import Axis, TileBuffer, units
from spikeloom.passes.engine.window_nest import Where, WindowFrame, WindowNest
from spikeloom.passes.engine.windows import Slide


class Sums(Protocol):
    """What every way of adding up offers to the nest around it."""

    @property
    def buffers(self) -> tuple[TileBuffer, ...]:
        """What is on chip beside the usual operands."""
        ...

    def add(self, window: WindowNest, where: Where, inputs: Extent, outputs: Extent) -> None:
        """Adds a tile's part of the sums."""
        ...


class ForwardSums(Sums, Protocol):
    """The sums of currents; `inputs` is the axis of their terms."""

    @property
    def inputs(self) -> Axis:
        """Inputs of a tap."""
        ...

    def prepare(self, window: WindowNest, outputs: Extent) -> None:
        """What is done once for all rows where the weights of all inputs are on chip."""
        ...


@dataclass(frozen=True)
class DirectForward:
    """One instruction on weights and inputs as they are."""

    instruction: str
    role: str
    inputs: Axis
    dense: tuple[float, ...]
    buffers: tuple[TileBuffer, ...] = ()

    def prepare(self, window: WindowNest, outputs: Extent) -> None:
        """Nothing."""

    def add(self, window: WindowNest, where: Where, inputs: Extent, outputs: Extent) -> None:
        """Adds the weights of a tile."""
        box = window.window_box(where, window.slide.taps, inputs, outputs)
        numbers = (*window.geometry(), *self.dense)
        window.nest.on_tiles(self.instruction, ("current", self.role, "weight"), box, numbers)


@dataclass(frozen=True)
class DirectUpdate:
    """One instruction on gradients and inputs as they are."""

    instruction: str
    role: str
    dense: tuple[float, ...]
    buffers: tuple[TileBuffer, ...] = ()

    def add(self, window: WindowNest, where: Where, inputs: Extent, outputs: Extent) -> None:
        """Adds the gradients of a tile."""
        box = window.window_box(where, window.slide.taps, inputs, outputs)
        roles = ("weight_gradient", self.role, "gradient")
        numbers = (*window.geometry(), *self.dense)
        window.nest.on_tiles(self.instruction, roles, box, numbers)


def forward_sums(
    op: Operation, slide: Slide, shape: Shape, element: Element, memory: TileMemory
) -> ForwardSums:
    """How a synapse with weights of this shape adds up."""
    _, _, inputs, outputs = shape
    axis = units("inputs", inputs)
    if element is not Element.BIT:
        return DirectForward("multiply", "values", axis, ())
    way, width = way_of(op)
    if way is Way.TABLES:
        if memory.group is not None:
            return ForwardTables.in_groups(width, slide, outputs, memory)
        return ForwardTables.of(width, slide, inputs, memory.sizes(op))
    return DirectForward("accumulate", "spikes", axis, (float(way is Way.PLAIN),))


def update_sums(op: Operation, frame: WindowFrame, element: Element) -> Sums:
    """How a weight gradient adds up."""
    if element is not Element.BIT:
        return DirectUpdate("correlate_values", "values", ())
    way, width = way_of(op)
    if way is Way.TABLES:
        return RowTables.of(width, frame)
    return DirectUpdate("correlate_spikes", "spikes", (float(way is Way.PLAIN),))
