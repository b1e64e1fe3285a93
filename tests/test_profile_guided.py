"""`--profile`: a program compiled for what an earlier run of it measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from programs import INFERENCE, LEARNING, write_program

from spikeloom.backend.snx import read_image
from spikeloom.command_line import main
from spikeloom.default_pipeline import analysis_of
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.instruction_set import OPCODES

WIDE = """
network wide(image: spikes[256]) -> spikes[10] {
    a = lif(linear(image, 1024), decay = 0.25, threshold = 0.5)
    b = lif(linear(a, 1024), decay = 0.25, threshold = 0.5)
    return lif(linear(b, 10), decay = 0.25, threshold = 0.5)
}
train wide {
    data      = random(rate = 0.05, classes = 10, samples = 40)
    steps     = 24
    batch     = 32
    epochs    = 1
    loss      = cross_entropy
    optimizer = sgd(rate = 0.1)
    seed      = 1
}
"""


def spikeloom(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def result(file: Path) -> dict:
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program and the results of running it, without and with its profile."""
    folder = tmp_path_factory.mktemp("a profile")
    program = write_program(folder, WIDE, "wide.snn")
    assert spikeloom("run", program, "--json", folder / "first.json") == 0
    profile = ("--profile", folder / "first.json")
    assert spikeloom("run", program, *profile, "--json", folder / "second.json") == 0
    return folder


def test_few_spikes_are_worth_no_tables(wide: Path) -> None:
    """Half of the inputs is assumed to spike where nothing is known, as in hidden layers."""
    profile = ("--profile", wide / "first.json")
    for name, options in (("known.snx", profile), ("unknown.snx", ())):
        assert spikeloom("compile", wide / "wide.snn", *options, "-o", wide / name) == 0
    with_tables = {
        name: any(
            OPCODES["lookup"] in stream.instructions["opcode"]
            for _, stream in read_image(wide / name).streams
        )
        for name in ("known.snx", "unknown.snx")
    }
    assert with_tables == {"known.snx": False, "unknown.snx": True}


def test_a_program_compiled_for_its_profile_is_faster_and_computes_the_same(wide: Path) -> None:
    first, second = result(wide / "first.json"), result(wide / "second.json")
    assert second["cycles"] < 0.9 * first["cycles"]
    losses = [epoch["loss"] for epoch in first["epochs"]]
    assert [epoch["loss"] for epoch in second["epochs"]] == pytest.approx(losses, rel=1e-5)


def test_streams_of_inference_are_compiled_for_it_too(tmp_path: Path) -> None:
    program = write_program(tmp_path, LEARNING)
    options = ("--epochs", 1, "--json", tmp_path / "run.json")
    assert spikeloom("run", program, *options) == 0
    alone = write_program(tmp_path, INFERENCE, "alone.snn")
    data = tmp_path / "data.npz"
    _write_recordings(data)
    found = ("--data", data, "--profile", tmp_path / "run.json")
    assert spikeloom("run", alone, *found, "--json", tmp_path / "alone.json") == 0
    assert result(tmp_path / "alone.json")["cycles"] > 0


def _write_recordings(file: Path) -> None:
    rng = np.random.default_rng(1)
    np.savez(file, spikes=rng.random((5, 4, 6)) < 0.5, labels=rng.integers(0, 3, 5))


def test_a_profile_of_another_program_is_refused(
    tmp_path: Path, wide: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = write_program(tmp_path, f"# A comment.\n{LEARNING}")
    assert spikeloom("run", program, "--profile", wide / "first.json") == 1
    found = capsys.readouterr().err
    name_of_the_network = f"{program}:2:{len('network ') + 1}"
    assert found.startswith(f"{name_of_the_network}: error: the profile ")
    assert "[E0407]" in found


def test_a_file_that_a_pipeline_cannot_name_is_refused() -> None:
    with pytest.raises(DiagnosticError, match="cannot name the file"):
        analysis_of(Path('a"b.json'))
