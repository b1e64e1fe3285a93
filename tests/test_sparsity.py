"""`analyze-sparsity`: no measured density lies outside of its bounds."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from bptt_values import step_values
from engine_gradients import Engine, default_machine
from numpy.typing import NDArray
from random_batches import random_batch
from random_networks import random_network
from reference_gradients import Batch
from snn_program import Lif, Linear, Name, Network, Neuron, Surrogate
from sparsity_programs import (
    Sample,
    expanded,
    only_step,
    random_image_sample,
    random_sample,
    run,
)
from xdsl.ir import Operation, SSAValue

from spikeloom.backend.accounts import quantities as q
from spikeloom.compiler import attach_machine, new_context
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.density import DensityAttr, demand_of, density_of
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp
from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.frontend.program import parse_program
from spikeloom.ir_text import parse_ir
from spikeloom.passes.analyze_sparsity import AnalyzeSparsityPass
from spikeloom.passes.sparsity import density_analysis
from spikeloom.passes.sparsity.density_lattice import Density, rounded_up

IR_SEEDS = range(96)
IMAGE_SEEDS = range(72)
ENGINE_SEEDS = range(60)
DEMAND_SEEDS = (38, 47, 49, 52, 69, 91, 97, 98, 104, 126, 169, 193, 197, 206, 234, 279)
IMAGE_DEMAND_SEEDS = (5, 9, 15, 16, 19, 32, 35, 46, 71, 85, 125, 157)
"""Small networks with values of which not all cells are demanded."""


def share(array: NDArray[np.generic]) -> Fraction:
    """The share of cells that are not zero, exactly."""
    return Fraction(int(np.count_nonzero(array)), array.size)


def is_inside(measured: Fraction, bounds: DensityAttr) -> bool:
    return Fraction(bounds.least) <= measured <= Fraction(bounds.most)


def values_of(sample: Sample) -> dict[SSAValue, NDArray[np.generic]]:
    return step_values(sample.step, sample.parameters, sample.signal, sample.labels)


# --- bounds -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", IR_SEEDS)
def test_every_value_of_a_step_lies_inside_its_bounds(seed: int) -> None:
    """Also inside of scans, for neurons and batches at the corners of what they can be."""
    check_bounds(random_sample(seed))


@pytest.mark.parametrize("seed", IMAGE_SEEDS)
def test_every_value_of_a_convolutional_step_lies_inside_its_bounds(seed: int) -> None:
    """Windows of all strides, pools, normalization, joined channels, residual sums, scans."""
    check_bounds(random_image_sample(seed))


def check_bounds(sample: Sample) -> None:
    """Executes what was analyzed."""
    sample.analyze()
    for value, array in values_of(sample).items():
        bounds = density_of(value)
        if bounds is not None:
            assert is_inside(share(array), bounds), (value, share(array), bounds)
        else:
            assert not isinstance(value.owner, bptt.SynapseOp | FireOp), "every result is known"


def test_the_bounds_say_something() -> None:
    """Nearly half of the bounds on sparse or silent batches are below 1, most of them reached."""
    below = reached = total = 0
    for seed in IR_SEEDS[::4]:
        sample = random_sample(seed)
        sample.analyze()
        for value, array in values_of(sample).items():
            if (bounds := density_of(value)) is not None:
                total += 1
                below += bounds.most < 1.0
                reached += bounds.most < 1.0 and float(share(array)) == bounds.most
    assert below > 0.3 * total
    assert reached > 0.6 * below


@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_without_weights_no_bound_of_a_layer_with_biases_can_be_lower(reset: str) -> None:
    """Biases just above the threshold alone make every neuron spike, under its mask."""
    neuron = f"reset = {reset}"
    text = f"""network net(x: spikes[4]) -> spikes[3] {{
        a = lif(linear(x, 5), {neuron})
        return lif(linear(a, 3), {neuron})
    }}
    train net {{
        data = random(rate = 0.5, classes = 3, samples = 8)
        steps = 4
        batch = 2
        epochs = 1
        loss = cross_entropy
        optimizer = sgd(rate = 0.1)
    }}"""
    module = parse_program(text, "net.snn")
    run(module, "infer-shapes,expand-bptt,cse,dce")
    step = only_step(module)
    parameters = {
        name: np.full(op.type.get_shape(), 0.6 if name.endswith("bias") else 0.0, np.float32)
        for name, op in step.parameters().items()
    }
    silent, labels = np.zeros((4, 2, 4), np.float32), np.zeros(2, np.int32)
    sample = Sample(module, step, parameters, silent, labels)
    sample.analyze()
    reached = values_of(sample)
    layers = [op for op in step.walk() if isinstance(op, FireOp)]
    assert len(layers) == 2
    for value in [result for op in layers for result in op.results]:
        assert float(share(reached[value])) == required(value).most == 1.0


@pytest.mark.parametrize("seed", ENGINE_SEEDS)
def test_what_the_machine_counts_lies_inside_the_bounds(seed: int) -> None:
    """Every reported value, and the counts of spikes, masks and gradients of every layer."""
    network = random_network(seed)
    parameters, batch = random_batch(network, seed)
    engine = Engine(network)
    engine.write_parameters(parameters)
    measured = engine.run(batch)
    module = expanded(network)
    bound = rounded_up(share(np.asarray(batch.signal)))
    AnalyzeSparsityPass(input=bound).apply(new_context(), module)
    counts, cells = engine.neuron_counts(), network.steps * network.batch
    for op in only_step(module).walk():
        if isinstance(op, bptt.ReportOp) and op.kind.data in ("spikes", "gradient"):
            found = measured.spikes if op.kind.data == "spikes" else measured.gradients
            assert is_inside(share(found[op.subject.data]), required(op.value))
        for layer, value, quantity in counted(op):
            ones = int(counts[layer][quantity])
            assert is_inside(Fraction(ones, cells * bptt.unit_count(value.type)), required(value))


def counted(op: Operation) -> Iterator[tuple[str, SSAValue, int]]:
    """What the machine counts of an operation's results: layer, value and quantity."""
    if isinstance(op, FireOp):
        yield op.layer.data, op.spikes, q.SPIKES_EMITTED
        if op.mask is not None:
            yield op.layer.data, op.mask, q.MASK_ONES
    elif isinstance(op, FireGradientOp | IntegrateGradientOp):
        yield op.layer.data, op.results[0], q.GRADIENTS_NONZERO


