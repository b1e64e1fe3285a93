"""A stream reads no cell before it has written it: exactly, whatever its loops do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from stream_samples import ON_CHIP_BYTES

from spikeloom.backend.assembly import assemble
from spikeloom.backend.stream.stream import NO_LOOP, LoopExtent, Slice, StreamBuilder, per_dimension
from spikeloom.backend.validation.validator import validate
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.instruction_set import DIMENSIONS, Element

BUFFERS = """\
buffer @a : f32[4, 4, 1, 32] in state_sram at 0x0000
buffer @b : f32[4, 4, 1, 32] in state_sram at 0x1000
buffer @c : f32[4, 4, 1, 32] in state_sram at 0x2000
buffer @shared : f32[4, 4, 1, 32] in state_sram at 0x1000
buffer @kept : f32[4, 4, 1, 32] in dram at 0x0
"""
ALL = "over planes 4, groups 4, rows 1, columns 32"
UNITS = "over steps 4, samples 4, positions 1, units 32"
ONE_STEP = "over steps 1, samples 4, positions 1, units 32"


def refusal(text: str) -> str:
    """The first message with which a text is refused."""
    with pytest.raises(DiagnosticError) as caught:
        validate(assemble(text, "text"), ON_CHIP_BYTES)
    return caught.value.diagnostics[0].message


def test_a_write_may_come_in_pieces() -> None:
    pieces = f"""{BUFFERS}
loop %0 = 3 to -1 step -1 {{
  loop %1 = 0 to 32 step 16 {{
    clear @a[%0, 0, 0, %1] over planes %0, groups 3, rows 1, columns %1
  }}
  clear @a[%0, 3, 0, 0] over planes 1, groups 1, rows 1, columns 32
}}
store @kept[0, 0, 0, 0] = @a[0, 0, 0, 0] {ALL}
"""
    assert validate(assemble(pieces, ""), ON_CHIP_BYTES).dynamic_instructions == 13
    assert '"a"[0, 2, 0, 0] before it is written' in refusal(pieces.replace("groups 3", "groups 2"))
    assert '"a"[0, 0, 0, 16] before' in refusal(pieces.replace("0 to 32", "0 to 16"))


def test_loops_with_the_same_values_may_end_at_other_cells() -> None:
    pieces = """\
buffer @a : f32[1, 1, 12, 16] in state_sram at 0x0000
buffer @b : f32[1, 1, 12, 16] in dram at 0x0000
loop %0 = 0 to 12 step 4 {
  clear @a[0, 0, %0, 0] over planes 1, groups 1, rows %0, columns 16
}
loop %0 = 0 to 12 step 4 {
  store @b[0, 0, %0, 0] = @a[0, 0, %0, 0] over planes 1, groups 1, rows %0, columns 16
}
"""
    validate(assemble(pieces, ""), ON_CHIP_BYTES)
    validate(
        assemble(pieces.replace("0 to 12 step 4 {\n  store", "0 to 10 step 4 {\n  store"), ""),
        ON_CHIP_BYTES,
    )
    assert '"a"[0, 0, 10, 0] before' in refusal(
        pieces.replace("0 to 12 step 4 {\n  clear", "0 to 10 step 4 {\n  clear")
    )


def test_a_read_must_come_after_the_write_in_time_not_in_text() -> None:
    later = f"""{BUFFERS}
clear @a[0, 0, 0, 0] over planes 1, groups 4, rows 1, columns 32
loop %0 = 0 to 3 step 1 {{
  add @b[0, 0, 0, 0] = @a[%0, 0, 0, 0], @a[%0, 0, 0, 0] {ONE_STEP}
  clear @a[%0 + 1, 0, 0, 0] over planes 1, groups 4, rows 1, columns 32
}}
"""
    validate(assemble(later, ""), ON_CHIP_BYTES)
    assert '"a"[1, 0, 0, 0] before' in refusal(later.replace("%0 + 1", "%0"))


def test_buffers_may_share_addresses_one_after_the_other() -> None:
    lines = [
        f"clear @b[0, 0, 0, 0] {ALL}",
        f"add @a[0, 0, 0, 0] = @b[0, 0, 0, 0], @b[0, 0, 0, 0] {UNITS}",
        f"clear @shared[0, 0, 0, 0] {ALL}",
        f"add @c[0, 0, 0, 0] = @shared[0, 0, 0, 0], @a[0, 0, 0, 0] {UNITS}",
    ]
    validate(assemble(BUFFERS + "\n".join(lines), ""), ON_CHIP_BYTES)
    lines[1], lines[2] = lines[2], lines[1]
    assert '"b"[0, 0, 0, 0] before it is written' in refusal(BUFFERS + "\n".join(lines))


# Pictures of 8 rows and 6 columns; tiles of `y` rows with one more row above and one below.
HALO = """\
buffer @picture : f32[1, 2, 60, 16] in dram at 0x0 role input
buffer @tile : f32[1, 2, 30, 16] in state_sram at 0x0000
buffer @sum : f32[1, 2, 18, 16] in state_sram at 0x4000
loop %0 = 0 to 8 step 3 {
  load @tile[0, 0, 0, 0] = @picture[0, 0, 6 * %0, 0] over planes 1, groups 2, rows 6 * %0 + 12, columns 16
  add @sum[0, 0, 0, 0] = @tile[0, 0, 0, 0], @tile[0, 0, 12, 0] over steps 1, samples 2, positions 6 * %0, units 16
}
"""  # noqa: E501


def test_tiles_may_overlap_in_their_halo() -> None:
    validate(assemble(HALO, ""), ON_CHIP_BYTES)
    # Tiles without the row below them.
    short = HALO.replace("rows 6 * %0 + 12", "rows 6 * %0 + 6")
    assert '"tile"[0, 0, 24, 0] before it is written' in refusal(short)


def test_halos_that_only_the_whole_loop_writes_are_known_to_be_written() -> None:
    text = """\
