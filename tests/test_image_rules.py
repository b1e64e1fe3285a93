"""What the machine refuses about windows, pools and rearrangements: one edit per rule."""

from __future__ import annotations

import pytest
from random_images import RandomImages
from stream_samples import ON_CHIP_BYTES

from spikeloom.backend.assembly import assemble, disassemble
from spikeloom.backend.stream.stream import Stream
from spikeloom.backend.validation.validator import validate
from spikeloom.diagnostics import DiagnosticError

STEP = """\
buffer @spikes : bit[2, 2, 42, 70] in spike_sram at 0x00000000
buffer @pooled : bit[2, 2, 9, 70] in spike_sram at 0x00004000
buffer @flat : bit[2, 2, 1, 2940] in spike_sram at 0x00008000
buffer @joined : bit[2, 2, 42, 140] in spike_sram at 0x0000c000
buffer @weight : f32[9, 1, 70, 16] in weight_sram at 0x00000000
buffer @current : f32[2, 2, 30, 16] in state_sram at 0x00000000
buffer @sum : f32[2, 2, 9, 70] in state_sram at 0x00010000

clear @spikes[0, 0, 0, 0] over planes 2, groups 2, rows 42, columns 70
clear @weight[0, 0, 0, 0] over planes 9, groups 1, rows 70, columns 16
clear @current[0, 0, 0, 0] over planes 2, groups 2, rows 30, columns 16
loop %0 = 0 to 5 step 2 {
  accumulate @current[0, 0, 6 * %0, 0] += @spikes[0, 0, 6 * %0, 0], @weight[0, 0, 0, 0] over \
steps 2, samples 2, positions 6 * %0, input_positions 6 * %0 + 12, taps 9, inputs 70, outputs 16 \
with kernel_width 3, stride 1, input_width 6, output_width 6, top 0, left 1, dense 0
}
pool_max @pooled[0, 0, 0, 0] = @spikes[0, 0, 0, 0] over steps 2, samples 2, positions 9, \
input_positions 42, units 70 with kernel 2, stride 2, input_width 6, output_width 3, top 0
pool_sum @sum[0, 0, 0, 0] = @spikes[0, 0, 0, 0] over steps 2, samples 2, positions 9, \
input_positions 42, units 70 with kernel 2, stride 2, input_width 6, output_width 3, top 0, \
scale 0.25
flatten @flat[0, 0, 0, 0] = @spikes[0, 0, 0, 0] over steps 2, samples 2, positions 42, units 70, \
cells 2940
concatenate @joined[0, 0, 0, 0] = @spikes[0, 0, 0, 0], @spikes[0, 0, 0, 0] over steps 2, \
samples 2, positions 42, units 140, left_units 70, right_units 70
""".replace("\\\n", "")
"""An image of 7 rows and 6 columns; the window moves over tiles of two rows with a halo."""

# name of the rule: (text of the step, text that breaks the rule, message)
RULES: dict[str, tuple[str, str, str]] = {
    "taps": ("kernel_width 3", "kernel_width 2",
        "`taps` is 9, which must be whole rows of `kernel_width` 2"),
    "input rows": ("input_width 6, output_width 6", "input_width 5, output_width 6",
        "`input_positions` is 24, which must be whole rows of `input_width` 5"),
    "output rows": ("output_width 6", "output_width 4",
        "`positions` is 6, which must be whole rows of `output_width` 4"),
    "last tile": ("positions 6 * %0, input", "positions 3 * %0, input",
        "`positions` is 3, which must be whole rows of `output_width` 6"),
    "halo": ("6 * %0 + 12", "6 * %0 + 24", "reaches positions 0 to 53, the buffer has 0 to 41"),
    "part of a row": ("6 * %0 + 12", "6 * %0 + 11",
        "`input_positions` is 23, which must be whole rows of `input_width` 6"),
    "zero width": ("input_width 6, output_width 6", "input_width 0, output_width 6",
        "`input_width` is 0.0, it must be a whole number from 1 to 16777216"),
    "half a stride": ("stride 1", "stride 1.5",
        "`stride` is 1.5, it must be a whole number from 1 to 16777216"),
    "top": ("top 0, left", "top -1025, left",
        "`top` is -1025.0, it must be a whole number from -1024 to 16777216"),
    "left": ("left 1", "left 1e9", "it must be a whole number from -1024 to 16777216"),
    "kernel": ("kernel 2, stride 2", "kernel 1025, stride 2",
        "`kernel` is 1025.0, it must be a whole number from 1 to 1024"),
    "pool rows": ("input_width 6, output_width 3, top 0\n",
        "input_width 6, output_width 2, top 0\n",
        "`positions` is 9, which must be whole rows of `output_width` 2"),
    "cells": ("cells 2940", "cells 2939",
        "`cells` is 2939, which must be `positions` 42 x `units` 70"),
    "units": ("left_units 70, right_units 70", "left_units 70, right_units 64",
        "`units` is 140, which must be `left_units` 70 + `right_units` 64"),
    "maximum": ("pool_max @pooled", "pool_max @sum",
        "pooled holds f32, values holds bit; they must be equal"),
    "row": ("@flat : bit[2, 2, 1, 2940] in spike_sram at 0x00008000",
        "@flat : f32[2, 2, 1, 2940] in state_sram at 0x00040000",
        "flat holds f32, image holds bit; they must be equal"),
    "joined": ("@joined : bit[2, 2, 42, 140] in spike_sram at 0x0000c000",
        "@joined : f32[2, 2, 42, 140] in state_sram at 0x00040000",
        "joined holds f32, left holds bit, right holds bit; they must be equal"),
}  # fmt: skip


def refusals(text: str) -> list[str]:
    with pytest.raises(DiagnosticError) as caught:
        validate(assemble(text, ""), ON_CHIP_BYTES)
    return [diagnostic.message for diagnostic in caught.value.diagnostics]


def test_a_step_on_images_passes() -> None:
    validate(assemble(STEP, ""), ON_CHIP_BYTES)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_about_images_holds(rule: str) -> None:
    old, new, message = RULES[rule]
    assert old in STEP
    assert any(message in text for text in refusals(STEP.replace(old, new)))


@pytest.mark.parametrize("seed", range(10))
def test_assembly_is_the_stream(seed: int) -> None:
    stream: Stream = RandomImages(seed).stream()
    assert assemble(disassemble(stream), "") == stream
