"""`spikeloom run --count-only`: what it prints and writes, and what it refuses."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
from programs import INFERENCE, LEARNING, write_program

from spikeloom.backend.host.statistics import MAGIC
from spikeloom.command_line import main

Captured = pytest.CaptureFixture[str]
SHARES = "spikes=.17,mask=.36,gradients=.5"
ONE_BATCH = LEARNING.replace("samples = 26", "samples = 8, test = 0")


def spikeloom(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def refusal(capsys: Captured, code: str, *arguments: object) -> str:
    """Standard error of a command that must end with exit code 1 and one error of this code."""
    capsys.readouterr()
    assert spikeloom(*arguments) == 1
    text = capsys.readouterr().err
    assert text.count("error:") == 1
    assert f"[{code}]" in text
    assert "Traceback" not in text
    return text


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program, the result of running it, and its statistics."""
    folder = tmp_path_factory.mktemp("run")
    program = write_program(folder, ONE_BATCH)
    files = ("--json", folder / "run.json", "--save-statistics", folder / "run.stat")
    assert spikeloom("run", program, "--epochs", 1, *files) == 0
    return folder


def test_statistics_of_a_run_give_its_result_marked_as_counted(run: Path) -> None:
    counted = run / "counted.json"
    options = ("--count-only", "--statistics", run / "run.stat", "--json", counted)
    assert spikeloom("run", run / "tiny.snn", *options) == 0
    found, executed = json.loads(counted.read_text()), json.loads((run / "run.json").read_text())
    source = f"statistics {run / 'run.stat'}"
    assert found.pop("counted") == {"batch": "train[8]", "source": source, "steps": 4}
    same = ("counters", "cycles", "energy_fj", "machine", "energy_table", "profile", "program")
    assert all(found[key] == executed[key] for key in same)
    assert (found["epochs"], found["test_accuracy"]) == ([], None)


def test_the_report_says_that_nothing_was_executed(tmp_path: Path, capsys: Captured) -> None:
    program, file = write_program(tmp_path), tmp_path / "c.json"
    assert spikeloom("run", program, "--count-only", "--density", SHARES, "--json", file) == 0
    out = capsys.readouterr().out
    batch = "one training batch of 8 samples over 4 steps, not executed"
    assert f"counted        {batch}; densities {SHARES}" in out
    assert json.loads(file.read_text())["counted"]["source"] == f"densities {SHARES}"


def test_a_profile_of_the_program_is_a_source_of_counts(run: Path) -> None:
    counted = run / "profiled.json"
    options = ("--count-only", "--profile", run / "run.json", "--json", counted)
    assert spikeloom("run", run / "tiny.snn", *options) == 0
    found, executed = (json.loads(f.read_text()) for f in (counted, run / "run.json"))
    for counter in ("nu__spikes_emitted", "fe__events_received", "nu__mask_ones"):
        assert found["counters"][counter] == pytest.approx(executed["counters"][counter], abs=3)


def test_data_are_not_read(tmp_path: Path) -> None:
    text = LEARNING.replace("random(rate = 0.5, classes = 3, samples = 26)", 'file("absent.npz")')
    program = write_program(tmp_path, text)
    assert spikeloom("run", program, "--count-only", "--density", SHARES) == 0


def test_equal_statistics_are_equal_files(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.stat"
    options = ("--epochs", 1, "--threads", 2, "--save-statistics", other)
    assert spikeloom("run", run / "tiny.snn", *options) == 0
    assert other.read_bytes() == (run / "run.stat").read_bytes()


def test_statistics_of_inference_are_those_of_its_last_batch(tmp_path: Path) -> None:
    import numpy as np

    data, statistics = tmp_path / "d.npz", tmp_path / "s.stat"
    np.savez(data, spikes=np.random.default_rng(0).random((70, 4, 6)) < 0.5)
    program = write_program(tmp_path, INFERENCE)
    assert spikeloom("run", program, "--data", data, "--save-statistics", statistics) == 0
    counted = tmp_path / "c.json"
    options = ("--count-only", "--statistics", statistics, "--json", counted)
    assert spikeloom("run", program, *options) == 0
    assert json.loads(counted.read_text())["counted"]["batch"] == "test[6]"


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ("spikes=1.5,mask=.3,gradients=.5", "`spikes` is 1.5, not a number from 0 to 1"),
        ("spikes=-0.1,mask=.3,gradients=.5", "`spikes` is -0.1, not"),
        ("spikes=nan,mask=.3,gradients=.5", "`spikes` is nan, not"),
        ("spikes=,mask=.3,gradients=.5", "`spikes` is empty, not"),
        ("spikes=.1,mask=.3", "the density of `gradients` is missing"),
        ("spike=.1,mask=.3,gradients=.5", "there is no density `spike`"),
        ("spikes=.1,spikes=.2,mask=.3,gradients=.5", "`spikes` is given twice"),
        ("", "there is no density ``"),
    ],
)
def test_densities_that_mean_nothing_are_refused(
    tmp_path: Path, capsys: Captured, shares: str, words: str
) -> None:
    program = write_program(tmp_path)
    assert words in refusal(capsys, "E0405", "run", program, "--count-only", "--density", shares)


