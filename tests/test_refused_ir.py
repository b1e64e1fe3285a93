"""IR that cannot be run is one error, whatever the file holds."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from fuzzing import Mutator, watched
from fuzzing_seeds import MODULE_WORDS
from ir_files import DEFAULT, EVEN, TRAINING_STEP, Captured, ir, refusal, spikeloom
from programs import write_program


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
