"""IR in files, as `spikeloom-opt` writes it, and what `spikeloom` answers to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from programs import LEARNING

from spikeloom.command_line import main
from spikeloom.default_pipeline import open_pipeline_text
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
