"""Only streams that obey every rule of the machine are executed; one test per rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stream_samples import ON_CHIP_BYTES, TRAINING_STEP

from spikeloom.backend.assembly import assemble
from spikeloom.backend.stream.stream import NO_BUFFER, Slice, Stream, StreamBuilder
from spikeloom.backend.validation import written_before_read
from spikeloom.backend.validation.validator import ValidatedStream, validate
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.instruction_set import Element


def sample() -> Stream:
    return assemble(TRAINING_STEP, "step")


def refusals(stream: Stream | str) -> list[str]:
    """The messages with which a stream, or a text, is refused."""
    if isinstance(stream, str):
        stream = assemble(stream, "step")
    with pytest.raises(DiagnosticError) as caught:
        validate(stream, ON_CHIP_BYTES)
    assert {diagnostic.code for diagnostic in caught.value.diagnostics} == {"E0304"}
    return [diagnostic.message for diagnostic in caught.value.diagnostics]


def edited(*changes: tuple[str, str]) -> str:
    """The training step with texts replaced, each of which has to be there."""
    text = TRAINING_STEP
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def test_a_training_step_is_accepted() -> None:
    validated = validate(sample(), ON_CHIP_BYTES)
    assert validated.stream == sample()
    assert validated.dynamic_instructions == 5 + 3 * (1 + 3) + 1 + 3 + 5 + 3 + 1
    assert validated.executions[:9] == (1, 1, 1, 1, 1, 1, 3, 3, 9)
    assert dict(validated.memories) == ON_CHIP_BYTES


def test_an_empty_stream_is_accepted() -> None:
    assert validate(StreamBuilder().finish(), {}).dynamic_instructions == 0


def test_what_was_validated_cannot_change_any_more() -> None:
    stream = sample()
    validated = validate(stream, ON_CHIP_BYTES)
    stream.instructions["opcode"] = 0
    assert validated.stream == sample()
    with pytest.raises(ValueError, match="read-only"):
        validated.stream.instructions["opcode"] = 0


def test_nobody_else_makes_a_validated_stream() -> None:
    with pytest.raises(TypeError, match="only"):
        ValidatedStream(sample(), (), (), (), (), 0, object())
    with pytest.raises(ValueError, match="_token"):
        replace(validate(sample(), ON_CHIP_BYTES), stream=sample())


def test_a_violation_names_instruction_line_location_limit_and_value() -> None:
    assert refusals(
        edited(("[0, %1, 0, %0] += @input.tile", "[0, %1 + 8, 0, %0] += @input.tile"))
    ) == [
        'instruction 8 (assembly line 28, "net.snn:3:14"): `current` "current" reaches samples'
        " 8 to 39, the buffer has 0 to 31"
    ]


def test_the_first_ten_violations_are_reported_at_once() -> None:
    text = edited(("steps 4,", "steps 5,"), ("planes 4,", "planes 5,"), ("units 130", "units 200"))
    assert len(refusals(text)) == 10


# --- structure: what the assembly cannot even spell ---------------------------------------


@pytest.mark.parametrize(
    ("field", "record", "value", "message"),
    [
        ("opcode", 0, 0, "opcode 0 is unknown"),
        ("opcode", 0, 500, "opcode 500 is unknown"),
        ("opcode", 5, 2, "an END without a LOOP"),
        ("opcode", 9, 3, "a LOOP without an END"),
        ("partner", 5, 9, "belong together, but name 9 and 5"),
        ("partner", 10, 7, "belong together, but name 10 and 7"),
        ("partner", 0, 1, "a field that `load` does not use is not at its default"),
        ("location", 10, 0, "has another location than its LOOP 5"),
        ("extent", 5, (1, 0, 0, 0, 0), "a field that loops do not use is not at its default"),
        ("loop", 10, (1, 0, 0), "a field that loops do not use is not at its default"),
        ("immediate", 0, (-0.0, 0, 0, 0, 0, 0, 0), "a field that `load` does not use"),
        ("extent", 0, (4, 32, 1, 70, 1), "a field that `load` does not use"),
        ("buffer", 0, (4, 99, -1, -1, -1, -1), "there are only 18 buffers"),
        ("buffer", 0, (4, -2, -1, -1, -1, -1), "there are only 18 buffers"),
        ("buffer", 0, (4, NO_BUFFER, -1, -1, -1, -1), "`load` needs its role `source`"),
        ("buffer", 0, (4, 0, 1, -1, -1, -1), "`load` has only 2 roles, more are set"),
        ("base", 0, ((0, 0, 0, 0),) * 5 + ((1, 0, 0, 0),), "an absent operand has a slice"),
        ("base_loop", 0, -2, "a slice names a closed loop"),
        ("base_loop", 6, 1, "a slice names a closed loop"),
        ("extent_loop", 6, (-1, -1, -1, 1, -1), "an axis names a closed loop"),
        ("base_scale", 0, 2, "a slice has a scale without a loop"),
        ("base_scale", 6, 0, "the scale of a slice is less than 1"),
        ("base_scale", 5, 0, "a field that loops do not use is not at its default"),
        ("extent_scale", 0, (1, 2, 1, 1, 1), "an axis has a scale without a loop"),
        ("extent_scale", 6, (1, 1, 1, -1, 1), "the scale of an axis is less than 1"),
        ("extent_scale", 0, (1, 1, 1, 1, 0), "a field that `load` does not use"),
        ("extent_scale", 10, 0, "a field that loops do not use is not at its default"),
        ("immediate", 11, (0.5, np.nan, 0, 0, 0, 0, 0), "is not a finite single-precision"),
        ("immediate", 11, (0.5, 1e300, 0, 0, 0, 0, 0), "is not a finite single-precision"),
    ],
)
def test_a_record_has_a_meaning(field: str, record: int, value: object, message: str) -> None:
    stream = sample()
    if isinstance(value, tuple):
        stream.instructions[field][record][: len(value)] = value
    else:
        stream.instructions[field][record] = value
    assert any(message in text for text in refusals(stream))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("memory", 7, "memory 7, the last is 6"),
        ("element", 3, "element 3, the last is 2"),
        ("shape", (4, 32, 1, 0), "every dimension must be at least 1"),
        ("bytes", 64, "says 64 bytes, its shape [4, 32, 1, 70] takes 2048"),
    ],
)
def test_a_buffer_has_a_meaning(field: str, value: object, message: str) -> None:
    stream = sample()
    stream.buffers[field][0] = value
    assert any(message in text for text in refusals(stream))


def test_the_tables_of_a_stream_belong_together() -> None:
    stream = sample()
    broken = [
        (replace(stream, buffer_names=stream.buffer_names[1:]), "17 buffer names, expected 18"),
        (replace(stream, buffer_roles=stream.buffer_roles[1:]), "17 buffer roles, expected 18"),
        (replace(stream, layers=stream.layers[1:]), "layers, expected"),
        (replace(stream, layers=("x", *stream.layers[1:-1], "x" * 5000)), "is not UTF-8 of at"),
        (replace(stream, layers=("\ud800", *stream.layers[1:])), "is not UTF-8 of at most"),
        (replace(stream, locations=("",)), "the locations are not"),
        (replace(stream, locations=(*stream.locations, "unused")), "the locations are not"),
        (replace(stream, locations=("", "")), "a location is listed twice"),
        (replace(stream, buffer_names=("input",) * 18), "needs a name of its own"),
        (replace(stream, layers=("",) * 5 + ("x",) + stream.layers[6:]), "a loop belongs to"),
    ]
    for unfit, message in broken:
        assert message in refusals(unfit)[0]


def test_loops_nest_no_deeper_than_eight() -> None:
    builder = StreamBuilder()
    for _ in range(9):
        builder.open_loop(0, 1, 1)
    for _ in range(9):
        builder.close_loop()
    assert "loops nest deeper than 8" in refusals(builder.finish())[0]


# --- everything else: one edit of the training step per rule ------------------------------

# name of the rule: (text of the training step, text that breaks the rule, message)
RULES: dict[str, tuple[str, str, str]] = {
    "step": ("0 to 32 step 12", "0 to 32 step 0", "the step of a loop must not be 0"),
    "runs": ("0 to 32 step 12", "0 to 32 step -1", "from 0 to 32 with step -1 never runs"),
    "fuel": ("loop %0 = 1 to 4 step 1", "loop %0 = 1 to 2147483647 step 1",
        "the limit is 200000000"),
    "memory size": ("state_sram at 0x00062000", "state_sram at 0x00100000",
        "ends at byte 1048640 of state_sram, which has 1048576 bytes"),
    "dram size": ("dram at 0x00040000", "dram at 0x10000000000",
        "ends at byte 1099511630848 of dram, which has 1099511627776 bytes"),
    "alignment": ("dram at 0x00040000", "dram at 0x00040020", "at a multiple of 64"),
    "offset": ("dram at 0x00040000", "dram at -0x40", "starts at byte -64"),
    "apart in dram": ("dram at 0x00010000", "dram at 0x000007c0", "overlap in dram"),
    "role twice": ("role label", "role input", "have the same role"),
    "element": ("@readout[0, 0, 0, 0] = @spikes", "@readout[0, 0, 0, 0] = @label.tile",
        "holds i32, the role takes bit or f32"),
    "equal elements": ("@spikes.out[0, 0, 0, 0] = @spikes", "@spikes.out[0, 0, 0, 0] = @current",
        "target holds bit, source holds f32"),
    "from dram": ("load @input.tile[0, 0, 0, 0] = @input[", "load @input.tile[0, 0, 0, 0] = @mask[",
        "lies in spike_sram, the role must be in dram"),
    "on chip": ("+= @input.tile[", "+= @input[", "lies in dram, the role must be on chip"),
    "extent": ("samples 32, positions 1, units 130 with scale 1\n",
        "samples 0, positions 1, units 130 with scale 1\n",
        "axis `samples` has the extent 0, the least is 1"),
    "lower bound": ("@potential[%0 - 1, 0, 0, 0]", "@potential[%0 - 2, 0, 0, 0]",
        "reaches steps -1 to 1, the buffer has 0 to 3"),
    "upper bound": ("loop %0 = 1 to 4", "loop %0 = 1 to 5", "reaches steps 1 to 4"),
    "cut tile": ("0 to 130 step 64 loc", "0 to 131 step 64 loc", "reaches features 0 to 130"),
    "wide tile": ("0 to 130 step 64 loc", "0 to 130 step 128 loc",
        "reaches features 0 to 127, the buffer has 0 to 63"),
    "scaled start": ("@current[0, %1, 0, %0] +=", "@current[0, 2 * %1, 0, %0] +=",
        "reaches samples 0 to 55, the buffer has 0 to 31"),
    "scaled tile": ("samples %1, positions", "samples 2 * %1, positions",
        "reaches samples 0 to 39, the buffer has 0 to 31"),
    "halo": ("samples %1, positions", "samples %1 + 1, positions",
        "reaches samples 0 to 32, the buffer has 0 to 31"),
    "shrunk tile": ("samples %1, positions", "samples %1 - 8, positions",
        "axis `samples` has the extent 0, the least is 1"),
    "scaled vectors": ("@current[0, %1, 0, %0] +=", "@current[0, 0, 0, 3 * %1] +=",
        "starts at features 0, 36, ..., which must be multiples of 16 for f32"),
    "descending tile": ("2 to -1 step -1", "2 to -2 step -2", "only step -1 may set an extent"),
    "bit vectors": ("@input[0, 0, 0, 0] over", "@input[0, 0, 0, 6] over",
        "starts at features 6, which must be multiples of 64 for bit"),
    "word vectors": ("@weight[0, 0, 0, %0]", "@weight[0, 0, 0, %0 + 8]",
        "starts at features 8, 72, ..., which must be multiples of 16 for f32"),
    "vector step": ("0 to 130 step 64 loc", "0 to 130 step 40 loc",
        "starts at features 0, 40, ..., which must be multiples of 16 for f32"),
    "alias": ("@potential[%0 - 1, 0, 0, 0]", "@potential[%0, 0, 0, 0]", "may share cells"),
    "address alias": ("state_sram at 0x00020000", "state_sram at 0x00011000", "may share cells"),
    "surrogate": ("reset 0, surrogate 0", "reset 0, surrogate 4", "one of 0, 1, 2, 3"),
    "reset": ("reset 0, surrogate 0", "reset 0.5, surrogate 0", "one of 0, 1, 2"),
    "detach": ("detach_reset 0", "detach_reset 2", "must be one of 0, 1"),
    "shape": ("shape 0.5", "shape 0", "`shape` is 0.0, it must be greater than 0"),
    "previous spikes": (", previous_spikes @spikes[%0 - 1, 0, 0, 0]", "",
        "`previous_potential` needs `previous_spikes`"),
    "previous potential": (", previous_potential @potential[%0 - 1, 0, 0, 0]", "",
        "`previous_spikes` needs `previous_potential`"),
    "gradient spikes": (", spikes @spikes[3, 0, 0, 0]", "", "a reset to zero needs `spikes`"),
    "gradient potential": (", potential @potential[3, 0, 0, 0]", "",
        "the gradient of a reset to zero needs `potential`"),
    "host writes": ("role input", "role output",
        '`source` reads "input"[0, 0, 0, 0] before it is written'),
    "written": ("clear @loss[0, 0, 0, 0]", "clear @correct[0, 0, 0, 0]",
        '`loss` reads "loss"[0, 0, 0, 0] before it is written'),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_of_the_machine_holds(rule: str) -> None:
    old, new, message = RULES[rule]
    assert any(message in text for text in refusals(edited((old, new))))


OPTIONAL_ROLES = [
    ("reset 0, surrogate 0, shape 0.5, gain 1, detach_reset 0", "spikes potential"),
    ("reset 0, surrogate 0, shape 0.5, gain 1, detach_reset 1", "spikes mask"),
    ("reset 0, surrogate 2, shape 0.5, gain 1, detach_reset 1", "spikes potential"),
    ("reset 1, surrogate 0, shape 0.5, gain 1, detach_reset 0", "mask"),
    ("reset 1, surrogate 1, shape 0.5, gain 1, detach_reset 0", "potential"),
    ("reset 2, surrogate 0, shape 0.5, gain 1, detach_reset 0", "potential"),
    ("reset 2, surrogate 3, shape 0.5, gain 1, detach_reset 0", "potential"),
]


@pytest.mark.parametrize(("numbers", "needed"), OPTIONAL_ROLES)
def test_the_gradient_needs_what_its_formula_reads_and_no_more(numbers: str, needed: str) -> None:
    roles = needed.split()
    validate(gradient_with(numbers, roles), ON_CHIP_BYTES)
    for role in roles:
        assert "needs" in refusals(gradient_with(numbers, [r for r in roles if r != role]))[0]


def gradient_with(numbers: str, roles: list[str]) -> Stream:
    """A `fire_gradient` with some of its optional roles."""
    elements = {"out": "f32", "in": "f32", "spikes": "bit", "mask": "bit", "potential": "f32"}
    lines = [
        f"buffer @{name} : {element}[1, 1, 1, 16] in state_sram at {64 * index}"
        for index, (name, element) in enumerate(elements.items())
    ]
    lines += [
        f"clear @{name}[0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 16"
        for name in ("in", "spikes", "mask", "potential")
    ]
    reads = "".join(f", {role} @{role}[0, 0, 0, 0]" for role in sorted(roles))
    lines.append(
        f"fire_gradient @out[0, 0, 0, 0] = gradient from spike_gradient @in[0, 0, 0, 0]{reads}"
        f" over steps 1, samples 1, positions 1, units 16 with decay 1, threshold 1, {numbers}"
    )
    return assemble("\n".join(lines), "")


def test_counters_cannot_overflow() -> None:
    text = """\
