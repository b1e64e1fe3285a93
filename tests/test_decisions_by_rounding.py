"""Verification by running where rounding decides about a spike: it is taken as it is found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from programs import LEARNING
from verified_programs import TRAINING, passes_of, verify
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from spikeloom.compiler import new_context
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireOp
from spikeloom.dialects.neuron import NeuronAttr, SurrogateKind
from spikeloom.frontend.program import parse_program
from spikeloom.verification import decisions, execution
from spikeloom.verification.arrays import Array, Precision
from spikeloom.verification.decisions import (
    SAFETY,
    Adopting,
    Decide,
    Place,
    by_comparison,
    following,
    margins_of,
)
from spikeloom.verification.draws import Draw, Signature, draw
from spikeloom.verification.neuron_arithmetic import Neuron
from spikeloom.verification.sizes import Sizes
from spikeloom.verification.step_evaluator import Evaluation, evaluate_step

SIZES = Sizes(3, 2)
SLOPE = 0.01
"""A surrogate so flat that a threshold moved by a little does not move gradients."""

NORMALIZED = LEARNING.replace(
    "lif(linear(x, 5))", f"lif(batchnorm(linear(x, 40)), surrogate = atan(slope = {SLOPE}))"
)


@dataclass(frozen=True)
class Sample:
    """A training step with the draw that verification takes for it."""

    step: bptt.StepOp
    drawn: Draw

    def run(self, decide: Decide = by_comparison, precision: Precision = np.float32) -> Evaluation:
        """The step, executed with another say about decisions."""
        batch = (self.drawn.parameters, self.drawn.signal, self.drawn.labels)
        return evaluate_step(self.step, *batch, precision, decide=decide)


@pytest.fixture(scope="module")
def sample() -> Sample:
    module = parse_program(NORMALIZED, "program.snn")
    pipeline = TRAINING.replace("expand-bptt", "expand-bptt{steps=3 batch=2}")
    for each in passes_of(pipeline):
        each.apply(new_context(), module)
    (step,) = (op for op in module.ops if isinstance(op, bptt.StepOp))
    return Sample(step, draw(Signature.of_step(step), 0))


@dataclass(frozen=True)
class Nearest:
    """The potential of a layer that is least above its threshold, and the next one's distance."""

    place: Place
    cell: tuple[int, ...]
    distance: float
    next_distance: float

    def decides_otherwise(self, place: Place, neuron: Neuron, potential: Array):
        """As the neuron says, but for this cell."""
        spikes, mask = by_comparison(place, neuron, potential)
        if place == self.place:
            spikes[self.cell] = 1.0 - spikes[self.cell]
        return spikes, mask


def nearest(found: Evaluation, layer: str) -> Nearest:
    above = sorted(
        (float(fired.potential[cell] - fired.neuron.threshold), place, cell)
        for place, fired in found.record.items()
        if place[0] == layer
        for cell in np.ndindex(fired.potential.shape)
        if fired.spikes[cell]
    )
    (distance, place, cell), (next_distance, _, _) = above[:2]
    return Nearest(place, cell, distance, next_distance)


def spikes_of(found: Evaluation) -> dict[str, Array]:
    layers = {layer for layer, _ in found.record}
    times = range(SIZES.steps)
    return {layer: np.stack([found.record[layer, t].spikes for t in times]) for layer in layers}


def test_an_execution_that_differs_within_rounding_only_is_reproduced(sample: Sample) -> None:
    near = nearest(sample.run(), "hidden")
    other = sample.run(near.decides_otherwise)
    adopting = Adopting(spikes_of(other), {"hidden": 2 * near.distance})
    again = sample.run(adopting)
    assert adopting.adopted == 1
    for value, expected in other.values.items():
        np.testing.assert_array_equal(again.values[value], expected)


def test_a_decision_that_rounding_does_not_explain_is_not_adopted(sample: Sample) -> None:
    near = nearest(sample.run(), "hidden")
    theirs = spikes_of(sample.run(near.decides_otherwise))
    adopting = Adopting(theirs, {"hidden": 0.5 * near.distance})
    assert not np.array_equal(spikes_of(sample.run(adopting))["hidden"], theirs["hidden"])
    assert adopting.adopted == 0


def test_sums_on_the_grid_leave_rounding_nothing_to_decide() -> None:
    """A leak of 0.5 and weights on a dyadic grid: both precisions compute the same."""
    module = parse_program(LEARNING, "program.snn")
    for each in passes_of(TRAINING.replace("expand-bptt", "expand-bptt{steps=3 batch=2}")):
        each.apply(new_context(), module)
    (step,) = (op for op in module.ops if isinstance(op, bptt.StepOp))
    exact = Sample(step, draw(Signature.of_step(step), 0))
    single = exact.run()
    double = exact.run(following(single.record), np.float64)
    assert set(margins_of(single.record, double.record).values()) == {0.0}


@dataclass(frozen=True)
class LoweringWithAnotherThreshold(ModulePass):
    """Lowers, after it has raised the threshold of `hidden`."""

    name = "wrong-lowering"

    raised: float

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for inner in op.walk():
            if isinstance(inner, FireOp) and inner.layer.data == "hidden":
                threshold = inner.neuron.threshold.value.data + self.raised
                inner.neuron = NeuronAttr.get(
                    threshold=threshold, surrogate=SurrogateKind.ATAN, shape=SLOPE
                )
        for each in passes_of("lower-to-engine"):
            each.apply(ctx, op)


def test_a_spike_on_which_rounding_decides_fails_no_pass_and_any_other_does(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same wrong threshold is within rounding if that is said to reach far enough."""
    single = sample.run()
    near = nearest(single, "hidden")
    double = sample.run(following(single.record), np.float64)
    margin = margins_of(single.record, double.record)["hidden"]
    assert 0.0 < margin < near.distance
    raised = (near.distance + near.next_distance) / 2
    wrong = (*passes_of(TRAINING), LoweringWithAnotherThreshold(raised))
    monkeypatch.setattr(execution, "ATTEMPTS", 1)
    with pytest.raises(DiagnosticError, match="the spikes of `hidden`"):
        verify(NORMALIZED, wrong, SIZES)
    monkeypatch.setattr(decisions, "SAFETY", SAFETY * 1.5 * near.distance / margin)
    summary = verify(NORMALIZED, wrong, SIZES).summary
    assert summary.endswith("; rounding decides about 1 spike, which the later level settles")
