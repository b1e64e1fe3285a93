"""The user's pipeline: `--pipeline`, `--pass-option` and `--print-pipeline` of `run`, `compile`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from programs import LEARNING, write_program

from spikeloom.command_line import main

Captured = pytest.CaptureFixture[str]
PLAIN = "infer-shapes,expand-bptt,lower-to-engine"


def spikeloom(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def result(folder: Path, program: Path, *options: object) -> dict[str, object]:
    """The JSON result of one epoch."""
    file = folder / "result.json"
    assert spikeloom("run", program, "--epochs", 1, "--json", file, *options) == 0
    return json.loads(file.read_text())


def refusal(capsys: Captured, code: str, *arguments: object) -> str:
    """Standard error of a command that must end with exit code 1 and one error of this code."""
    capsys.readouterr()
    assert spikeloom(*arguments) == 1
    text = capsys.readouterr().err
    assert text.count("error:") == 1
    assert f"[{code}]" in text
    assert "Traceback" not in text
    return text


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return write_program(tmp_path)


@pytest.fixture
def default(capsys: Captured) -> str:
    """What `--print-pipeline` prints."""
    assert spikeloom("run", "--print-pipeline") == 0
    return capsys.readouterr().out.strip()


# --- what the pipeline does ------------------------------------------------------------


def test_the_printed_pipeline_is_the_one_that_runs(
    tmp_path: Path, program: Path, default: str
) -> None:
    assert result(tmp_path, program, "--pipeline", default) == result(tmp_path, program)


def test_both_commands_print_the_same_pipeline(capsys: Captured, default: str) -> None:
    assert spikeloom("compile", "--print-pipeline") == 0
    assert capsys.readouterr().out.strip() == default


def test_other_passes_change_the_cycles_and_not_what_is_learned(
    tmp_path: Path, program: Path, default: str
) -> None:
    usual, serial = (
        result(tmp_path, program, "--pipeline", text)
        for text in (default, default.replace("schedule-engines", "schedule-engines{mode=serial}"))
    )
    assert serial["epochs"] == usual["epochs"]
    cycles = serial["cycles"], usual["cycles"]
    assert isinstance(cycles[0], int)
    assert isinstance(cycles[1], int)
    assert cycles[0] > cycles[1]


def test_an_option_of_a_pass_equals_the_edited_pipeline(
    tmp_path: Path, program: Path, default: str
) -> None:
    edited = default.replace("fuse-luts", "fuse-luts{width=2}")
    edited = edited.replace("schedule-engines", "schedule-engines{mode=serial}")
    options = (
        "--pass-option",
        "fuse-luts{width=2}",
        "--pass-option",
        "schedule-engines{mode=serial}",
    )
    changed = result(tmp_path, program, *options)
    assert changed == result(tmp_path, program, "--pipeline", edited)
    assert changed["cycles"] != result(tmp_path, program)["cycles"]


def test_an_option_changes_a_given_pipeline_and_keeps_its_other_options(
    tmp_path: Path, program: Path
) -> None:
    given = "infer-shapes,expand-bptt,schedule-engines{mode=serial},lower-to-engine"
    both = given.replace("mode=serial", "mode=serial double-buffers=false")
    options = ("--pipeline", given, "--pass-option", "schedule-engines{double-buffers=false}")
    assert result(tmp_path, program, *options) == result(tmp_path, program, "--pipeline", both)


def test_compiling_and_executing_equals_running(tmp_path: Path, program: Path) -> None:
    image, file = tmp_path / "tiny.snx", tmp_path / "executed.json"
    assert spikeloom("compile", program, "-o", image, "--pipeline", PLAIN) == 0
    assert spikeloom("exec", image, "--epochs", 1, "--json", file) == 0
    assert json.loads(file.read_text()) == result(tmp_path, program, "--pipeline", PLAIN)


def test_counting_takes_the_pipeline_too(tmp_path: Path, program: Path) -> None:
    file, shares = tmp_path / "counted.json", "spikes=.2,mask=.3,gradients=.5"
    counted: list[int] = []
    for options in ((), ("--pass-option", "schedule-engines{mode=serial}")):
        arguments = ("run", program, "--count-only", "--density", shares, "--json", file)
        assert spikeloom(*arguments, *options) == 0
        counted.append(json.loads(file.read_text())["cycles"])
    assert counted[1] > counted[0]


def test_a_profile_says_what_to_count_beside_a_pipeline(tmp_path: Path, program: Path) -> None:
    profile = tmp_path / "profile.json"
    assert spikeloom("run", program, "--epochs", 1, "--json", profile) == 0
    arguments = ("--count-only", "--profile", profile, "--pipeline", PLAIN)
    assert spikeloom("run", program, *arguments) == 0


def test_the_pipeline_is_verified_by_running(program: Path, capsys: Captured) -> None:
    options = ("--pass-option", "fuse-luts{width=2}", "--batches", 1, "--verify-by-running")
    assert spikeloom("run", program, *options) == 0
    lines = capsys.readouterr().err
    assert "training: verified by running: 12 passes change none of" in lines
    assert "inference: verified by running: 12 passes change none of" in lines


def test_sizes_that_fit_every_stream_may_be_written(tmp_path: Path) -> None:
    even = write_program(tmp_path, LEARNING.replace("samples = 26", "samples = 8, test = 0"))
    fitting = PLAIN.replace("expand-bptt", "expand-bptt{training=true steps=4 batch=8}")
    assert result(tmp_path, even, "--pipeline", fitting) == result(
        tmp_path, even, "--pipeline", PLAIN
    )


# --- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pipeline", "code", "words"),
    [
        ("infer-shapes,expand-bppt", "E0203", "did you mean `expand-bptt`?"),
        (PLAIN.replace("bptt", "bptt{stepz=4}"), "E0203", "did you mean `steps`?"),
        (PLAIN.replace("bptt", "bptt{steps=many}"), "E0203", "cannot be `many`"),
        ("infer-shapes,", "E0208", "no expand-bptt"),
        ("infer-shapes,,", "E0203", "cannot be read"),
        ("", "E0208", "`spikeloom run --print-pipeline` shows"),
        ("infer-shapes,lower-to-engine", "E0208", "no expand-bptt"),
        ("infer-shapes,expand-bptt", "E0208", "end it with lower-to-engine"),
        ("lower-to-engine,expand-bptt", "E0208", "end it with lower-to-engine"),
        (PLAIN.replace("bptt", "bptt{training=false}"), "E0208", "the stream train[8]"),
        (PLAIN.replace("bptt", "bptt{training=true}"), "E0208", "the stream test[5]"),
        (PLAIN.replace("bptt", "bptt{steps=5}"), "E0208", "with steps=4"),
        (PLAIN.replace("bptt", "bptt{batch=8}"), "E0208", "the stream train[5] with batch=5"),
        ("mlir-opt", "E0203", "there is no pass `mlir-opt`"),
        ("mlir-opt[canonicalize]", "E0203", "there is no pass `mlir-opt`"),
        (f"{PLAIN},extract-dataflow{{limit=1}}", "E0205", "limit"),
    ],
)
def test_a_pipeline_that_leads_nowhere_is_one_error(
    program: Path, capsys: Captured, pipeline: str, code: str, words: str
) -> None:
    assert words in refusal(capsys, code, "run", program, "--pipeline", pipeline)


@pytest.mark.parametrize(
    ("option", "code", "words"),
    [
        ("fuse-luts{widht=4}", "E0203", "did you mean `width`?"),
        ("fuse-lutz{width=4}", "E0203", "did you mean `fuse-luts`?"),
        ("analyze-sparsity", "E0405", "does not stand in the pipeline"),
        ("cse", "E0405", "stands in the pipeline 2 times"),
        ("cse,dce", "E0405", "one pass"),
        ("", "E0405", "one pass"),
        ("fuse-luts{", "E0203", "cannot be read"),
        ("expand-bptt{batch=7}", "E0208", "leave `batch` out"),
    ],
)
def test_an_option_that_fits_no_pass_is_one_error(
    program: Path, capsys: Captured, option: str, code: str, words: str
) -> None:
    assert words in refusal(capsys, code, "run", program, "--pass-option", option)


def test_an_error_points_into_the_text_that_is_wrong(program: Path, capsys: Captured) -> None:
    options = ("--pass-option", "fuse-luts{width=2}", "--pass-option", "fuse-luts{widht=4}")
    lines = refusal(capsys, "E0203", "run", program, *options).splitlines()
    assert lines[0].startswith("<pass-option 2>:1:11: error:")
    assert lines[1:3] == ["  fuse-luts{widht=4}", "            ^^^^^"]
    lines = refusal(capsys, "E0203", "run", program, "--pipeline", "cse,dcee").splitlines()
    assert lines[:3][1:] == ["  cse,dcee", "      ^^^^"]


def test_a_profile_contradicts_a_pipeline(tmp_path: Path, program: Path, capsys: Captured) -> None:
    arguments = ("run", program, "--profile", tmp_path / "p.json", "--pipeline", PLAIN)
    assert "analyze-sparsity{profile=" in refusal(capsys, "E0405", *arguments)


def test_a_foreign_pass_that_cannot_handle_the_program_is_one_error(
    program: Path, capsys: Captured
) -> None:
    arguments = ("run", program, "--pipeline", f"{PLAIN},apply-pdl-interp")
    words = refusal(capsys, "E0204", *arguments)
    assert "the pass `apply-pdl-interp` cannot handle this IR" in words
