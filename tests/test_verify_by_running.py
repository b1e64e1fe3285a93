"""Verification by running: right passes pass, wrong ones are named with what they change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from bptt_values import step_values
from programs import LEARNING, example, write_program
from random_image_networks import random_image_network
from random_networks import random_network
from sparsity_programs import random_sample
from verified_programs import (
    COMBINATIONS,
    CONVOLUTIONAL,
    FORWARD,
    OPTIMIZERS,
    TRAINING,
    WHOLE,
    passes_of,
    verify,
)
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from spikeloom import opt
from spikeloom.ablation.variants import SCHEDULES, optimising_passes
from spikeloom.backend.machine.description import load_machine
from spikeloom.command_line import main
from spikeloom.default_pipeline import pipeline_text
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects import bptt, snn
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp
from spikeloom.dialects.pool_kind import PoolKind, PoolKindAttr
from spikeloom.dialects.training import OptimizerAttr, OptimizerKind
from spikeloom.frontend.program import parse_program
from spikeloom.verification.step_evaluator import evaluate_step
from spikeloom.verification.stream_verifier import verify_stream

# --- right passes -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_the_pipeline_changes_no_value_of_a_random_program(seed: int) -> None:
    network = random_network(seed, OPTIMIZERS[seed % len(OPTIMIZERS)])
    summary = verify(network.text(), passes_of(WHOLE)).summary
    assert summary.startswith("verified by running: 10 passes change none of")


@pytest.mark.parametrize("seed", range(12, 44))
def test_optimising_passes_change_no_value_of_a_random_program(seed: int) -> None:
    """Every way to accumulate with every kind of sparsity, each on other programs."""
    network = random_network(seed, OPTIMIZERS[seed % len(OPTIMIZERS)])
    way, skip = COMBINATIONS[seed % len(COMBINATIONS)]
    optimising = optimising_passes(way, skip, "grouped")
    pipeline = f"{TRAINING},analyze-sparsity,{optimising},lower-to-engine"
    assert "13 passes" in verify(network.text(), passes_of(pipeline)).summary


@pytest.mark.parametrize("seed", range(18))
def test_no_pass_changes_a_value_of_a_random_convolutional_program(seed: int) -> None:
    """Convolutions, pools, normalization, joined channels, residual sums, cycles."""
    network = random_image_network(seed, OPTIMIZERS[seed % len(OPTIMIZERS)])
    pipeline = f"{TRAINING},analyze-sparsity,mask-gradients"
    assert "10 passes" in verify(network.text(), passes_of(pipeline)).summary


@pytest.mark.parametrize("seed", range(18, 50))
def test_no_pass_changes_a_value_of_a_random_convolutional_program_down_to_the_machine(
    seed: int,
) -> None:
    """Every way to accumulate with every kind of sparsity, schedules in turn."""
    network = random_image_network(seed, OPTIMIZERS[seed % len(OPTIMIZERS)])
    way, skip = COMBINATIONS[seed % len(COMBINATIONS)]
    optimising = optimising_passes(way, skip, list(SCHEDULES)[seed % len(SCHEDULES)])
    pipeline = f"{TRAINING},analyze-sparsity,{optimising},lower-to-engine"
    assert "13 passes" in verify(network.text(), passes_of(pipeline)).summary


def test_inference_is_verified_too() -> None:
    pipeline = f"{FORWARD},expand-bptt{{training=false}},lower-to-engine"
    assert "6 passes" in verify(LEARNING, passes_of(pipeline)).summary


@pytest.mark.parametrize("seed", range(24))
def test_the_evaluator_agrees_with_one_that_shares_no_code(seed: int) -> None:
    """Every value of a step, also inside of scans, at the corners of what neurons can be."""
    sample = random_sample(seed)
    batch = (sample.parameters, sample.signal.astype(np.float32), sample.labels)
    found = evaluate_step(sample.step, *batch).values
    for value, expected in step_values(sample.step, *batch).items():
        np.testing.assert_allclose(found[value], expected, rtol=1e-4, atol=1e-5)


# --- wrong passes -------------------------------------------------------------------------


@dataclass(frozen=True)
class Breaking(ModulePass):
    """A pass that changes every operation by `change`."""

    name = "break"

    change: Callable[[object], None]

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in list(op.walk()):
            self.change(inner)


def another_threshold(op: object) -> None:
    if isinstance(op, snn.LifOp | FireOp):
        neuron = op.neuron
        op.neuron = type(neuron).get(decay=neuron.decay.value.data, threshold=2.0)


def without_reset_path(op: object) -> None:
    if isinstance(op, FireGradientOp):
        op.neuron = type(op.neuron).get(detach_reset=True)


def another_rate(op: object) -> None:
    if isinstance(op, bptt.OptimizeOp):
        op.optimizer = OptimizerAttr.get(OptimizerKind.ADAM, rate=0.02)


def without_spike_reports(op: object) -> None:
    if isinstance(op, bptt.ReportOp) and op.kind.data == "spikes":
        op.detach()
        op.erase()


def biased_statistics(op: object) -> None:
    if isinstance(op, bptt.UpdateRunningOp):
        op.unbiased = None


def summed_pools(op: object) -> None:
    if isinstance(op, bptt.PoolGradientOp):
        op.kind = PoolKindAttr(PoolKind.SUM)


def halved_readout(op: object) -> None:
    if isinstance(op, bptt.ReadoutOp):
        op.kind = bptt.ReadoutAttr(bptt.ReadoutKind.MEAN)


@pytest.mark.parametrize(
    ("before", "change", "value"),
    [
        (FORWARD, another_threshold, "the spikes of `hidden`"),
        (TRAINING, another_threshold, "the spikes of `hidden`"),
        (TRAINING, without_reset_path, "the gradient of `hidden.weight`"),
        (TRAINING, another_rate, "the updated parameter of `hidden.weight`"),
        (TRAINING, without_spike_reports, "the spikes of `hidden` is not computed any more"),
        (TRAINING, halved_readout, "the readout"),
    ],
)
def test_a_wrong_pass_is_named_with_the_value_that_it_changes(
    before: str, change: Callable[[object], None], value: str
) -> None:
    with pytest.raises(DiagnosticError) as caught:
        verify(LEARNING, (*passes_of(before), Breaking(change)))
    assert {d.code for d in caught.value.diagnostics} == {"E0601"}
    messages = [d.message for d in caught.value.diagnostics]
    assert all(m.startswith("the pass `break` changes what @tiny computes: ") for m in messages)
    assert any(value in message for message in messages), messages


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (biased_statistics, "the updated parameter of `a.variance`"),
        (summed_pools, "the gradient of `a.weight`"),
    ],
)
def test_a_wrong_pass_over_images_is_named_too(
    change: Callable[[object], None], value: str
) -> None:
    with pytest.raises(DiagnosticError) as caught:
        verify(CONVOLUTIONAL, (*passes_of(TRAINING), Breaking(change)))
    assert any(value in diagnostic.message for diagnostic in caught.value.diagnostics)


def test_a_changed_lowering_is_caught_on_the_machine() -> None:
    """What breaks the module between two levels is the fault of the pass that has just run."""

    @dataclass(frozen=True)
    class WrongLowering(ModulePass):
        name = "wrong-lowering"

        def apply(self, ctx: Context, op: ModuleOp) -> None:
            for inner in op.walk():
                another_threshold(inner)
            for each in passes_of("lower-to-engine"):
                each.apply(ctx, op)

    with pytest.raises(DiagnosticError, match="wrong-lowering") as caught:
        verify(LEARNING, (*passes_of(TRAINING), WrongLowering()))
    assert "the largest difference of" in caught.value.diagnostics[0].message


# --- the command line ---------------------------------------------------------------------


def test_the_driver_says_what_it_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_program(tmp_path)
    code = opt.main([str(path), "-p", TRAINING, "--verify-by-running", "--verify-batch", "4"])
    output = capsys.readouterr()
    assert code == 0
    assert "8 passes" in output.err
    assert "(steps 3, batch 4)" in output.err
    assert "bptt.step @tiny steps 4 batch 8" in output.out, "the program itself keeps its sizes"


def test_what_takes_too_long_to_execute_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_program(tmp_path, LEARNING.replace("[6]", "[9000]").replace("(x, 5)", "(x, 9000)"))
    arguments = ["--verify-by-running", "--verify-steps", "100", "--verify-batch", "100"]
    assert opt.main([str(path), "-p", FORWARD, *arguments]) == 1
    assert "[E0602]" in capsys.readouterr().err


def test_compiling_verifies_training_and_inference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, target = write_program(tmp_path), tmp_path / "tiny.snx"
    assert main(["compile", str(path), "-o", str(target), "--verify-by-running"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["training", "inference"]
    assert target.exists()


@pytest.mark.parametrize(
    "name", ["digits", "conv_digits", "residual_digits", "match", "memory", "readout"]
)
def test_the_whole_pipeline_leaves_an_example_as_it_is(name: str) -> None:
    module, machine = parse_program(example(name), f"{name}.snn"), load_machine()
    for training in (True, False):
        pipeline = pipeline_text(training=training, steps=3, batch=2)
        assert "12 passes change none" in verify_stream(module, machine, pipeline, None)


def test_what_is_verified_is_what_is_compiled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With declared densities there is one pass more."""
    density = ("--density", "spikes=.1,mask=.3,gradients=.5")
    target = ("-o", str(tmp_path / "tiny.snx"))
    assert main(["compile", str(write_program(tmp_path)), *target, "--verify-by-running"]) == 0
    assert "12 passes" in capsys.readouterr().err
    path = str(write_program(tmp_path))
    assert main(["compile", path, *target, *density, "--verify-by-running"]) == 0
    assert capsys.readouterr().err.count("13 passes") == 2


def test_sizes_must_be_positive(capsys: pytest.CaptureFixture[str]) -> None:
    assert opt.main(["x.snn", "--verify-steps", "0"]) != 0
    assert "no integer from 1 to 1024" in capsys.readouterr().err
