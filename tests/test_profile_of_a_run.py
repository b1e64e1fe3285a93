"""A run's profile, and the expectations that `analyze-sparsity` takes from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sparsity_programs import only_step, run
from xdsl.ir import SSAValue

from spikeloom.command_line import main
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.density import demand_of, density_of
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp
from spikeloom.frontend.program import parse_program

PROGRAM = """network tiny(x: spikes[6]) -> spikes[3] {
    hidden = lif(linear(x, 5) + linear(previous(hidden), 5))
    smooth = li(linear(hidden, 4), decay = 0.7)
    return lif(linear(smooth, 3), surrogate = atan(slope = 2.0))
}
train tiny {
    data = random(rate = 0.5, classes = 3, samples = 26)
    steps = 4
    batch = 8
    epochs = 2
    loss = cross_entropy
    optimizer = adam(rate = 0.01)
}
"""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON result of a run of `PROGRAM`."""
    folder = tmp_path_factory.mktemp("profile")
    (folder / "tiny.snn").write_text(PROGRAM)
    assert main(["run", str(folder / "tiny.snn"), "--json", str(folder / "r.json")]) == 0
    return folder / "r.json"


def test_the_profile_counts_whole_samples_and_agrees_with_the_counters(result: Path) -> None:
    found = json.loads(result.read_text())
    profile, counters = found["profile"], found["counters"]
    assert (profile["network"], profile["steps"]) == ("tiny", 4)
    # Two epochs: 21 samples to train on and 5 to test with.
    trained, tested = 2 * 21, 2 * 5
    assert profile["input"][1] == (trained + tested) * 4 * 6
    hidden, smooth, output = (profile["layers"][n] for n in ("hidden", "smooth", "output"))
    assert hidden["spikes"][1] == (trained + tested) * 4 * 5
    assert hidden["mask"][1] == hidden["gradients"][1] == trained * 4 * 5
    assert smooth["spikes"] == smooth["mask"] == output["mask"] == [0, 0]
    assert smooth["gradients"][1] == trained * 4 * 4
    assert hidden["spikes"][0] + output["spikes"][0] == counters["nu__spikes_emitted"]
    assert hidden["mask"][0] == counters["nu__mask_ones"]


def test_expected_densities_are_those_of_the_profile(result: Path) -> None:
    module = parse_program(PROGRAM, "tiny.snn")
    run(module, f'infer-shapes,expand-bptt,analyze-sparsity{{profile="{result}"}}')
    profile = json.loads(result.read_text())["profile"]
    step = only_step(module)
    assert expected(step.body.block.args[0]) == as_share(profile["input"])
    layers: set[str] = set()
    for op in step.walk():
        if isinstance(op, FireOp):
            layer = profile["layers"][op.layer.data]
            layers.add(op.layer.data)
            assert expected(op.spikes) == as_share(layer["spikes"])
            if op.mask is not None:
                assert expected(op.mask) == as_share(layer["mask"])
        elif isinstance(op, FireGradientOp | IntegrateGradientOp):
            layer = profile["layers"][op.layer.data]
            assert expected(op.results[0]) == as_share(layer["gradients"])
        elif isinstance(op, bptt.ReportOp) and op.kind.data == "spikes":
            # Outside of the scan that collects them too.
            assert expected(op.value) == as_share(profile["layers"][op.subject.data]["spikes"])
        elif isinstance(op, bptt.SynapseInputGradientOp) and op.parent is step.body.block:
            reader = next(iter(op.input_gradient.uses)).operation
            if isinstance(reader, bptt.ScanOp):
                demand = demand_of(op.input_gradient)
                assert demand is not None
                assert demand.measured == as_share(profile["layers"]["hidden"]["mask"])
    assert layers == {"hidden", "output"}


def expected(value: SSAValue) -> float | None:
    density = density_of(value)
    return None if density is None else density.measured


def as_share(pair: list[int]) -> float:
    return pair[0] / pair[1]
