"""What `spikeloom map` measures: one inference executed on the mapping, beside its promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from crossbar_machines import small_machine_file
from programs import INFERENCE, LEARNING, write_program

from spikeloom.command_line import main

Captured = pytest.CaptureFixture[str]

RECURRENT = """network echo(x: spikes[6]) -> spikes[4] {
    hidden = lif(linear(x, 5) + linear(previous(hidden), 5, bias = false))
    return lif(linear(hidden, 4))
}
train echo {
    data = random(rate = 0.5, classes = 4, samples = 26)
    steps = 40
    batch = 8
    epochs = 1
    loss = cross_entropy
    optimizer = adam(rate = 0.01)
    seed = 5
}
"""
"""Eleven inputs of a neuron, which crossbars of eight take in chains."""


def mapped(folder: Path, text: str, *options: object, **numbers: int | list[int]) -> dict[str, Any]:
    """The JSON of a mapping to the small machine."""
    program, answer = write_program(folder, text), folder / "m.json"
    machine = small_machine_file(folder, **numbers)
    arguments = ["map", program, "--machine", machine, "--json", answer, *options]
    assert main([str(each) for each in arguments]) == 0
    return json.loads(answer.read_text())


@pytest.mark.parametrize(
    "numbers",
    [{}, {"broken": [1, 3]}, {"rows": 1, "columns": 2, "crossbars": 3}, {"bandwidth_in": 7}],
)
def test_the_measured_period_is_the_guaranteed_one(
    numbers: dict[str, Any], tmp_path: Path, capsys: Captured
) -> None:
    answer = mapped(tmp_path, RECURRENT, **numbers)
    period = answer["guarantee"]["period"]
    assert answer["measurement"]["period"] == period
    assert answer["not_executed"] is None
    out = capsys.readouterr().out
    assert f"guaranteed      {period} cycles per time step" in out
    assert f"measured        {period} cycles per time step" in out
    assert "executed        40 time steps: untrained parameters of seed 5, first test sample" in out


def test_a_slice_of_the_wheel_is_never_slower_than_promised(tmp_path: Path) -> None:
    answer = mapped(tmp_path, RECURRENT, slice=3)
    assert float(answer["measurement"]["elapsed"]) > 0
    numerator, _, denominator = answer["guarantee"]["period"].partition("/")
    promised = int(numerator) / int(denominator or 1)
    measured, _, by = answer["measurement"]["period"].partition("/")
    assert int(measured) / int(by or 1) <= promised


def test_a_short_inference_is_run_longer_for_its_period_alone(tmp_path: Path) -> None:
    answer = mapped(tmp_path, RECURRENT, "--steps", 3)
    measurement = answer["measurement"]
    assert (measurement["steps"], measurement["period_steps"]) == (3, 128)
    assert measurement["period"] == answer["guarantee"]["period"]
    assert sum(tile["passes"] for tile in measurement["tiles"]) == 3 * len(answer["crossbars"])


def test_trained_parameters_come_from_a_saved_run(tmp_path: Path, capsys: Captured) -> None:
    program, saved = write_program(tmp_path, RECURRENT), tmp_path / "s.safetensors"
    assert main(["run", str(program), "--epochs", "3", "--save", str(saved)]) == 0
    untrained = mapped(tmp_path, RECURRENT)["measurement"]
    trained = mapped(tmp_path, RECURRENT, "--load", saved)["measurement"]
    assert trained["of"] == f"{saved}, first test sample"
    assert trained["spikes"] != untrained["spikes"]
    assert trained["period"] == untrained["period"]
    other = write_program(tmp_path, RECURRENT.replace("x, 5", "x, 3").replace(", 5,", ", 3,"))
    machine = str(small_machine_file(tmp_path))
    capsys.readouterr()
    assert main(["map", str(other), "--machine", machine, "--load", str(saved)]) == 1
    assert "[E0404]" in capsys.readouterr().err
    assert main(["map", str(program), "--machine", machine, "--load", "none"]) == 1
    assert "[E0401]" in capsys.readouterr().err


def test_with_true_numbers_of_spikes_the_estimate_is_the_measurement(tmp_path: Path) -> None:
    """Everybody spikes in every step, so that a profile of shares says all."""
    text = RECURRENT.replace("rate = 0.5", "rate = 1.0").replace("false))", "false), LOUD)")
    text = text.replace("linear(hidden, 4))", "linear(hidden, 4), LOUD)")
    text = text.replace("LOUD", "threshold = -1000.0")
    always = {"spikes": [40, 40]}
    profile = {
        "network": "echo",
        "steps": 40,
        "input": [40, 40],
        "layers": {"hidden": always, "output": always},
    }
    result = tmp_path / "r.json"
    result.write_text(json.dumps({"profile": profile}))
    answer = mapped(tmp_path, text, "--profile", result)
    measurement, estimate = answer["measurement"], answer["estimate"]
    counts = {part["what"]: part["count"] for part in measurement["parts"]}
    expected = {part["what"]: part["count"] for part in estimate["parts"]}
    leaking = "tile cycles of leakage"
    assert counts.pop(leaking) == 6 * measurement["elapsed"]
    assert expected.pop(leaking) < 6 * measurement["elapsed"]
    late = 2 * 40  # what is delayed is silent in the first step
    assert all(expected[what] - late <= counts[what] <= expected[what] for what in expected)
    assert counts["neurons updated"] == expected["neurons updated"]
    assert measurement["programming"] == estimate["programming"]
    assert measurement["spikes"]["hidden"] == 5 * 40


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (LEARNING, ["--static"], "--static"),
        (INFERENCE, [], "the program names no data, and there is no --data"),
        (RECURRENT, ["--unroll", "tree"], "has a tree of partial sums"),
        (
            LEARNING.replace("linear(x, 5)", "batchnorm(linear(x, 5))"),
            [],
            "layer `hidden` normalizes",
        ),
    ],
)
def test_what_is_not_executed_is_mapped_and_says_why(
    text: str, options: list[str], words: str, tmp_path: Path, capsys: Captured
) -> None:
    answer = mapped(tmp_path, text, *options)
    assert answer["measurement"] is None
    assert words in answer["not_executed"]
    assert answer["guarantee"]["period"]
    out = capsys.readouterr().out
    assert f"executed        no: {answer['not_executed']}" in out


def test_data_of_its_own_is_not_replaced(tmp_path: Path, capsys: Captured) -> None:
    program = write_program(tmp_path)
    assert main(["map", str(program), "--data", "x.npz"]) == 1
    assert "--data: the program names its own data in `train` [E0405]" in capsys.readouterr().err
