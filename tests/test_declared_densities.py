"""Densities that are declared, or that the program's own data have, reach the passes in the IR."""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import write_program
from sparsity_programs import only_step, run
from xdsl.dialects.builtin import ModuleOp

from spikeloom.command_line import main
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.density import DensityAttr, density_of, expected_density
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp
from spikeloom.frontend.program import parse_program

PROGRAM = """network wide(x: spikes[4, 8, 8]) -> currents[3] {
    first = lif(conv2d(x, 8), surrogate = rectangle(half_width = 0.5))
    second = lif(conv2d(maxpool2d(first, 2), 8, bias = false))
    return li(linear(flatten(second), 3))
}
train wide {
    data = random(rate = 0.17, classes = 3, samples = 26)
    steps = 4
    batch = 8
    epochs = 1
    loss = mse
    optimizer = adam(rate = 0.01)
}
"""
SHARES = "spikes=.1,mask=.3,gradients=.5"


def analyzed(options: str, text: str = PROGRAM) -> ModuleOp:
    module = parse_program(text, "wide.snn")
    run(module, f"infer-shapes,expand-bptt,{options}")
    return module


def of_type(module: ModuleOp, kind: type) -> list:
    return [op for op in module.walk() if isinstance(op, kind)]


def test_declared_shares_are_expected_of_every_layer_alike() -> None:
    module = analyzed(f'analyze-sparsity{{density="{SHARES}"}}')
    layers = of_type(module, FireOp)
    assert [expected_density(op.spikes) for op in layers] == [0.1, 0.1]
    assert [expected_density(op.mask) for op in layers if op.mask is not None] == [0.3, 0.3]
    gradients = [expected_density(op.gradient) for op in of_type(module, FireGradientOp)]
    assert gradients == [0.5, 0.5]
    assert expected_density(only_step(module).body.block.args[0]) == 0.1


def test_a_maximum_of_spikes_is_expected_to_be_denser_than_they_are() -> None:
    module = analyzed(f'analyze-sparsity{{density="{SHARES}"}}')
    (pool,) = of_type(module, bptt.PoolOp)
    assert expected_density(pool.pooled) == pytest.approx(1 - 0.9**4)
    _, second = of_type(module, bptt.ConvolutionOp)
    assert expected_density(second.input) == expected_density(pool.pooled)


def test_random_data_say_what_to_expect_of_the_input_and_promise_nothing() -> None:
    for pipeline in ("cse", "analyze-sparsity", 'analyze-sparsity{density="mask=.3"}'):
        image = only_step(analyzed(pipeline)).body.block.args[0]
        assert density_of(image) == DensityAttr.get(0.0, 1.0, 0.17)
    declared = analyzed('analyze-sparsity{density="spikes=.5,input=.25"}')
    assert expected_density(only_step(declared).body.block.args[0]) == 0.25
    data = "random(rate = 0.17, classes = 3, samples = 26)"
    digits = PROGRAM.replace(data, "digits(encode = rate)").replace("[4, 8, 8]", "[1, 8, 8]")
    digits = digits.replace("flatten(second), 3", "flatten(second), 10").replace("[3]", "[10]")
    assert density_of(only_step(analyzed("cse", digits)).body.block.args[0]) is None


def test_half_is_assumed_of_what_nothing_is_known_within_its_bounds() -> None:
    module = analyzed("analyze-sparsity")
    first, second = of_type(module, FireOp)
    assert expected_density(first.spikes) == expected_density(second.spikes) == 0.5
    text = PROGRAM.replace("conv2d(x, 8)", "conv2d(x, 8, bias = false)")
    sparse = analyzed("analyze-sparsity{input=0.001}", text)
    most = [density_of(op.spikes).most for op in of_type(sparse, FireOp)]
    expected = [expected_density(op.spikes) for op in of_type(sparse, FireOp)]
    assert 0 < most[0] < 0.5
    assert expected == [min(0.5, each) for each in most]
    assert expected_density(only_step(sparse).body.block.args[0]) == 0.001


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('density="spikes=2"', "`spikes` is 2, not a number from 0 to 1"),
        ('density="spike=.2"', "there is no density `spike`"),
        ('density="spikes=.2" profile="a.json"', "a profile says what is expected already"),
    ],
)
def test_declarations_that_mean_nothing_are_refused(options: str, words: str) -> None:
    with pytest.raises(DiagnosticError, match=r"analyze-sparsity\{density=.*\[E0405\]") as found:
        analyzed(f"analyze-sparsity{{{options}}}")
    assert words in str(found.value)


def report(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


def test_the_report_says_what_a_program_was_compiled_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = write_program(tmp_path, PROGRAM)
    text = report(capsys, "run", program, "--count-only", "--density", SHARES)
    assert "compiled for   densities input=0.1,spikes=0.1,mask=0.3,gradients=0.5, declared" in text
    text = report(capsys, "run", program, "--json", tmp_path / "run.json")
    assert "compiled for   spikes of density 0.5, assumed" in text
    assert "an input of 0.17, as its data are" in text
    text = report(capsys, "run", program, "--density", "spikes=.02")
    assert "compiled for   densities input=0.02,spikes=0.02, declared" in text
    text = report(capsys, "run", program, "--profile", tmp_path / "run.json")
    assert f"compiled for   the densities that were measured in {tmp_path / 'run.json'}" in text