def required(value: SSAValue) -> DensityAttr:
    """The density of a value, which must have one."""
    found = density_of(value)
    assert found is not None
    return found


def test_an_analyzed_program_compiles_to_the_same_instructions() -> None:
    texts: list[str] = []
    for pipeline in ("lower-to-engine", "analyze-sparsity,lower-to-engine"):
        module = expanded(random_network(5))
        attach_machine(module, default_machine())
        run(module, pipeline)
        texts.append(str(module))
    assert texts[0] == texts[1]


def test_the_analysis_does_no_more_work_for_more_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    visits: list[Operation] = []
    original = density_analysis.result_densities

    def noted(op: Operation, *rest: Any) -> tuple[Density, ...]:
        visits.append(op)
        return original(op, *rest)

    monkeypatch.setattr(density_analysis, "result_densities", noted)
    numbers: list[int] = []
    for steps in (40, 4000):
        visits.clear()
        module = parse_program(random_network(3).text(), "random.snn")
        run(module, f"infer-shapes,expand-bptt{{steps={steps} batch=2}},analyze-sparsity")
        numbers.append(len(visits))
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("seed", range(0, 96, 8))
def test_what_is_found_survives_printing_and_parsing(seed: int) -> None:
    sample = random_sample(seed)
    sample.analyze()
    text = str(sample.module)
    assert str(parse_ir(new_context(), text, "ir.mlir")) == text


def test_a_second_run_finds_the_same() -> None:
    sample = random_sample(3)
    sample.analyze()
    once = str(sample.module)
    run(sample.module, "analyze-sparsity")
    assert str(sample.module) == once


# --- demands ------------------------------------------------------------------------------


def reports(sample: Sample, disturbed: tuple[SSAValue, tuple[int, ...]] | None) -> list[Any]:
    """All that leaves the step, after a change to one cell of one value."""
    values = step_values(sample.step, sample.parameters, sample.signal, sample.labels, disturbed)
    return [
        values[op.operands[0]]
        for op in sample.step.body.block.ops
        if isinstance(op, bptt.ReportOp | bptt.OptimizeOp)
    ]


@pytest.mark.parametrize("seed", DEMAND_SEEDS)
def test_no_more_cells_matter_than_are_demanded(seed: int) -> None:
    check_demands(random_sample(seed))


@pytest.mark.parametrize("seed", IMAGE_DEMAND_SEEDS)
def test_no_more_cells_of_an_image_matter_than_are_demanded(seed: int) -> None:
    check_demands(random_image_sample(seed))


def check_demands(sample: Sample) -> None:
    """Cells are changed one by one; those that change a report are no more than the demand."""
    sample.analyze()
    before = reports(sample, None)
    tried = 0
    for value, array in values_of(sample).items():
        # What a scan collects is counted inside of it.
        demand = None if isinstance(value.owner, ScanOp) else demand_of(value)
        if demand is None or demand.most == 1.0 or array.size > 150:
            continue
        matter = 0
        for index in np.ndindex(array.shape):
            after = reports(sample, (value, index))
            matter += not all(map(np.array_equal, before, after))
        assert Fraction(matter, array.size) <= Fraction(demand.most), (value, demand)
        tried += 1
    assert tried


# --- the closed form ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("threshold", "half_width", "deviation"), [(0.25, 0.5, 1.0), (0.5, 0.5, 0.8), (0.3, 0.1, 2.0)]
)
def test_mask_density_of_gaussian_currents_is_the_closed_form(
    threshold: float, half_width: float, deviation: float
) -> None:
    """Phi((theta + a) / sigma) - Phi((theta - a) / sigma), by the machine's own count.

    One step, so that potentials are the currents. Of n independent cells the density has the
    standard deviation sqrt(p (1 - p) / n); five of them are allowed, from one fixed seed.
    """
    units, samples = 64, 512
    neuron = Neuron(threshold=threshold, surrogate=Surrogate("rectangle", half_width))
    network = Network(
        input_kind="currents",
        input_shape=(units,),
        statements=(),
        returned=Lif(Linear(Name("signal"), units, bias=False), neuron),
        steps=1,
        batch=samples,
    )
    random = np.random.default_rng(7)
    signal = random.normal(0.0, deviation, (1, samples, units)).astype(np.float32)
    engine = Engine(network)
    engine.write_parameters({"output.weight": np.eye(units, dtype=np.float32)})
    engine.run(Batch(signal, random.integers(0, units, samples).astype(np.int32)))
    normal = NormalDist(0.0, deviation)
    predicted = normal.cdf(threshold + half_width) - normal.cdf(threshold - half_width)
    measured = engine.neuron_counts()["output"][q.MASK_ONES] / signal.size
    tolerance = 5 * (predicted * (1 - predicted) / signal.size) ** 0.5
    assert abs(measured - predicted) < tolerance < 0.015
