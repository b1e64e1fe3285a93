"""What a stream must be to mean anything: known codes, indices in range, balanced loops.

Fields that an opcode does not use hold their defaults. So a well-formed stream has exactly one
assembly text, and a record has no place to hide anything.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.stream.records import FIRST_OPCODE
from spikeloom.backend.stream.stream import (
    ELEMENTS,
    MAX_BUFFERS,
    MAX_COPIES,
    MAX_INSTRUCTIONS,
    MAX_LOOP_DEPTH,
    MAX_TEXT_BYTES,
    NO_BUFFER,
    NO_LOOP,
    NO_SCALE,
    OPCODE_END,
    OPCODE_LOOP,
    Stream,
    per_dimension,
)
from spikeloom.backend.validation.violation import Violation, spell_text
from spikeloom.dialects.instruction_set import (
    CROSSBAR_ENGINES,
    INSTRUCTIONS,
    MEMORIES,
    InstructionSpec,
    buffer_bytes,
)

_Flags = NDArray[np.bool_]


def check_well_formed(stream: Stream) -> list[Violation]:
    """Everything that keeps the stream from having a meaning and an assembly text."""
    if found := list(_check_tables(stream)):
        return found
    found = [*_check_buffers(stream), *_check_loops(stream)]
    return found or list(_check_instructions(stream))


def _check_tables(stream: Stream) -> Iterator[Violation]:
    counts = (
        ("buffers", len(stream.buffers), MAX_BUFFERS),
        ("instructions", len(stream.instructions), MAX_INSTRUCTIONS),
    )
    for what, count, limit in counts:
        if count > limit:
            yield Violation(f"{count} {what}, the limit is {limit}")
    pairs = (
        ("buffer names", len(stream.buffer_names), len(stream.buffers)),
        ("buffer roles", len(stream.buffer_roles), len(stream.buffers)),
        ("layers", len(stream.layers), len(stream.instructions)),
    )
    for what, count, expected in pairs:
        if count != expected:
            yield Violation(f"{count} {what}, expected {expected}")
    roles = [text for role in stream.buffer_roles for text in role]
    for text in {*stream.buffer_names, *roles, *stream.locations, *stream.layers}:
        # A lone surrogate has no UTF-8 and therefore no place in a file.
        data = text.encode("utf-8", "surrogatepass")
        if len(data) > MAX_TEXT_BYTES or data.decode("utf-8", "replace") != text:
            message = f"the text {spell_text(text[:40])} is not UTF-8 of at most {MAX_TEXT_BYTES}"
            yield Violation(f"{message} bytes")
    used: list[int] = [0, *stream.instructions["location"].tolist()]
    in_order = list(dict.fromkeys(used)) == list(range(len(stream.locations)))
    if not in_order or stream.locations[:1] != ("",):
        yield Violation('the locations are not "" and then those in use, in order of first use')
    elif len(set(stream.locations)) != len(stream.locations):
        yield Violation("a location is listed twice")


def _check_buffers(stream: Stream) -> Iterator[Violation]:
    seen: set[str] = set()
    for row, name in zip(stream.buffers, stream.buffer_names, strict=True):
        label = f"buffer {spell_text(name)}"
        if not name or name in seen:
            yield Violation(f"{label} needs a name of its own")
        seen.add(name)
        if row["memory"] >= len(MEMORIES):
            yield Violation(f"{label}: memory {row['memory']}, the last is {len(MEMORIES) - 1}")
        if not 1 <= row["copies"] <= MAX_COPIES:
            yield Violation(f"{label} has {row['copies']} copies, not 1 to {MAX_COPIES}")
        if row["element"] >= len(ELEMENTS):
            yield Violation(f"{label}: element {row['element']}, the last is {len(ELEMENTS) - 1}")
            continue
        shape: list[int] = row["shape"].tolist()
        size = buffer_bytes(ELEMENTS[int(row["element"])], per_dimension(shape))
        if min(shape) < 1:
            yield Violation(f"{label} has the shape {shape}, every dimension must be at least 1")
        elif row["bytes"] != size:
            yield Violation(f"{label} says {row['bytes']} bytes, its shape {shape} takes {size}")


def _check_loops(stream: Stream) -> Iterator[Violation]:
    rows = stream.instructions
    codes: NDArray[np.uint16] = rows["opcode"]
    opened: list[int] = []
    for index in np.flatnonzero((codes == OPCODE_LOOP) | (codes == OPCODE_END)).tolist():
        partner: int = rows["partner"][index].item()
        if codes[index] == OPCODE_LOOP:
            opened.append(index)
            if len(opened) == MAX_LOOP_DEPTH + 1:
                yield Violation(f"loops nest deeper than {MAX_LOOP_DEPTH}", index)
            continue
        if not opened:
            yield Violation("an END without a LOOP", index)
            continue
        loop = opened.pop()
        if partner != loop or rows["partner"][loop] != index:
            yield Violation(
                f"LOOP {loop} and END {index} belong together, but name"
                f" {rows['partner'][loop]} and {partner} as their partners",
                index,
            )
        if rows["location"][loop] != rows["location"][index]:
            yield Violation(f"has another location than its LOOP {loop}", index)
    for index in opened:
        yield Violation("a LOOP without an END", index)


def _check_instructions(stream: Stream) -> Iterator[Violation]:
    rows = stream.instructions
    codes: NDArray[np.uint16] = rows["opcode"]
    last = FIRST_OPCODE + len(INSTRUCTIONS) - 1
    for index in np.flatnonzero((codes < OPCODE_LOOP) | (codes > last)).tolist():
        yield Violation(f"opcode {codes[index]} is unknown, the last is {last}", index)
    depth = np.cumsum(codes == OPCODE_LOOP) - np.cumsum(codes == OPCODE_END)
    present: list[int] = np.unique(codes).tolist()
    for code in present:
        chosen = np.flatnonzero(codes == code)
        part = rows[chosen]
        if code in (OPCODE_LOOP, OPCODE_END):
            checks = _check_control(part, code)
            named = np.array([stream.layers[index] != "" for index in chosen.tolist()], np.bool_)
            checks.append((named, "a loop belongs to a layer"))
        elif FIRST_OPCODE <= code <= last:
            spec = INSTRUCTIONS[code - FIRST_OPCODE]
            checks = _check_operands(part, spec, len(stream.buffers), depth[chosen])
            checks += _check_numbers(part, spec, depth[chosen])
        else:
            continue
        for broken, message in checks:
            for index in chosen[broken].tolist():
                yield Violation(message, index)


def _check_control(part: NDArray[np.void], code: int) -> list[tuple[_Flags, str]]:
    """LOOP and END use their own fields only."""
    unused = (
        _any(part["buffer"] != NO_BUFFER)
        | _any(part["base"] != 0)
        | _any(part["base_loop"] != NO_LOOP)
        | _any(part["base_scale"] != NO_SCALE)
        | _any(part["extent"] != 0)
        | _any(part["extent_loop"] != NO_LOOP)
        | _any(part["extent_scale"] != NO_SCALE)
        | _not_zero(part["immediate"])
        | (part["instance"] != 0)
    )
    if code == OPCODE_END:
        unused |= _any(part["loop"] != 0)
    return [(unused, "a field that loops do not use is not at its default")]


def _check_operands(
    part: NDArray[np.void], spec: InstructionSpec, buffers: int, depth: NDArray[np.int_]
) -> list[tuple[_Flags, str]]:
    """Required roles are there, buffers exist, loops added to a base are open."""
    used = len(spec.roles)
    indices: NDArray[np.int16] = part["buffer"]
    absent = indices == NO_BUFFER
    loops: NDArray[np.int8] = part["base_loop"]
    scales: NDArray[np.int32] = part["base_scale"]
    hidden = absent[:, :, None] & ((part["base"] != 0) | (loops != NO_LOOP))
    checks = [
        (_any(~absent[:, used:]), f"`{spec.name}` has only {used} roles, more are set"),
        (_any(hidden), "an absent operand has a slice"),
        (_any((indices < NO_BUFFER) | (indices >= buffers)), f"there are only {buffers} buffers"),
        (_any((loops < NO_LOOP) | (loops >= depth[:, None, None])), "a slice names a closed loop"),
        (_any(scales < 1), "the scale of a slice is less than 1"),
        (_any((scales != NO_SCALE) & (loops == NO_LOOP)), "a slice has a scale without a loop"),
    ]
    for position, role in enumerate(spec.roles):
        if not role.optional:
            checks.append((absent[:, position], f"`{spec.name}` needs its role `{role.name}`"))
    return checks


def _check_numbers(
    part: NDArray[np.void], spec: InstructionSpec, depth: NDArray[np.int_]
) -> list[tuple[_Flags, str]]:
    """Extents, immediates and the fields of loops."""
    axes, numbers = len(spec.axes), len(spec.immediates)
    loops: NDArray[np.int8] = part["extent_loop"]
    extents: NDArray[np.int32] = part["extent"]
    scales: NDArray[np.int32] = part["extent_scale"]
    unused = (
        _any(loops[:, axes:] != NO_LOOP)
        | _any(extents[:, axes:] != 0)
        | _any(scales[:, axes:] != NO_SCALE)
        | _not_zero(part["immediate"][:, numbers:])
        | _any(part["loop"] != 0)
        | (part["partner"] != 0)
    )
    values = np.abs(part["immediate"])
    # The kernels compute in single precision.
    finite = values <= np.finfo(np.float32).max
    return [
        (unused, f"a field that `{spec.name}` does not use is not at its default"),
        (_any((loops < NO_LOOP) | (loops >= depth[:, None])), "an axis names a closed loop"),
        (_any(scales < 1), "the scale of an axis is less than 1"),
        (_any((scales != NO_SCALE) & (loops == NO_LOOP)), "an axis has a scale without a loop"),
        (_any(~finite), "an immediate is not a finite single-precision number"),
        (_strange_instances(part, spec), f"there is only one engine `{spec.engine.value}`"),
    ]


def _strange_instances(part: NDArray[np.void], spec: InstructionSpec) -> _Flags:
    """Per row, whether it names an instance of an engine of which there is only one."""
    single = spec.engine not in CROSSBAR_ENGINES
    return np.asarray((part["instance"] != 0) & single, np.bool_)


def _any(flags: NDArray[np.bool_]) -> _Flags:
    """Per row, whether any flag is set."""
    axes = tuple(range(1, flags.ndim))
    return np.asarray(flags.any(axis=axes), np.bool_)


def _not_zero(numbers: NDArray[np.float64]) -> _Flags:
    """Per row, whether any number differs from +0.0 in its bits."""
    return _any((numbers != 0.0) | np.signbit(numbers))
