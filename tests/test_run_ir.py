"""IR of every level is run like the program that it came from."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from fuzzing import Mutator, watched
from fuzzing_seeds import MODULE_WORDS
from programs import INFERENCE, LEARNING, write_program

from spikeloom.command_line import main
from spikeloom.compiler import open_pipeline_text
from spikeloom.opt import main as spikeloom_opt

Captured = pytest.CaptureFixture[str]

EVEN = LEARNING.replace("samples = 26", "samples = 16, test = 0")
"""Two training batches of 8 an epoch, and nothing to test with."""

RECURRENT = """network memory(x: spikes[6]) -> spikes[3] {
    hidden = lif(linear(x, 5) + linear(previous(hidden), 5, bias = false))
    return lif(linear(hidden, 3))
}""" + EVEN[EVEN.index("\ntrain") :].replace("tiny", "memory")

IMAGE = """network vision(x: currents[2, 5, 5]) -> currents[3] {
    a = lif(batchnorm(conv2d(x, 3, kernel = 3)))
    return li(linear(flatten(maxpool2d(a, 2)), 3))
}""" + EVEN[EVEN.index("\ntrain") :].replace("tiny", "vision")

DEFAULT = open_pipeline_text()
TRAINING_STEP = DEFAULT.removesuffix(",lower-to-engine")


def spikeloom(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def ir(folder: Path, program: Path, pipeline: str, *options: str, name: str = "ir.mlir") -> Path:
    """What `spikeloom-opt` writes."""
    path = folder / name
    assert spikeloom_opt([str(program), "-p", pipeline, "-o", str(path), *options]) == 0
    return path


def result(program: Path, *options: object) -> dict[str, object]:
    """The JSON result of a run, without the program's name."""
    file = program.parent / "result.json"
    assert spikeloom("run", program, "--json", file, *options) == 0
    found = json.loads(file.read_text())
    assert found.pop("program") == str(program)
    return found


def printed(capsys: Captured, program: Path) -> str:
    capsys.readouterr()
    assert spikeloom("run", program) == 0
    return capsys.readouterr().out


def refusal(capsys: Captured, code: str, *arguments: object) -> str:
    """Standard error of a command that must end with exit code 1 and one error of this code."""
    capsys.readouterr()
    assert spikeloom(*arguments) == 1
    text = capsys.readouterr().err
    assert text.count("error:") == 1
    assert f"[{code}]" in text
    assert "Traceback" not in text
    return text


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
    for pipeline in (TRAINING_STEP, DEFAULT):
        assert result(ir(tmp_path, program, pipeline), *shares) == result(program, *shares)


def test_ir_is_verified_by_running(tmp_path: Path, capsys: Captured) -> None:
    written = ir(tmp_path, write_program(tmp_path, EVEN), TRAINING_STEP)
    assert spikeloom("run", written, "--verify-by-running", "--batches", 1) == 0
    assert "training: verified by running: 1 passes change none of" in capsys.readouterr().err


# --- what is refused -------------------------------------------------------------------


def edited(folder: Path, pipeline: str, *changes: tuple[str, str]) -> Path:
    """IR of the program with two batches, with some texts in it replaced."""
    path = ir(folder, write_program(folder, EVEN), pipeline)
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("pipeline", "changes", "code", "words"),
    [
        ("", [("snn.lif", "snn.lfi")], "E0201", "is not registered"),
        ("", [("fan_in 6", "fan_in 0")], "E0202", "fan_in must be at least 1"),
        ("", [("tensor<6xi1>", "tensor<7xi1>")], "E0202", "expects 6 inputs"),
        (TRAINING_STEP, [("snn.train", "// ")], "E0209", "no snn.train says on which data"),
        (DEFAULT, [("snn.train", "// ")], "E0209", "no snn.train says on which data"),
        (TRAINING_STEP, [("steps 4", "steps 0")], "E0202", "steps must lie in"),
        (DEFAULT, [("samples 8 steps", "samples 9 steps")], "E0209", "holds train[9]"),
        (DEFAULT, [("tensor<6xi1>", "tensor<7xi1>")], "E0303", "buffer of the input"),
        (DEFAULT, [("tensor<5x6xf32>", "tensor<5x0xf32>")], "E0204", "@hidden.weight"),
        (DEFAULT, [("(tensor<6xi1>)", "(tensor<16777217xi1>)")], "E0209", "`input_shape.0`"),
        (DEFAULT, [("role correct", "")], "E0303", "there is no buffer of the correct"),
        (DEFAULT, [("0 to 3 step 3", f"0 to {2**40} step 3")], "E0304", "a number of engine.loop"),
        (DEFAULT, [("at 0x00000100", f"at {2**62}")], "E0304", "dram"),
        (DEFAULT, [('snn.neurons "hidden"', 'snn.neurons "hiden"')], "E0303", "a layer `hidden`"),
        (DEFAULT, [("@h2learn", "@other")], "E0209", "another machine, `other`"),
        (DEFAULT, [("state_sram = ", "state_sram = 1")], "E0209", "with other numbers"),
    ],
)
def test_ir_that_cannot_be_run_is_one_error(
    tmp_path: Path,
    capsys: Captured,
    pipeline: str,
    changes: list[tuple[str, str]],
    code: str,
    words: str,
) -> None:
    assert words in refusal(capsys, code, "run", edited(tmp_path, pipeline, *changes))


