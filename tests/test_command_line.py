"""The command line: what each command writes, prints and returns, and how it fails."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from programs import INFERENCE, LEARNING, SILENT, write_program

from spikeloom.command_line import main
from spikeloom.terminal import guarded

Captured = pytest.CaptureFixture[str]


def spikeloom(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def failure(capsys: Captured, code: str, *arguments: object) -> str:
    """Standard error of a command that must end with exit code 1 and this diagnostic."""
    assert spikeloom(*arguments) == 1
    text = capsys.readouterr().err
    assert f"[{code}]" in text
    assert "Traceback" not in text
    return text


# --- run, compile, exec, disassemble -----------------------------------------------------


def test_run_prints_epochs_counters_and_a_summary(tmp_path: Path, capsys: Captured) -> None:
    assert spikeloom("run", write_program(tmp_path)) == 0
    out = capsys.readouterr().out
    assert re.search(r"^epoch   1  loss \d\.\d{4}  train \d\.\d{4}  test \d\.\d{4}$", out, re.M)
    assert re.search(r"^  nu__spikes_emitted +[\d,]+  spikes  ", out, re.M)
    assert re.search(r"^test accuracy  \d\.\d{4}$", out, re.M)
    assert re.search(r"^cycles         [\d,]+ \(.* on h2learn at [\d,]+ MHz\)$", out, re.M)
    assert re.search(r"^energy         .* .J$", out, re.M)


def test_every_heading_of_the_counters_has_rows(tmp_path: Path, capsys: Captured) -> None:
    # No program of one network counts crossbars: `tile` and `noc` have nothing to say.
    assert spikeloom("run", write_program(tmp_path), "--batches", 1) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    counters = "\n".join(lines[lines.index("") :]).split("counter  ", 1)[1].split("\nengine ")[0]
    sections = [section.splitlines() for section in counters.strip().split("\n\n")[1:]]
    assert {section[0].split()[0] for section in sections} > {"fe", "be", "wue", "dma", "machine"}
    assert all(len(section) > 1 for section in sections)


def test_json_has_the_promised_fields_in_sorted_order(tmp_path: Path) -> None:
    program, file = write_program(tmp_path), tmp_path / "r.json"
    assert spikeloom("run", program, "--epochs", 2, "--json", file, "--seed", 9) == 0
    result = json.loads(file.read_text())
    assert list(result) == sorted(result)
    assert set(result) == {
        "program",
        "seed",
        "epochs",
        "test_accuracy",
        "cycles",
        "counters",
        "energy_fj",
        "energy_fj_by_layer",
        "energy_table",
        "machine",
        "profile",
    }
    assert result["program"] == str(program)
    assert result["seed"] == 9
    assert result["machine"] == "h2learn"
    assert [set(epoch) for epoch in result["epochs"]] == [
        {"loss", "train_accuracy", "test_accuracy"}
    ] * 2
    assert all(type(value) is int for value in result["counters"].values())
    assert type(result["energy_fj"]) is int


def test_compile_and_exec_give_what_run_gives(tmp_path: Path) -> None:
    program, image = write_program(tmp_path), tmp_path / "tiny.snx"
    assert spikeloom("run", program, "--json", tmp_path / "a.json", "--dump", tmp_path / "a") == 0
    assert spikeloom("compile", program, "-o", image) == 0
    assert spikeloom("exec", image, "--json", tmp_path / "b.json", "--dump", tmp_path / "b") == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    first, second = (tmp_path / name / "tensors.npz" for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_compiling_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    program = write_program(tmp_path)
    for name in ("a.snx", "b.snx"):
        assert spikeloom("compile", program, "-o", tmp_path / name) == 0
    assert (tmp_path / "a.snx").read_bytes() == (tmp_path / "b.snx").read_bytes()


def test_disassemble_prints_every_stream(tmp_path: Path, capsys: Captured) -> None:
    assert spikeloom("compile", write_program(tmp_path), "-o", tmp_path / "t.snx") == 0
    assert spikeloom("disassemble", tmp_path / "t.snx") == 0
    out = capsys.readouterr().out
    for name in ("train[8]", "train[5]", "test[5]"):
        assert name in out
    assert "accumulate" in out


def test_another_seed_gives_another_result(tmp_path: Path) -> None:
    program = write_program(tmp_path)
    for seed in (1, 2):
        spikeloom("run", program, "--seed", seed, "--dump", tmp_path / str(seed))
    first, second = (tmp_path / name / "tensors.npz" for name in "12")
    assert first.read_bytes() != second.read_bytes()


def test_warnings_go_to_standard_error_with_the_line(tmp_path: Path, capsys: Captured) -> None:
    assert spikeloom("run", write_program(tmp_path, SILENT)) == 0
    captured = capsys.readouterr()
    assert "tiny.snn:2:14: warning: layer `hidden` never spiked during epoch 1 [W0501]" in (
        captured.err
    )
    assert "    hidden = lif(linear(x, 5), threshold = 1000.0)\n" in captured.err
    assert "warning: " not in captured.out


def test_inference_needs_data_and_prints_the_accuracy(tmp_path: Path, capsys: Captured) -> None:
    program, data = write_program(tmp_path, INFERENCE), tmp_path / "d.npz"
    assert "--data FILE.npz" in failure(capsys, "E0405", "run", program)
    np.savez(data, spikes=np.ones((7, 4, 6), np.uint8), labels=np.zeros(7, int))
    assert spikeloom("run", program, "--data", data, "--json", tmp_path / "r.json") == 0
    assert "test accuracy" in capsys.readouterr().out
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["epochs"] == []
    assert result["test_accuracy"] in (0.0, 1.0)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 fJ"), (999, "999 fJ"), (1000, "1 pJ"), (5.03e12, "5.03 mJ"), (2.5e15, "2.5 J")],
)
def test_energies_have_a_prefix_that_suits_them(value: float, text: str) -> None:
    from spikeloom.report import scaled

    assert scaled(value, "J") == text


# --- mistakes ----------------------------------------------------------------------------


def test_a_wrong_program_shows_its_line(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(tmp_path, LEARNING.replace("linear(hidden", "linear(hiden"))
    text = failure(capsys, "E0102", "run", program)
    assert f"{program}:3:23: error: " in text
    assert "help: did you mean `hidden`?" in text


@pytest.mark.parametrize("command", ["run", "exec", "disassemble"])
def test_a_missing_file_is_one_line(tmp_path: Path, capsys: Captured, command: str) -> None:
    text = failure(capsys, "E0401", command, tmp_path / "none")
    assert len(text.splitlines()) == 1
    failure(capsys, "E0401", command, tmp_path)


def test_a_truncated_stream_is_refused(tmp_path: Path, capsys: Captured) -> None:
    image = tmp_path / "t.snx"
    assert spikeloom("compile", write_program(tmp_path), "-o", image) == 0
    image.write_bytes(image.read_bytes()[:-9])
    failure(capsys, "E0303", "exec", image)


def test_a_program_is_no_instruction_stream(tmp_path: Path, capsys: Captured) -> None:
    for command in ("exec", "disassemble"):
        failure(capsys, "E0303", command, write_program(tmp_path))


def test_changed_data_are_noticed(tmp_path: Path, capsys: Captured) -> None:
    text = re.sub(r"random\(.*\)", 'file("d.npz")', LEARNING)
    data, image = tmp_path / "d.npz", tmp_path / "t.snx"
    np.savez(data, spikes=np.ones((9, 4, 6)), labels=np.zeros(9, int))
    assert spikeloom("compile", write_program(tmp_path, text), "-o", image) == 0
    np.savez(data, spikes=np.ones((19, 4, 6)), labels=np.zeros(19, int))
    assert "compile it again" in failure(capsys, "E0403", "exec", image)


def test_options_that_mean_nothing_are_refused(tmp_path: Path, capsys: Captured) -> None:
    program, data = write_program(tmp_path), tmp_path / "d.npz"
    np.savez(data, spikes=np.ones((7, 4, 6), np.uint8))
    failure(capsys, "E0405", "run", program, "--data", data)
    inference = write_program(tmp_path, INFERENCE, "i.snn")
    for option in ("--epochs", "--batches", "--save"):
        text = failure(capsys, "E0405", "run", inference, "--data", data, option, 3)
        assert option in text


def test_outputs_that_cannot_be_written_are_refused_before_training(
    tmp_path: Path, capsys: Captured
) -> None:
    program = write_program(tmp_path)
    for option, target in (
        ("--json", tmp_path / "none" / "file"),
        ("--save", tmp_path / "none" / "file"),
        ("--json", tmp_path),
        ("--dump", program),
    ):
        assert spikeloom("run", program, option, target) == 1
        captured = capsys.readouterr()
        assert "[E0402]" in captured.err
        assert "epoch" not in captured.out


def test_a_machine_that_is_too_small_names_buffer_needed_and_available(
    tmp_path: Path, capsys: Captured
) -> None:
    from importlib import resources

    text = (resources.files("spikeloom.backend") / "machines" / "h2learn.toml").read_text()
    small = re.sub(r"(weight_sram\s*=\s*\{\s*value\s*=\s*)\d+", r"\g<1>64", text, count=1)
    assert small != text
    (tmp_path / "small.toml").write_text(small)
    arguments = ("run", write_program(tmp_path), "--machine", tmp_path / "small.toml")
    assert "64" in failure(capsys, "E0302", *arguments)


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, capsys: Captured) -> None:
    program, checkpoint = write_program(tmp_path), tmp_path / "c.safetensors"
    assert spikeloom("run", program, "--batches", 1, "--save", checkpoint) == 0
    text = failure(capsys, "E0404", "run", program, "--seed", 77, "--load", checkpoint)
    assert "run with --seed 5" in text
    other = write_program(tmp_path, LEARNING.replace("x, 5", "x, 6"), "other.snn")
    assert "[5, 6]" in failure(capsys, "E0404", "run", other, "--load", checkpoint)
    decayed = LEARNING.replace("lif(linear(x, 5))", "lif(linear(x, 5), decay = 0.25)")
    other = write_program(tmp_path, decayed, "decayed.snn")
    failure(capsys, "E0404", "run", other, "--load", checkpoint)


def test_a_full_disk_while_saving_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    program, target = write_program(tmp_path), tmp_path / "c.safetensors"
    monkeypatch.setattr(os, "fsync", full)
    text = failure(capsys, "E0402", "run", program, "--batches", 1, "--save", target)
    assert "No space left on device" in text
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.snn"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["fly"],
        ["run", "x.snn", "--epochs", "-1"],
        ["run", "x.snn", "--epochs", "0"],
        ["run", "x.snn", "--batches", "1.5"],
        ["run", "x.snn", "--threads", "0"],
        ["run", "x.snn", "--seed", "-3"],
        ["run", "x.snn", "--seed", "9" * 5000],
        ["run", "x.snn", "--epochs", "³"],
        ["compile", "x.snn"],
    ],
)
def test_wrong_usage_ends_with_code_2(arguments: list[str], capsys: Captured) -> None:
    assert main(arguments) == 2
    text = capsys.readouterr().err
    assert text.startswith("usage: spikeloom")
    assert "Traceback" not in text


# --- how commands end --------------------------------------------------------------------


def test_an_internal_error_is_two_lines_and_code_70(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> int:
        raise RuntimeError("the\nroof leaks")

    assert guarded(broken) == 70
    text = capsys.readouterr().err
    assert text.startswith("internal error: RuntimeError: the roof leaks\n")
    assert len(text.splitlines()) == 2
    monkeypatch.setenv("SPIKELOOM_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        guarded(broken)


def test_control_characters_of_a_program_do_not_reach_the_terminal(
    tmp_path: Path, capsys: Captured
) -> None:
    program = write_program(tmp_path, LEARNING.replace("hidden, 3", "hid\x1b[31m, 3"))
    assert spikeloom("run", program) == 1
    assert "\x1b" not in capsys.readouterr().err


def process(*arguments: object, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "spikeloom.command_line", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, text=True, **pipes, **options)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from spikeloom.command_line import main; main(['--help']);"
        "heavy = {'numpy', 'numba', 'xdsl', 'rich', 'pydantic', 'lark'} & set(sys.modules);"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage: spikeloom" in done.stdout


def test_ctrl_c_ends_after_the_batch_and_saves_what_can_be_resumed(tmp_path: Path) -> None:
    program = write_program(tmp_path, LEARNING.replace("epochs = 3", "epochs = 1000000"))
    checkpoint, result = tmp_path / "c.safetensors", tmp_path / "r.json"
    running = process("run", program, "--save", checkpoint, "--json", result)
    assert running.stdout is not None
    first_line = running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=120)
    assert first_line.startswith("epoch"), errors
    assert running.returncode == 130
    assert f"--load {checkpoint}" in errors
    assert "Traceback" not in errors
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.safetensors", "tiny.snn"]
    arguments = ("--epochs", 1000000, "--batches", 10**7, "--load", checkpoint)
    resumed = process("run", program, *arguments)
    assert resumed.stdout is not None
    assert resumed.stdout.readline().startswith("epoch")
    resumed.send_signal(signal.SIGINT)
    resumed.communicate(timeout=120)
    assert resumed.returncode == 130


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    assert spikeloom("compile", write_program(tmp_path), "-o", tmp_path / "t.snx") == 0
    listing = process("disassemble", tmp_path / "t.snx")
    assert listing.stdout is not None
    assert listing.stderr is not None
    listing.stdout.close()
    assert listing.stderr.read() == ""
    assert listing.wait(timeout=60) == 141