buffer @a : f32[1, 1, 20, 16] in state_sram at 0x0000
buffer @b : f32[1, 1, 20, 16] in state_sram at 0x1000
loop %0 = 0 to 7 step 2 {
  clear @a[0, 0, 2 * %0 + 1, 0] over planes 1, groups 1, rows 2 * %0 + 2, columns 16
}
add @b[0, 0, 0, 0] = @a[0, 0, 1, 0], @a[0, 0, 1, 0] over steps 1, samples 1, positions 16, units 16
"""
    # Tiles are 1..6, 5..10, 9..14 and 13..16.
    validate(assemble(text, ""), ON_CHIP_BYTES)
    assert '"a"[0, 0, 17, 0] before' in refusal(text.replace("positions 16", "positions 17"))
    assert '"a"[0, 0, 3, 0] before' in refusal(text.replace("rows 2 * %0 + 2", "rows %0"))


def test_an_update_reads_what_it_writes() -> None:
    count = "buffer @n : i32[1, 1, 1, 1] in state_sram at 0x0\n"
    assert '`count` reads "n"[0, 0, 0, 0] before' in refusal(f"{count}count_step @n[0, 0, 0, 0]\n")


# --- against a plain execution -------------------------------------------------------------

SHAPE = (3, 2, 4, 48)
OFFSETS = (0, 2304, 9216, 11520, 18432)
"""Each buffer takes 4608 bytes: the first two share addresses, and so do the next two."""
FEATURE = DIMENSIONS - 1
SHARED = {0: 1, 1: 0, 2: 3, 3: 2}


@dataclass(frozen=True)
class Plain:
    """An instruction: what it writes and reads, and its extents."""

    written: Slice
    read: tuple[Slice, ...]
    extents: tuple[int | LoopExtent, ...]


@dataclass(frozen=True)
class PlainLoop:
    """A loop and what it repeats."""

    values: range
    body: tuple[Plain | PlainLoop, ...]


Body = tuple[Plain | PlainLoop, ...]
LOOPS = [range(0, 3), range(1, 3), range(2, -1, -1), range(0, 48, 16), range(0, 40, 16),
         range(32, -1, -16), range(0, 4, 3), range(0, 32, 16)]  # fmt: skip


def random_body(random: np.random.Generator, loops: tuple[range, ...]) -> Body:
    """One to four statements inside these loops."""
    items: list[Plain | PlainLoop] = []
    for _ in range(random.integers(1, 5)):
        if len(loops) < 2 and random.random() < 0.4:
            values = LOOPS[random.integers(len(LOOPS))]
            items.append(PlainLoop(values, random_body(random, (*loops, values))))
        else:
            items.append(random_instruction(random, loops))
    return tuple(items)


def random_instruction(random: np.random.Generator, loops: tuple[range, ...]) -> Plain:
    """A `clear` or an `add` whose boxes mostly lie in bounds."""
    extents = [random_extent(random, loops, size) for size in SHAPE]
    target = int(random.integers(len(OFFSETS)))
    others = [b for b in range(len(OFFSETS)) if b not in (target, SHARED.get(target))]
    sources = random.choice(others, 2) if random.random() < 0.5 else []
    slices = [random_slice(random, loops, int(b), extents) for b in (target, *sources)]
    return Plain(slices[0], tuple(slices[1:]), tuple(extents))


def random_extent(
    random: np.random.Generator, loops: tuple[range, ...], size: int
) -> int | LoopExtent:
    fitting = [d for d, values in enumerate(loops) if abs(values.step) <= size]
    if fitting and random.random() < 0.4:
        depth = int(random.choice(fitting))
        if random.random() < 0.6:
            return LoopExtent(depth)
        # What is left of the tile loop, several times, and a halo around it (or less than it).
        step = abs(loops[depth].step)
        scale = int(random.integers(1, max(2, size // step)))
        return LoopExtent(depth, scale, int(random.integers(-1, 3)))
    return int(random.choice([1, size, size, random.integers(1, size + 1)]))


def random_slice(
    random: np.random.Generator,
    loops: tuple[range, ...],
    buffer: int,
    extents: list[int | LoopExtent],
) -> Slice:
    base, chosen, scales = [0] * DIMENSIONS, [NO_LOOP] * DIMENSIONS, [1] * DIMENSIONS
    for dimension, (size, extent) in enumerate(zip(SHAPE, extents, strict=True)):
        fitting = [d for d, values in enumerate(loops) if max(values) < size]
        if isinstance(extent, LoopExtent) and random.random() < 0.8:
            chosen[dimension] = extent.depth
            scales[dimension] = extent.scale if random.random() < 0.9 else 1
            # A halo reaches over the edge where it is not moved inwards.
            base[dimension] = -extent.offset if random.random() < 0.3 else 0
        elif extent != size and fitting and random.random() < 0.6:
            chosen[dimension] = int(random.choice(fitting))
            highest = max(loops[chosen[dimension]])
            if highest and random.random() < 0.4:
                scales[dimension] = int(random.integers(1, max(2, size // highest)))
        elif isinstance(extent, int) and random.random() < 0.5:
            unit = 16 if dimension == FEATURE else 1
            base[dimension] = unit * int(random.integers((size - extent) // unit + 1))
        if random.random() < 0.02:
            base[dimension] += int(random.integers(-1, 2))
    return Slice(buffer, *map(per_dimension, (base, chosen, scales)))


def emit(builder: StreamBuilder, body: Body) -> None:
    """The statements as records."""
    for item in body:
        if isinstance(item, PlainLoop):
            with builder.loop(item.values.start, item.values.stop, item.values.step):
                emit(builder, item.body)
        elif item.read:
            operands = {"sum": item.written, "left": item.read[0], "right": item.read[1]}
            builder.emit("add", operands, item.extents)
        else:
            builder.emit("clear", {"target": item.written}, item.extents)


class Refused(Exception):
    """The plain execution has met a broken rule."""


def execute(
    body: Body, loops: tuple[tuple[int, range], ...], written: list[NDArray[np.bool_]]
) -> None:
    """Runs statements cell by cell; `loops` are the values of the open ones."""
    for item in body:
        if isinstance(item, PlainLoop):
            for value in item.values:
                execute(item.body, (*loops, (value, item.values)), written)
            continue
        for operand in item.read:
            if not written[operand.buffer][cells(operand, item.extents, loops)].all():
                raise Refused
        if (shared := SHARED.get(item.written.buffer)) is not None:
            written[shared][:] = False
        written[item.written.buffer][cells(item.written, item.extents, loops)] = True


def cells(
    operand: Slice,
    extents: tuple[int | LoopExtent, ...],
    loops: tuple[tuple[int, range], ...],
) -> tuple[slice, ...]:
    """The box of an operand now."""
    found: list[slice] = []
    for dimension in range(DIMENSIONS):
        start, extent = operand.base[dimension], extents[dimension]
        if operand.loops[dimension] != NO_LOOP:
            start += operand.scales[dimension] * loops[operand.loops[dimension]][0]
        if isinstance(extent, LoopExtent):
            value, values = loops[extent.depth]
            if values.step < -1:
                raise Refused
            left = min(abs(values.step), abs(values.stop - value))
            extent = extent.offset + extent.scale * left
        aligned = dimension < FEATURE or start % 16 == 0
        if extent < 1 or start < 0 or start + extent > SHAPE[dimension] or not aligned:
            raise Refused
        found.append(slice(start, start + extent))
    return tuple(found)


def test_the_validator_accepts_exactly_what_a_plain_execution_can_do() -> None:
    random = np.random.default_rng(3)
    verdicts: list[bool] = []
    for _ in range(1000):
        builder = StreamBuilder()
        for index, offset in enumerate(OFFSETS):
            builder.buffer(f"b{index}", Element.F32, SHAPE, "state_sram", offset)
        whole = [Plain(Slice(int(b)), (), SHAPE) for b in random.permutation(5)[:3]]
        body = (*whole, *random_body(random, ()))
        emit(builder, body)
        try:
            execute(body, (), [np.zeros(SHAPE, np.bool_) for _ in OFFSETS])
            expected = True
        except Refused:
            expected = False
        try:
            validate(builder.finish(), ON_CHIP_BYTES)
            accepted = True
        except DiagnosticError:
            accepted = False
        assert accepted == expected, body
        verdicts.append(accepted)
    assert 100 < sum(verdicts) < 900
