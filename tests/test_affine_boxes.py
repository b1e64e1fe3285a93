"""Slices and extents that follow a loop, scaled: their bounds are exact at both ends."""

from __future__ import annotations

import pytest
from stream_samples import ON_CHIP_BYTES

from spikeloom.backend.assembly import assemble
from spikeloom.backend.validation.validator import validate
from spikeloom.diagnostics import DiagnosticError


def refusal(text: str) -> str:
    """The first message with which a text is refused."""
    with pytest.raises(DiagnosticError) as caught:
        validate(assemble(text, "text"), ON_CHIP_BYTES)
    return caught.value.diagnostics[0].message


def clearing(positions: int, loop: str, start: str, extent: str) -> str:
    """Clears positions of a buffer in a loop."""
    return f"""\
buffer @x : f32[1, 1, {positions}, 16] in state_sram at 0x0
loop %0 = {loop} {{
  clear @x[0, 0, {start}, 0] over planes 1, groups 1, rows {extent}, columns 16
}}
"""


# name: (the loop, its multiple in the start, the base, the extent, first and last position)
REACHED: dict[str, tuple[str, str, int, str, int, int]] = {
    "constant extent": ("0 to 7 step 3", "4 * %0", 1, "5", 1, 29),
    "whole tiles": ("0 to 9 step 3", "4 * %0", 0, "4 * %0", 0, 35),
    "cut tile": ("0 to 8 step 3", "4 * %0", 0, "4 * %0", 0, 31),
    "halo": ("0 to 8 step 3", "4 * %0", 2, "4 * %0 + 8", 2, 41),
    "only a halo inwards": ("0 to 8 step 3", "4 * %0", 0, "4 * %0 - 4", 0, 27),
    # The tile before the last one ends at 3 + 3 x 3, the last one at 6 + 3 x 1.
    "last but one ends last": ("0 to 7 step 3", "%0", 0, "3 * %0", 0, 11),
    "descending": ("3 to -1 step -1", "5 * %0", 2, "2 * %0 + 1", 2, 19),
    "ascending from below": ("2 to 9 step 2", "2 * %0", -4, "2 * %0 + 1", 0, 14),
}


@pytest.mark.parametrize("name", REACHED)
def test_bounds_are_exact(name: str) -> None:
    loop, scaled, base, extent, first, last = REACHED[name]
    validate(assemble(clearing(last + 1, loop, f"{scaled} + {base}", extent), ""), ON_CHIP_BYTES)
    short = clearing(last, loop, f"{scaled} + {base}", extent)
    assert f"reaches positions {first} to {last}, the buffer has 0 to {last - 1}" in refusal(short)
    below = clearing(last + 1, loop, f"{scaled} + {base - first - 1}", extent)
    assert f"reaches positions -1 to {last - first - 1}, " in refusal(below)


def test_a_start_is_aligned_where_its_loop_alone_is_not() -> None:
    text = """\
buffer @x : bit[1, 1, 1, 640] in spike_sram at 0x0
loop %0 = 0 to 10 step 1 {
  clear @x[0, 0, 0, 64 * %0] over planes 1, groups 1, rows 1, columns 64 * %0
}
"""
    validate(assemble(text, ""), ON_CHIP_BYTES)
    assert "starts at features 0, 32, ..., which" in refusal(text.replace("64 * ", "32 * "))


def test_boxes_that_follow_one_loop_differently_may_share_cells() -> None:
    text = """\
buffer @x : f32[1, 1, 32, 16] in state_sram at 0x0
clear @x[0, 0, 0, 0] over planes 1, groups 1, rows 32, columns 16
loop %0 = 1 to 8 step 1 {
  integrate @x[0, 0, 3 * %0, 0] = potential from current @x[0, 0, %0, 0] over steps 1, \
samples 1, positions 2, units 16 with decay 1
}
""".replace("\\\n", "")
    validate(assemble(text, ""), ON_CHIP_BYTES)
    assert "may share cells" in refusal(text.replace("3 * %0", "3 * %0 - 1"))
    assert "may share cells" in refusal(text.replace("3 * %0", "8"))
