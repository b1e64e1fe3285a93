"""A profile that cannot be of this program, or is none, is one clear error."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sparsity_programs import run

from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.activity_profile import Activity, LayerActivity
from spikeloom.frontend.program import parse_program
from spikeloom.opt import main

PROGRAM = """network tiny(x: spikes[6]) -> currents[3] {
    hidden = lif(linear(x, 5, bias = false))
    return li(linear(hidden, 3))
}
train tiny {
    data = random(rate = 0.5, classes = 3, samples = 26)
    steps = 4
    batch = 8
    epochs = 1
    loss = mse
    optimizer = adam(rate = 0.01)
}
"""

SAMPLES = 10


def valid() -> dict[str, Any]:
    """A profile of `PROGRAM`, as JSON."""
    return {
        "network": "tiny",
        "steps": 4,
        "input": [24, SAMPLES * 4 * 6],
        "layers": {
            "hidden": {
                "spikes": [20, SAMPLES * 4 * 5],
                "mask": [30, 8 * 4 * 5],
                "gradients": [40, 8 * 4 * 5],
            },
            "output": {"spikes": [0, 0], "mask": [0, 0], "gradients": [12, 8 * 4 * 3]},
        },
    }


def analyze(path: Path | str, options: str = "") -> str:
    """The headline of the error that the pass ends with, or "" without one."""
    module = parse_program(PROGRAM, "tiny.snn")
    run(module, "infer-shapes,expand-bptt")
    try:
        run(module, f'analyze-sparsity{{profile="{path}"{options}}}')
    except DiagnosticError as problem:
        (diagnostic,) = problem.diagnostics
        assert diagnostic.help is not None
        return diagnostic.headline
    return ""


def headline(tmp_path: Path, profile: object, options: str = "") -> str:
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"profile": profile}))
    return analyze(path, options)


def test_a_profile_of_the_program_is_taken(tmp_path: Path) -> None:
    assert headline(tmp_path, valid()) == ""


def test_a_layer_without_counts_has_no_expectation(tmp_path: Path) -> None:
    profile = valid()
    profile["layers"]["hidden"] |= {"mask": [0, 0], "gradients": [0, 0]}
    assert headline(tmp_path, profile) == ""


def edited(*path: str, value: object) -> Callable[[], dict[str, Any]]:
    """The valid profile with another value at a place; None takes the place away."""

    def make() -> dict[str, Any]:
        profile = valid()
        inner = profile
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        if value is None:
            del inner[path[-1]]
        return profile

    return make


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "another network": (
        edited("network", value="other"),
        "it is of the network `other`, which is not here",
    ),
    "other steps": (edited("steps", value=5), "it is of 5 time steps, but @tiny has 4"),
    "unknown layer": (
        edited("layers", "hiden", value={"spikes": [0, 0], "mask": [0, 0], "gradients": [0, 0]}),
        "`tiny` has no layer `hiden`",
    ),
    "missing layer": (
        edited("layers", "hidden", value=None),
        "it says nothing of the layer `hidden`",
    ),
    "other units": (
        edited("layers", "hidden", "spikes", value=[20, SAMPLES * 4 * 7]),
        "the spikes of `hidden` cannot have 280 cells, but has 20 in each sample",
    ),
    "more samples than the input": (
        edited("layers", "hidden", "spikes", value=[20, 11 * 4 * 5]),
        "the spikes of `hidden` cannot have 220 cells, but has 20 in each sample",
    ),
    "more ones than cells": (
        edited("layers", "hidden", "mask", value=[161, 160]),
        "`profile.layers.hidden.mask` is not valid: Value error, 161 of 160 cells is more than "
        "all of them",
    ),
    "a negative count": (
        edited("layers", "hidden", "mask", value=[-1, 160]),
        "`profile.layers.hidden.mask.0` is not valid: Input should be greater than or equal to 0",
    ),
    "no integer": (
        edited("input", value=[0.5, 240]),
        "`profile.input.0` is not valid: Input should be a valid integer",
    ),
    "a missing key": (
        edited("network", value=None),
        "`profile.network` is not valid: Field required",
    ),
    "a surplus key": (
        edited("color", value="red"),
        "`profile.color` is not valid: Extra inputs are not permitted",
    ),
    "no object": (lambda: 7, "`profile` is not valid: "),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_profile_of_another_program_is_refused(tmp_path: Path, name: str) -> None:
    make, words = REFUSED[name]
    found = headline(tmp_path, make())
    assert f"result.json` cannot be used: {words}" in found
    assert found.endswith("[E0407]")


def test_a_measurement_outside_of_its_bounds_is_refused(tmp_path: Path) -> None:
    """Without a bias and with less input, the layer cannot have spiked that often."""
    words = "a result of bptt.fire has a density in [0, 0.06], never 0.1"
    found = headline(tmp_path, valid() | {"input": [2, SAMPLES * 4 * 6]}, " input=0.01")
    assert f"cannot be used: {words}" in found
    words = "the input has a density in [0, 0.01], never 0.1"
    assert f"cannot be used: {words}" in headline(tmp_path, valid(), " input=0.01")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is not JSON"),
        (b"\xff\xfe{", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[1, 2]", "it is JSON, but has no `profile`"),
        (b'{"counters": {}}', "it is JSON, but has no `profile`"),
    ],
)
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "result.json"
    path.write_bytes(content)
    assert f"cannot be used: {words} [E0407]" in analyze(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    found = analyze(tmp_path / "none.json")
    assert found.endswith("none.json`: No such file or directory [E0401]")
    assert "[E0401]" in analyze(tmp_path)


@pytest.mark.parametrize("value", ["2", "-0.5", "1.5"])
def test_an_input_density_outside_of_its_range_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    program = tmp_path / "tiny.snn"
    program.write_text(PROGRAM)
    pipeline = f"infer-shapes,expand-bptt,analyze-sparsity{{input={value}}}"
    assert main([str(program), "-p", pipeline]) == 1
    text = capsys.readouterr().err
    assert "a density lies in [0, 1] [E0405]" in text
    assert "Traceback" not in text


def test_activities_add_up_layer_by_layer() -> None:
    first = Activity(input=(1, 10), layers={"a": LayerActivity(spikes=(2, 5))})
    second = Activity(input=(3, 10), layers={"a": LayerActivity(spikes=(1, 5), mask=(4, 5))})
    other = Activity(layers={"b": LayerActivity(gradients=(1, 2))})
    assert first + second + other == Activity(
        input=(4, 20),
        layers={
            "a": LayerActivity(spikes=(3, 10), mask=(4, 5)),
            "b": LayerActivity(gradients=(1, 2)),
        },
    )
