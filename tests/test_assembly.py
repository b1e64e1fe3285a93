"""The assembly is a text that a person reads and that is exactly one stream."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from stream_samples import TRAINING_STEP, well_formed_streams

from spikeloom.backend.assembly import assemble, disassemble, disassemble_image
from spikeloom.backend.snx.image import Image
from spikeloom.backend.stream.stream import Stream, StreamBuilder
from spikeloom.backend.validation.violation import assembly_line
from spikeloom.diagnostics import DiagnosticError


@settings(max_examples=100, deadline=None)
@given(well_formed_streams())
def test_a_stream_survives_the_way_through_its_assembly(stream: Stream) -> None:
    text = disassemble(stream)
    again = assemble(text, "again")
    assert again == stream
    assert disassemble(again) == text


def test_the_text_that_a_person_writes_is_the_text_that_is_printed() -> None:
    assert disassemble(assemble(TRAINING_STEP, "step")) == TRAINING_STEP


def test_an_instruction_whose_results_are_all_optional_may_have_none() -> None:
    text = (
        "buffer @a : f32[1, 1, 1, 4] in state_sram at 0x00000000\n\n"
        "split from gradient @a[0, 0, 0, 0] over steps 1, samples 1, positions 1, units 4, "
        "left_units 2, right_units 2\n"
    )
    assert disassemble(assemble(text, "split")) == text


def test_comments_and_blanks_are_free() -> None:
    loose = TRAINING_STEP.replace("\n", "   // a comment\n\n").replace(", ", " ,\t")
    assert assemble(loose, "loose") == assemble(TRAINING_STEP, "step")


def test_an_empty_text_is_an_empty_stream() -> None:
    assert assemble("", "empty") == StreamBuilder().finish()
    assert disassemble(StreamBuilder().finish()) == ""


def test_each_record_is_on_the_line_that_diagnostics_name() -> None:
    stream = assemble(TRAINING_STEP, "step")
    lines = disassemble(stream).splitlines()
    assert lines[assembly_line(stream, 0) - 1].startswith("load @input.tile")
    assert lines[assembly_line(stream, len(stream.instructions) - 1) - 1].startswith("add @late")


def test_an_image_is_listed_stream_by_stream() -> None:
    stream = assemble(TRAINING_STEP, "step")
    listing = disassemble_image(Image("{}", "{}", (("train", stream), ("test", stream))))
    assert listing.count(TRAINING_STEP) == 2
    assert listing.index('// stream "train"') < listing.index('// stream "test"')


BUFFERS = (
    "buffer @a : f32[1, 1, 1, 16] in dram at 0x0\nbuffer @b : f32[1, 1, 1, 16] in dram at 0x40\n"
)
UNREADABLE = [
    ("store @a[0, 0, 0, 0] = ?", "3:24", "unexpected '?'"),
    ("stare @a[0, 0, 0, 0]", "3:1", "unknown instruction `stare`"),
    ("store @c[0, 0, 0, 0] = @b[0, 0, 0, 0]", "3:7", "buffer `@c` is not defined"),
    ("store @a[0, 0] = @b[0, 0, 0, 0]", "3:14", "expected `,`, found `]`"),
    ("store @a[0, 0, 0, 0] += @b[0, 0, 0, 0]", "3:22", "expected `=`"),
    ("store @a[%0, 0, 0, 0] = @b[0, 0, 0, 0]", "3:10", "loop `%0` is not open here"),
    ("store @a[0, 0, 0, 0] = @b[0, 0, 0, 0] over rows 1", "3:44", "expected `planes`"),
    ("clear @a[0, 0, 0, 4294967296]", "3:19", "lies outside"),
    ("clear @a[0, 0, 0, 0.5]", "3:19", "expected an integer"),
    ("clear @a[0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 1 {", "3:65", "the end of the"),
    ("clear @a[0, 0, 0, " + "9" * 5000 + "]", "3:19", "a number of 5000 characters"),
    ("sgd @a[0, 0, 0, 0] = parameter", "3:20", "`parameter` is written with `+=`"),
    ("sgd @a[0, 0, 0, 0] += weight", "3:23", "unknown role `weight`"),
    ("sgd @a[0, 0, 0, 0] += parameter, @b[0, 0, 0, 0] += parameter", "3:52", "is given twice"),
    ("integrate @a[0, 0, 0, 0] = potential from current @b[0, 0, 0, 0] over steps 1, samples 1,"
     " positions 1, units 1 with decay 1e999", "3:123", "1e999 is too large"),
    ("clear @a[0, 0, 3 * 4, 0]", "3:20", "expected a loop such as `%0`"),
    ("clear @a[0, 0, 3 * %0, 0]", "3:20", "loop `%0` is not open here"),
    ("clear @a[0, 0, 0, 0] over planes 1, groups 1, rows 2 * 3, columns 1", "3:56", "a loop such"),
    ("loop %1 = 0 to 1 step 1 {", "3:6", "the loop at this depth is called `%0`"),
    ("loop %0 = 0 to 1 step 1 {", "4:1", "expected `}`, found the end of the text"),
    ("}", "3:1", "no loop is open"),
    ("buffer @a : f32[1, 1, 1, 1] in dram at 0", "3:8", "is defined twice"),
    ("buffer @c : f64[1, 1, 1, 1] in dram at 0", "3:13", "unknown element `f64`"),
    ("buffer @c : f32[1, 1, 1, 1] in drum at 0", "3:32", "unknown memory `drum`"),
    ("buffer @c : f32[2147483647, 2147483647, 1, 2147483647] in dram at 0", "3:16", "too large"),
    ('buffer @"\\q" : f32[1, 1, 1] in dram at 0', "3:8", "the quoted text cannot be read"),
    ('buffer @"\\ud800" : f32[1, 1, 1] in dram at 0', "3:8", "it has no UTF-8"),
    ('buffer @"' + "x" * 5000 + '" : f32[1, 1, 1] in dram at 0', "3:8", "the limit is 4096"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "place", "message"), UNREADABLE)
def test_a_text_that_cannot_be_read_says_where_and_why(line: str, place: str, message: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        assemble(f"{BUFFERS}{line}\n", "bad.asm")
    headline = caught.value.diagnostics[0].headline
    assert headline.startswith(f"bad.asm:{place}: error: ")
    assert message in headline


def test_a_slip_of_the_pen_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(DiagnosticError) as caught:
        assemble("acumulate", "bad.asm")
    assert caught.value.diagnostics[0].help == "did you mean `accumulate`?"


def test_loops_nest_no_deeper_than_the_machine_allows() -> None:
    text = "".join(f"loop %{depth} = 0 to 1 step 1 {{\n" for depth in range(9)) + "}\n" * 9
    with pytest.raises(DiagnosticError, match="loops nest deeper than 8"):
        assemble(text, "deep.asm")


def test_a_stream_that_is_not_well_formed_has_no_assembly() -> None:
    stream = assemble(TRAINING_STEP, "step")
    stream.instructions["opcode"][0] = 999
    with pytest.raises(DiagnosticError, match="opcode 999 is unknown"):
        disassemble(stream)
