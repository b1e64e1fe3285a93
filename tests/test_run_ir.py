"""IR of every level is run like the program that it came from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ir_files import (
    DEFAULT,
    EVEN,
    IMAGE,
    RECURRENT,
    TRAINING_STEP,
    Captured,
    ir,
    printed,
    refusal,
    result,
    spikeloom,
)
from programs import INFERENCE, LEARNING, write_program

# --- the same numbers on every level ---------------------------------------------------


@pytest.mark.parametrize("text", [LEARNING, RECURRENT, IMAGE])
def test_a_network_as_ir_gives_the_same_numbers(tmp_path: Path, text: str) -> None:
    program = write_program(tmp_path, text)
    assert result(ir(tmp_path, program, "")) == result(program)


def test_with_its_locations_ir_prints_the_same_report(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(tmp_path)
    written = ir(tmp_path, program, "", "--print-debuginfo")
    assert printed(capsys, written) == printed(capsys, program)


@pytest.mark.parametrize("text", [EVEN, RECURRENT, IMAGE])
@pytest.mark.parametrize("pipeline", [TRAINING_STEP, DEFAULT], ids=["bptt", "engine"])
def test_a_training_step_as_ir_gives_the_same_numbers(
    tmp_path: Path, text: str, pipeline: str
) -> None:
    program = write_program(tmp_path, text)
    assert result(ir(tmp_path, program, pipeline)) == result(program)


@pytest.mark.parametrize("pipeline", [TRAINING_STEP, DEFAULT], ids=["bptt", "engine"])
def test_compile_writes_ir_that_trains_and_tests_like_the_program(
    tmp_path: Path, pipeline: str
) -> None:
    program, written = write_program(tmp_path), tmp_path / "all.mlir"
    assert spikeloom("compile", program, "--pipeline", pipeline, "-o", written) == 0
    assert result(written) == result(program)


def test_inference_as_ir_gives_the_same_numbers(tmp_path: Path) -> None:
    program, data = write_program(tmp_path, INFERENCE), tmp_path / "data.npz"
    source = np.random.default_rng(3)
    spikes = (source.random((70, 4, 6)) < 0.5).astype(np.uint8)
    np.savez(data, spikes=spikes, labels=source.integers(0, 3, 70))
    expected = result(program, "--data", data)
    assert result(ir(tmp_path, program, ""), "--data", data) == expected
    written = tmp_path / "all.mlir"
    assert spikeloom("compile", program, "--data", data, "-o", written) == 0
    assert result(written, "--data", data) == expected


def test_ir_is_lowered_as_it_stands_and_keeps_its_choices(tmp_path: Path) -> None:
    program = write_program(tmp_path, EVEN)
    serial = "infer-shapes,expand-bptt,schedule-engines{mode=serial}"
    found = result(ir(tmp_path, program, serial))
    assert found == result(program, "--pipeline", f"{serial},lower-to-engine")
    assert found != result(program)


def test_ir_goes_through_the_passes_that_the_user_names(tmp_path: Path) -> None:
    program = write_program(tmp_path, EVEN)
    step = ir(tmp_path, program, "infer-shapes,expand-bptt")
    rest = "fuse-luts{width=2},lower-to-engine"
    whole = f"infer-shapes,expand-bptt,{rest}"
    assert result(step, "--pipeline", rest) == result(program, "--pipeline", whole)


def test_a_compiled_step_is_executed_later(tmp_path: Path) -> None:
    step = ir(tmp_path, write_program(tmp_path), "infer-shapes,expand-bptt")
    image, file = tmp_path / "step.snx", tmp_path / "executed.json"
    assert spikeloom("compile", step, "-o", image) == 0
    assert spikeloom("exec", image, "--json", file) == 0
    executed = json.loads(file.read_text())
    assert executed.pop("program") == str(step)
    assert executed == result(step)


# --- sizes and streams -----------------------------------------------------------------


def test_a_training_step_fits_the_last_batch_and_nothing_is_tested(
    tmp_path: Path, capsys: Captured
) -> None:
    program = write_program(tmp_path)  # batches of 8, 8 and 5
    pipeline = "infer-shapes,expand-bptt"
    found = result(ir(tmp_path, program, pipeline))
    warning = capsys.readouterr().err
    assert "[W0503]" in warning
    assert "5 test samples are left out" in warning
    expected = result(program, "--pipeline", f"{pipeline},lower-to-engine")
    assert found["test_accuracy"] is None
    for one, other in zip(epochs(found), epochs(expected), strict=True):
        assert {**other, "test_accuracy": None} == one


def epochs(found: dict[str, object]) -> list[dict[str, object]]:
    listed = found["epochs"]
    assert isinstance(listed, list)
    return listed


def test_a_step_says_how_many_steps_and_samples_it_takes(tmp_path: Path) -> None:
    program = write_program(tmp_path, EVEN)
    smaller = write_program(
        tmp_path, EVEN.replace("steps = 4", "steps = 3").replace("batch = 8", "batch = 4"), "b.snn"
    )
    written = ir(tmp_path, program, "infer-shapes,expand-bptt{steps=3 batch=4}")
    expected = result(smaller, "--pipeline", "infer-shapes,expand-bptt,lower-to-engine")
    assert result(written) == expected


def test_a_program_fits_one_batch_and_the_refusal_says_what_does(
    tmp_path: Path, capsys: Captured
) -> None:
    written = ir(tmp_path, write_program(tmp_path), DEFAULT)
    words = refusal(capsys, "E0209", "run", written)
    assert "train[5] of 4 steps, but the IR holds train[8] of 4 steps" in words
    assert "`spikeloom compile PROGRAM -o FILE.mlir` writes all that are needed" in words


def test_a_last_batch_without_a_variance_is_refused(tmp_path: Path, capsys: Captured) -> None:
    text = LEARNING.replace("linear(x, 5)", "batchnorm(linear(x, 5))")
    text = text.replace("steps = 4", "steps = 1").replace("samples = 26", "samples = 9, test = 0")
    program = write_program(tmp_path, text)
    written = ir(tmp_path, program, "infer-shapes,expand-bptt")
    for path in (program, written):
        assert "a single number per channel" in refusal(capsys, "E0204", "run", path)


def test_ir_is_counted(tmp_path: Path) -> None:
    program = write_program(tmp_path)
    shares = ("--count-only", "--density", "spikes=.2,mask=.3,gradients=.5")
    declared = 'analyze-sparsity{density="spikes=.2,mask=.3,gradients=.5"}'
    step = f"{TRAINING_STEP},{declared},fuse-luts,schedule-engines"
    for pipeline in (step, f"{step},lower-to-engine"):
        assert result(ir(tmp_path, program, pipeline), *shares) == result(program, *shares)


def test_ir_is_verified_by_running(tmp_path: Path, capsys: Captured) -> None:
    written = ir(tmp_path, write_program(tmp_path, EVEN), TRAINING_STEP)
    assert spikeloom("run", written, "--verify-by-running", "--batches", 1) == 0
    assert "training: verified by running: 1 passes change none of" in capsys.readouterr().err


def test_other_commands_take_a_network_as_ir(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(tmp_path)
    outputs: list[str] = []
    for path in (program, ir(tmp_path, program, "")):
        assert spikeloom("operations", path) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    step = ir(tmp_path, program, TRAINING_STEP)
    assert "one snn.network" in refusal(capsys, "E0209", "operations", step)