buffer @loss : f32[1, 1, 1, 1] in state_sram at 0x0
buffer @correct : i32[1, 1, 1, 1] in state_sram at 0x40
buffer @label : i32[1, 1048576, 1, 1] in state_sram at 0x80
buffer @readout : f32[1, 1048576, 1, 10] in gradient_sram at 0x0
clear @loss[0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 1
clear @correct[0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 1
clear @label[0, 0, 0, 0] over planes 1, groups 1048576, rows 1, columns 1
clear @readout[0, 0, 0, 0] over planes 1, groups 1048576, rows 1, columns 10
loop %0 = 0 to 2047 step 1 {
  cross_entropy @loss[0, 0, 0, 0] += loss, @correct[0, 0, 0, 0] += correct from \
readout @readout[0, 0, 0, 0], label @label[0, 0, 0, 0] over samples 1048576, units 10 with scale 1
}
"""
    memories = {name: 1 << 30 for name in ON_CHIP_BYTES}
    validate(assemble(text.replace("\\\n", ""), ""), memories)
    with pytest.raises(DiagnosticError, match='"correct" may count to 2147483648, the limit is'):
        validate(assemble(text.replace("2047", "2048"), ""), memories)


def test_moments_decay() -> None:
    words = ["first_moment", "second_moment", "parameter", "gradient"]
    text = "".join(
        f"buffer @{w} : f32[1, 1, 1, 16] in state_sram at {64 * i}\n" for i, w in enumerate(words)
    )
    text += "buffer @count : i32[1, 1, 1, 1] in state_sram at 0x100\n"
    text += "".join(
        f"clear @{w}[0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 16\n" for w in words
    )
    text += "clear @count[0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 1\n"
    text += "adam @parameter[0, 0, 0, 0], @first_moment[0, 0, 0, 0], @second_moment[0, 0, 0, 0] +="
    text += " @gradient[0, 0, 0, 0], @count[0, 0, 0, 0] over taps 1, rows 1, columns 16"
    text += " with rate 0.1, beta1 0.9, beta2 0.999, epsilon 1e-8, decay 0"
    validate(assemble(text, ""), ON_CHIP_BYTES)
    assert (
        "`beta1` is 1.0, it must be at least 0 and less than 1"
        in refusals(text.replace("beta1 0.9", "beta1 1"))[0]
    )


def test_on_chip_memories_have_an_upper_limit() -> None:
    text = "buffer @x : f32[1, 1, 1, 16] in state_sram at 0x80000000\n"
    with pytest.raises(DiagnosticError, match="which has 2147483647 bytes"):
        validate(assemble(text, ""), {"state_sram": 1 << 40})


def test_overlaps_that_are_too_many_to_follow_are_refused() -> None:
    builder = StreamBuilder()
    for index in range(3000):
        builder.buffer(f"b{index}", Element.F32, (1, 1, 1, 1), "state_sram", 0)
    builder.emit("clear", {"target": Slice(0)}, (1, 1, 1, 1))
    assert "too large to validate: over 4194304 overlapping" in refusals(builder.finish())[0]


def test_cells_that_are_too_many_to_follow_are_refused() -> None:
    text = """\
buffer @x : f32[10000, 10000, 1, 16] in dram at 0x0
loop %0 = 0 to 10000 step 1 {
  clear @x[%0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 16
}
loop %0 = 0 to 10000 step 1 {
  clear @x[0, %0, 0, 0] over planes 1, groups 1, rows 1, columns 16
}
"""
    assert "too large to validate: 1e+08 cells to keep track of" in refusals(text)[0]


def test_a_stream_that_cannot_be_checked_in_time_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Every other cell of the last half is never written, so that the buffer is never full.
    text = """\
buffer @x : f32[1, 30000, 1, 16] in state_sram at 0x0
loop %0 = 0 to 30000 step 2 {
  clear @x[0, %0, 0, 0] over planes 1, groups 1, rows 1, columns 16
}
loop %0 = 0 to 1000000 step 1 {
  clear @x[0, 0, 0, 0] over planes 1, groups 15000, rows 1, columns 16
}
"""
    monkeypatch.setattr(written_before_read, "MAX_VISITS", 2**24)
    with pytest.raises(DiagnosticError, match=r"too large to validate: .* visits to cells"):
        validate(assemble(text, ""), {"state_sram": 1 << 30})