def test_options_that_contradict_each_other_are_refused(run: Path, capsys: Captured) -> None:
    program = run / "tiny.snn"
    count = ("run", program, "--count-only")
    assert "takes one source of counts, not nothing" in refusal(capsys, "E0405", *count)
    both = (*count, "--density", SHARES, "--profile", run / "run.json")
    assert "not --density and --profile" in refusal(capsys, "E0405", *both)
    text = refusal(capsys, "E0405", *count, "--density", SHARES, "--epochs", 2)
    assert "--epochs does not apply: --count-only executes nothing" in text
    both = ("run", program, "--density", SHARES, "--profile", run / "run.json")
    assert "--profile and --density both say" in refusal(capsys, "E0405", *both)
    nowhere = run / "absent" / "c.json"
    refusal(capsys, "E0402", *count, "--density", SHARES, "--json", nowhere)


def test_a_program_that_does_not_train_says_no_batch(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(tmp_path, INFERENCE)
    text = refusal(capsys, "E0405", "run", program, "--count-only", "--density", SHARES)
    assert "no `train` block, which says how large a batch is" in text


def test_files_of_another_program_are_refused(run: Path, tmp_path: Path, capsys: Captured) -> None:
    changes = {
        "network other": (ONE_BATCH.replace("tiny", "other"), "network"),
        "another width": (ONE_BATCH.replace("linear(x, 5)", "linear(x, 7)"), "written by a run"),
        "another name": (ONE_BATCH.replace("hidden", "inner"), None),
    }
    for text, words in changes.values():
        program = write_program(tmp_path, text)
        count = ("run", program, "--count-only")
        if words is not None:
            found = refusal(capsys, "E0407", *count, "--statistics", run / "run.stat")
            assert words in found
        refusal(capsys, "E0407", *count, "--profile", run / "run.json")
    longer = write_program(tmp_path, ONE_BATCH.replace("steps = 4", "steps = 5"))
    text = refusal(capsys, "E0407", "run", longer, "--count-only", "--profile", run / "run.json")
    assert "it is of 4 time steps" in text


def test_damaged_statistics_are_refused(run: Path, tmp_path: Path, capsys: Captured) -> None:
    good = (run / "run.stat").read_bytes()
    header, _, packed = good[len(MAGIC) :].partition(b"\n")
    counts = bytearray(zlib.decompress(packed))
    counts[0] ^= 1
    bad = {
        "empty": b"",
        "another format": b"PK" + good,
        "cut off": good[:-5],
        "no header": MAGIC,
        "odd header": MAGIC + b"{}\n" + packed,
        "large": MAGIC + header.replace(b'"rows":', b'"rows":9') + b"\n" + packed,
        "changed": MAGIC + header + b"\n" + zlib.compress(bytes(counts)),
        "longer": MAGIC + header + b"\n" + zlib.compress(zlib.decompress(packed) + b"0"),
    }
    file = tmp_path / "bad.stat"
    for data in bad.values():
        file.write_bytes(data)
        count = ("run", run / "tiny.snn", "--count-only", "--statistics", file)
        refusal(capsys, "E0407", *count)
    missing = tmp_path / "missing.stat"
    refusal(capsys, "E0401", "run", run / "tiny.snn", "--count-only", "--statistics", missing)
    refusal(capsys, "E0401", "run", run / "tiny.snn", "--count-only", "--statistics", tmp_path)
