"""What one instruction may name: memories, elements, boxes in bounds, no aliases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from spikeloom.backend.stream.records import Buffer, Operand
from spikeloom.backend.validation.boxes import Box, Interval, tile_of
from spikeloom.backend.validation.buffer_rules import DRAM, overlap
from spikeloom.backend.validation.loop_rules import Placed
from spikeloom.backend.validation.violation import Violation, spell_text
from spikeloom.dialects.instruction_set import (
    BITS_PER_ROW_ALIGNMENT,
    WORDS_PER_ROW_ALIGNMENT,
    Element,
    Engine,
)

_EQUAL_ELEMENTS = {
    "load": ("target", "source"),
    "load_update": ("target", "source"),
    "load_transposed": ("target", "source"),
    "store": ("target", "source"),
    "store_update": ("target", "source"),
    "pool_max": ("pooled", "values"),
    "pool_max_gradient": ("values", "pooled"),
    "flatten": ("flat", "image"),
    "unflatten": ("image", "flat"),
    "concatenate": ("joined", "left", "right"),
    "program_tile": ("target", "source"),
    "receive": ("target", "source"),
    "emit": ("target", "source"),
    "collect": ("target", "source"),
    "send": ("target", "source"),
}
"""Roles of an instruction that hold the same element."""
_DIMENSIONS = ("step", "sample", "position", "feature")
_FEATURE = 3


def check_instruction(
    placed: Placed, buffers: Sequence[Buffer], engines: Sequence[Engine]
) -> Iterator[Violation]:
    """The rules that an instruction of a well-formed stream breaks, whatever its numbers mean."""
    operands = placed.instruction.operands
    spec = placed.instruction.spec
    if spec.engine not in engines:
        message = f"`{spec.name}` works on the engine `{spec.engine.value}`, which is not there"
        yield Violation(message, placed.instruction.index)
    for operand in operands:
        yield from _check_buffer(placed, operand, buffers[operand.slice.buffer])
    yield from _check_equal_elements(placed, buffers)
    if broken := [*_check_extents(placed)]:
        yield from broken
        return
    for operand, box in zip(operands, placed.boxes, strict=True):
        yield from _check_bounds(placed, operand, box, buffers[operand.slice.buffer])
    yield from _check_aliases(placed, buffers)


def _check_extents(placed: Placed) -> Iterator[Violation]:
    instruction = placed.instruction
    for axis, extent in zip(instruction.spec.axes, instruction.extents, strict=True):
        tile = tile_of(extent, placed.loops)
        if tile.values is not None and tile.values.step < -1:
            message = (
                f"axis `{axis}` follows the descending loop %{tile.depth} with step"
                f" {tile.values.step}; only step -1 may set an extent"
            )
            yield Violation(message, instruction.index)
        elif tile.least < 1:
            message = f"axis `{axis}` has the extent {tile.least}, the least is 1"
            yield Violation(message, instruction.index)


def _label(operand: Operand, buffer: Buffer) -> str:
    return f"`{operand.role.name}` {spell_text(buffer.name)}"


def _check_buffer(placed: Placed, operand: Operand, buffer: Buffer) -> Iterator[Violation]:
    instruction, role = placed.instruction, operand.role
    if buffer.element not in role.elements:
        allowed = " or ".join(element.value for element in role.elements)
        message = (
            f"{_label(operand, buffer)} holds {buffer.element.value}, the role takes {allowed}"
        )
        yield Violation(message, instruction.index)
    # `clear` is the one instruction that works on either side.
    either = role.dram and instruction.spec.name == "clear"
    if not either and (buffer.memory == DRAM) != role.dram:
        wanted = "in dram" if role.dram else "on chip"
        message = f"{_label(operand, buffer)} lies in {buffer.memory}, the role must be {wanted}"
        yield Violation(message, instruction.index)


def _check_equal_elements(placed: Placed, buffers: Sequence[Buffer]) -> Iterator[Violation]:
    """What moves cells, or compares them, does not convert them."""
    instruction = placed.instruction
    roles = _EQUAL_ELEMENTS.get(instruction.spec.name, ())
    operands = [operand for operand in instruction.operands if operand.role.name in roles]
    elements = [buffers[operand.slice.buffer].element for operand in operands]
    if len(set(elements)) > 1:
        pairs = zip(operands, elements, strict=True)
        holds = ", ".join(f"{operand.role.name} holds {e.value}" for operand, e in pairs)
        yield Violation(f"{holds}; they must be equal", instruction.index)


def _check_bounds(
    placed: Placed, operand: Operand, box: Box, buffer: Buffer
) -> Iterator[Violation]:
    index = placed.instruction.index
    for name, interval, cells in zip(_DIMENSIONS, box, buffer.shape, strict=True):
        if interval.first < 0 or interval.end > cells:
            message = (
                f"{_label(operand, buffer)} reaches {name}s {interval.first} to {interval.end - 1},"
                f" the buffer has 0 to {cells - 1}"
            )
            yield Violation(message, index)
    alignment = _alignment(buffer.element)
    if not box[_FEATURE].aligned(alignment):
        message = (
            f"{_label(operand, buffer)} starts at features {_spell_starts(box[_FEATURE])},"
            f" which must be multiples of {alignment} for {buffer.element.value}"
        )
        yield Violation(message, index)


def _alignment(element: Element) -> int:
    """Cells of a vector: a box's features start on a multiple of it."""
    return BITS_PER_ROW_ALIGNMENT if element is Element.BIT else WORDS_PER_ROW_ALIGNMENT


def _spell_starts(interval: Interval) -> str:
    starts = [interval.start(value) for value in interval.values[:2]]
    return ", ".join([*map(str, starts), *(["..."] if len(starts) > 1 else [])])


def _check_aliases(placed: Placed, buffers: Sequence[Buffer]) -> Iterator[Violation]:
    """What is written shares no cell with another operand, in no iteration.

    One buffer may appear twice where the boxes are apart: a recurrent layer reads the step
    before the one that it writes.
    """
    operands = zip(placed.instruction.operands, placed.boxes, strict=True)
    for (first, box), (second, other_box) in combinations(operands, 2):
        if not (first.written or second.written):
            continue
        buffer, other = buffers[first.slice.buffer], buffers[second.slice.buffer]
        if buffer is other:
            pairs = zip(box, other_box, strict=True)
            aliases = not any(one.apart(another) for one, another in pairs)
        else:
            aliases = overlap(buffer, other)
        if aliases:
            message = f"{_label(first, buffer)} and {_label(second, other)} may share cells"
            yield Violation(message, placed.instruction.index)
