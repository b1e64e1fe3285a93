"""How much room the values of a sample group take on chip, before anything is lowered.

A value of a layer lies there with all its steps and positions, spikes and masks in `spike_sram`,
all others in `state_sram`, from the operation that computes it to the last that reads it. Sizes of
groups that cannot fit need not be lowered to find out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil

from xdsl.dialects.builtin import DYNAMIC_INDEX, i1
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.accumulation import Way, way_of
from spikeloom.dialects.bptt.types import is_tensor
from spikeloom.dialects.instruction_set import Element, buffer_bytes
from spikeloom.passes.engine.addresses import Overflow
from spikeloom.passes.engine.images import image_of
from spikeloom.passes.engine.tiles import LANES

_VIEWS = (bptt.DelayOp, bptt.AdvanceOp, bptt.ReshapeOp, bptt.SliceOp)
"""What they yield may be their operand's tile."""


@dataclass(frozen=True)
class _Tile:
    """A value on chip: its bytes, and the operations between which it is there."""

    memory: str
    size: int
    first: int
    last: int


def may_fit(step: bptt.StepOp, group: int, memories: Mapping[str, int]) -> bool:
    """Whether the memories hold what lies on chip at the same time, in the order of the step.

    False is certain; true is not, for weights and addresses are left out.
    """
    return surely_too_small(step, group, memories) is None


def surely_too_small(step: bptt.StepOp, group: int, memories: Mapping[str, int]) -> Overflow | None:
    """The first memory that is too small for values or tables, with what they need at least."""
    tiles = list(_tiles(step, group))
    for memory in dict.fromkeys(tile.memory for tile in tiles):
        inside = [tile for tile in tiles if tile.memory == memory]
        peak = max(
            sum(tile.size for tile in inside if tile.first <= start.first <= tile.last)
            for start in inside
        )
        if peak > (available := memories.get(memory, 0)):
            return Overflow(memory, peak, available)
    tables = max((_row_tables(op, step, group) for op in step.body.block.ops), default=0)
    if tables > (available := memories.get("update_tables", 0)):
        return Overflow("update_tables", tables, available)
    return None


def lies_side_by_side(step: bptt.StepOp, group: int, memories: Mapping[str, int]) -> bool:
    """Whether no two values need share a place: then the next group may begin during this one."""
    used: dict[str, int] = {}
    for tile in _tiles(step, group):
        used[tile.memory] = used.get(tile.memory, 0) + tile.size
    return all(size <= memories.get(memory, 0) for memory, size in used.items())


def _tiles(step: bptt.StepOp, group: int) -> Iterator[_Tile]:
    operations = list(step.body.block.ops)
    numbers = {op: number for number, op in enumerate(operations)}
    for number, op in enumerate(operations):
        if isinstance(op, _VIEWS):
            continue
        for value in op.results:
            if size := _bytes(value, step, group):
                readers = [use.operation for use in value.uses]
                last = max((numbers[reader] for reader in readers), default=number)
                memory = "spike_sram" if _is_binary(value) else "state_sram"
                yield _Tile(memory, size, number, last)


def _bytes(value: SSAValue, step: bptt.StepOp, group: int) -> int:
    """Bytes of a group's value, 0 where it is none of samples."""
    if not is_tensor(value.type):
        return 0
    dynamic = value.type.get_shape().count(DYNAMIC_INDEX)
    if not dynamic:
        return 0
    image = image_of(value)
    planes = step.steps.value.data if dynamic > 1 else 1
    element = Element.BIT if _is_binary(value) else Element.F32
    return buffer_bytes(element, (planes, group, image.positions, image.features))


def _is_binary(value: SSAValue) -> bool:
    return bptt.tensor_of(value).element_type == i1


def _row_tables(op: Operation, step: bptt.StepOp, group: int) -> int:
    """Bytes of the tables of an update's rows, of as few outputs at once as can be."""
    if not isinstance(op, bptt.SynapseWeightGradientOp | bptt.ConvolutionWeightGradientOp):
        return 0
    way, width = way_of(op)
    if way is not Way.TABLES:
        return 0
    image = image_of(op.gradient)
    rows = step.steps.value.data * group * image.positions
    shape = (ceil(rows / width), 1, 2**width, min(LANES, image.features))
    return buffer_bytes(Element.F32, shape)
