"""`mask-gradients`: gradients are left out only where nothing depends on them."""

from __future__ import annotations

import numpy as np
import pytest
from bptt_values import step_values
from numpy.typing import NDArray
from sparsity_programs import Sample, random_sample, run

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp

SEEDS = range(64)


def reported(sample: Sample) -> dict[str, NDArray[np.generic]]:
    values = step_values(sample.step, sample.parameters, sample.signal, sample.labels)
    return {
        f"{op.kind.data} {op.subject.data}": values[op.value]
        for op in sample.step.walk()
        if isinstance(op, bptt.ReportOp)
    }


def masked(sample: Sample) -> int:
    return sum(
        op.mask is not None
        for op in sample.step.walk()
        if isinstance(op, bptt.SynapseInputGradientOp)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_step_reports_is_the_same(seed: int) -> None:
    """Through sums, other shapes, delays, and what scans hand on to their next turn."""
    sample = random_sample(seed)
    before = reported(sample)
    run(sample.module, "mask-gradients,cse,dce")
    sample.module.verify()
    after = reported(sample)
    assert before.keys() == after.keys()
    for name, expected in before.items():
        assert np.array_equal(after[name], expected, equal_nan=True), name


def test_random_steps_have_gradients_that_are_masked() -> None:
    """The test above would be true of a pass that does nothing."""
    found = []
    for seed in SEEDS:
        sample = random_sample(seed)
        run(sample.module, "mask-gradients")
        found.append(masked(sample))
    assert sum(count > 0 for count in found) > 16


@pytest.mark.parametrize("seed", SEEDS)
def test_only_a_saved_mask_is_used(seed: int) -> None:
    """Surrogates without a mask read the gradient of spikes everywhere."""
    sample = random_sample(seed)
    saving = any(
        op.neuron.saves_mask for op in sample.step.walk() if isinstance(op, FireGradientOp)
    )
    run(sample.module, "mask-gradients")
    assert saving or masked(sample) == 0


@pytest.mark.parametrize("skip", ["input", "none"])
def test_without_output_sparsity_there_is_no_mask(skip: str) -> None:
    sample = random_sample(3)
    run(sample.module, "mask-gradients")
    run(sample.module, f"mask-gradients{{skip={skip}}}")
    assert masked(sample) == 0
