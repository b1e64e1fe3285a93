"""Writes streams as assembly."""

from __future__ import annotations

import json
import re

from spikeloom.backend.snx.image import Image
from spikeloom.backend.stream.records import (
    Buffer,
    End,
    Instruction,
    Loop,
    Operand,
    buffers,
    records,
)
from spikeloom.backend.stream.stream import NO_LOOP, NO_SCALE, LoopExtent, Stream
from spikeloom.backend.validation.violation import violations_error
from spikeloom.backend.validation.well_formed import check_well_formed
from spikeloom.dialects.instruction_set import InstructionSpec

PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
"""Names that need no quotes."""


def disassemble(stream: Stream) -> str:
    """The assembly of a stream; `assemble` makes the same stream of it again.

    Raises a `DiagnosticError` (E0304) when the stream is not well-formed.
    """
    if found := check_well_formed(stream):
        raise violations_error(stream, found)
    lines = ["serial"] if stream.serial else []
    lines += [_buffer(buffer) for buffer in buffers(stream)]
    names = [_name(name) for name in stream.buffer_names]
    if lines:
        lines.append("")
    depth = 0
    for record in records(stream):
        match record:
            case Loop():
                lines.append("  " * depth + _loop(record, depth))
                depth += 1
            case End():
                depth -= 1
                lines.append("  " * depth + "}")
            case Instruction():
                lines.append("  " * depth + _instruction(record, names))
    return "".join(f"{line}\n" for line in lines)


def disassemble_image(image: Image) -> str:
    """The assembly of every stream of an image, each below a heading."""
    parts: list[str] = []
    for name, stream in image.streams:
        parts.append(f"// stream {json.dumps(name)}\n\n{disassemble(stream)}")
    return "\n".join(parts)


def named_form(spec: InstructionSpec) -> bool:
    """Whether operands carry the names of their roles: where some, or all results, are absent."""
    return any(role.optional for role in spec.roles) or not spec.writes


def _buffer(buffer: Buffer) -> str:
    shape = ", ".join(str(cells) for cells in buffer.shape)
    text = f"buffer {_name(buffer.name)} : {buffer.element.value}[{shape}]"
    text += f" in {buffer.memory} at {buffer.offset:#010x}"
    if buffer.copies > 1:
        text += f" copies {buffer.copies}"
    kind, subject = buffer.role
    if buffer.role != ("", ""):
        text += f" role {kind if PLAIN_NAME.fullmatch(kind) else json.dumps(kind)}"
    return f"{text} {json.dumps(subject)}" if subject else text


def _loop(loop: Loop, depth: int) -> str:
    text = f"loop %{depth} = {loop.start} to {loop.stop} step {loop.step}"
    return f"{text}{_suffix(loop.location)} {{"


def _instruction(instruction: Instruction, names: list[str]) -> str:
    spec = instruction.spec
    name = spec.name + (f" on {instruction.instance}" if instruction.instance else "")
    writes = [operand for operand in instruction.operands if operand.written]
    reads = [operand for operand in instruction.operands if not operand.written]
    if named_form(spec):
        targets = ", ".join(
            f"{_operand(o, names)} {'+=' if o.role.updates else '='} {o.role.name}" for o in writes
        )
        sources = ", ".join(f"{o.role.name} {_operand(o, names)}" for o in reads)
        text = name + (f" {targets}" if writes else "")
        text += f" from {sources}" if reads else ""
    else:
        text = f"{name} {', '.join(_operand(o, names) for o in writes)}"
        if reads:
            sign = "+=" if writes[0].role.updates else "="
            text += f" {sign} {', '.join(_operand(o, names) for o in reads)}"
    extents = zip(spec.axes, instruction.extents, strict=True)
    if axes := ", ".join(f"{axis} {_extent(extent)}" for axis, extent in extents):
        text += f" over {axes}"
    numbers = zip(spec.immediates, instruction.immediates, strict=True)
    if immediates := ", ".join(f"{number.name} {_number(value)}" for number, value in numbers):
        text += f" with {immediates}"
    return text + _suffix(instruction.location, instruction.layer)


def _operand(operand: Operand, names: list[str]) -> str:
    start = operand.slice
    parts = zip(start.base, start.loops, start.scales, strict=True)
    starts = ", ".join(_affine(base, loop, scale) for base, loop, scale in parts)
    return f"{names[start.buffer]}[{starts}]"


def _extent(extent: int | LoopExtent) -> str:
    if isinstance(extent, int):
        return str(extent)
    return _affine(extent.offset, extent.depth, extent.scale)


def _affine(offset: int, loop: int, scale: int) -> str:
    """`3`, `%0`, `%0 - 1` or `28 * %0 + 3`."""
    if loop == NO_LOOP:
        return str(offset)
    text = f"%{loop}" if scale == NO_SCALE else f"{scale} * %{loop}"
    return f"{text} {'+' if offset > 0 else '-'} {abs(offset)}" if offset else text


def _suffix(location: str, layer: str = "") -> str:
    text = f" loc {json.dumps(location)}" if location else ""
    return f"{text} layer {json.dumps(layer)}" if layer else text


def _name(name: str) -> str:
    return f"@{name}" if PLAIN_NAME.fullmatch(name) else f"@{json.dumps(name)}"


def _number(value: float) -> str:
    """The shortest text that reads back as the same double."""
    return repr(value).removesuffix(".0")