def test_one_network_is_run(tmp_path: Path, capsys: Captured) -> None:
    first = write_program(tmp_path, EVEN)
    second = write_program(tmp_path, EVEN.replace("tiny", "other").replace("5)", "4)"), "b.snn")
    for pipeline, words in (("", "2: @tiny, @other"), (TRAINING_STEP, "different networks")):
        texts = [ir(tmp_path, each, pipeline).read_text().splitlines() for each in (first, second)]
        machine = "engine.machine"
        inner = [line for text in texts for line in text[1:-2] if machine not in line]
        both = tmp_path / "both.mlir"
        both.write_text("\n".join(["builtin.module {", *inner, "}"]))
        assert words in refusal(capsys, "E0209", "run", both)


def test_a_program_of_which_no_interface_is_left_is_refused(
    tmp_path: Path, capsys: Captured
) -> None:
    path = ir(tmp_path, write_program(tmp_path, EVEN), DEFAULT)
    text = path.read_text()
    start = text.index("  snn.interface")
    path.write_text(text[:start] + text[text.index("  engine.program") :])
    assert "lower-to-engine writes it" in refusal(capsys, "E0209", "run", path)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "E0201", ""),
        ("builtin.module {\n", "E0201", ""),
        ("builtin.module {\n}\n", "E0209", "expected snn.network"),
        ('"test.op"() : () -> ()\n', "E0201", "not registered"),
        ("network tiny(x: spikes[6]) -> spikes[3] {}\n", "E0201", ""),
        ("\x00" * 100, "E0201", ""),
    ],
)
def test_a_file_that_holds_no_ir_is_one_error(
    tmp_path: Path, capsys: Captured, text: str, code: str, words: str
) -> None:
    path = tmp_path / "wrong.mlir"
    path.write_text(text)
    assert words in refusal(capsys, code, "run", path)


def test_ir_that_only_tests_needs_data(tmp_path: Path, capsys: Captured) -> None:
    path = ir(tmp_path, write_program(tmp_path), "infer-shapes,expand-bptt{training=false}")
    assert "nothing in it trains" in refusal(capsys, "E0209", "run", path)


def test_a_profile_changes_nothing_in_ir_that_has_its_choices(
    tmp_path: Path, capsys: Captured
) -> None:
    path = ir(tmp_path, write_program(tmp_path), TRAINING_STEP)
    arguments = ("run", path, "--profile", tmp_path / "p.json")
    assert "IR of the level bptt" in refusal(capsys, "E0405", *arguments)


def test_mutated_ir_runs_or_is_refused(tmp_path: Path, capsys: Captured) -> None:
    program, path = write_program(tmp_path, EVEN), tmp_path / "mutated.mlir"
    seeds = [
        ir(tmp_path, program, pipeline).read_bytes()
        for pipeline in ("", "infer-shapes,expand-bptt", TRAINING_STEP, DEFAULT)
    ]
    source = random.Random(11)
    mutator = Mutator(source, seeds, MODULE_WORDS)
    outcomes: Counter[int] = Counter()
    for _ in range(200):
        data = mutator.mutated(source.choice(seeds))
        path.write_bytes(data)
        with watched():
            code = spikeloom("run", path, "--batches", 1)
        outcomes[code] += 1
        words = capsys.readouterr().err
        assert "Traceback" not in words, data
        assert "cannot handle this IR" not in words, data
    assert set(outcomes) == {0, 1}


def test_other_commands_take_a_network_as_ir(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(tmp_path)
    outputs: list[str] = []
    for path in (program, ir(tmp_path, program, "")):
        assert spikeloom("operations", path) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    step = ir(tmp_path, program, TRAINING_STEP)
    assert "one snn.network" in refusal(capsys, "E0209", "operations", step)
