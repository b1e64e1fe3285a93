"""The training step of convolutional networks computes the gradients of an independent reference.

The step is evaluated in numpy, straight from what the operations of `bptt` mean: here the
mathematics is compared, before any machine runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from agreement import assert_agrees
from bptt_gradients import evaluate_step, expanded_step
from bptt_values import step_values
from random_batches import random_batch
from random_image_networks import COMBINATIONS, random_image_network
from reference_gradients import evaluate
from snn_program import (
    Add,
    Batchnorm,
    Conv2d,
    Flatten,
    Lif,
    Linear,
    Name,
    Network,
    Neuron,
    Pool2d,
    Previous,
    Surrogate,
)
from xdsl.dialects.builtin import FileLineColLoc
from xdsl.ir import SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireOp
from spikeloom.dialects.window import WindowAttr

NETWORKS = range(4 * len(COMBINATIONS))


@pytest.mark.parametrize("seed", NETWORKS)
def test_gradients_equal_the_reference(seed: int) -> None:
    network = random_image_network(seed)
    parameters, batch = random_batch(network, seed)
    _, step = expanded_step(network)
    assert_agrees(evaluate_step(step, parameters, batch), evaluate(network, parameters, batch))


def test_the_networks_cover_the_operations() -> None:
    """Every operation on images stands among sequences and, if it may, in scans."""
    found: set[tuple[str, bool]] = set()
    for seed in NETWORKS:
        _, step = expanded_step(random_image_network(seed))
        for op in step.walk():
            parent = op.parent_op()
            name = op.name.removeprefix("bptt.")
            if isinstance(op, bptt.PoolOp | bptt.PoolGradientOp):
                name += f" {op.kind.data.value}"
            found.add((name, parent is not step))
    pools = {f"{op} {kind}" for op in ("pool", "pool_gradient") for kind in ("sum", "avg", "max")}
    anywhere = {"convolution", "convolution_input_gradient", "concatenate", "slice", *pools}
    sequences = {
        "convolution_weight_gradient",
        "moments",
        "normalize",
        "scale_gradient",
        "normalize_gradient",
        "update_running",
        "reshape",
    }
    assert {(name, place) for name in anywhere for place in (False, True)} <= found
    assert {(name, False) for name in sequences} <= found
    assert not {(name, True) for name in sequences - {"reshape"}} & found


def test_the_networks_cover_the_shapes_of_windows() -> None:
    networks = [random_image_network(seed) for seed in NETWORKS]
    expressions = [e for network in networks for e in network.expressions()]
    convolutions = [e for e in expressions if isinstance(e, Conv2d)]
    assert {1, 2, 3, 4} <= {conv.kernel for conv in convolutions}
    assert {1, 2, 3} <= {conv.stride for conv in convolutions}
    assert {None, 0, 1, 2} <= {conv.padding for conv in convolutions}
    assert {conv.bias for conv in convolutions} == {True, False}
    pools = [e for e in expressions if isinstance(e, Pool2d)]
    assert any(pool.step < pool.size for pool in pools)
    assert any(pool.step > pool.size for pool in pools)
    assert {network.input_kind for network in networks} == {"spikes", "currents"}
    assert {len(network.input_shape) for network in networks} == {1, 3}
    kinds = {
        (network.kind(pool.value), pool.kind)
        for network in networks
        for pool in network.expressions()
        if isinstance(pool, Pool2d)
    }
    assert kinds >= {("currents", "max"), ("spikes", "max"), ("spikes", "avg"), ("spikes", "sum")}


def test_the_networks_are_alive() -> None:
    nonzero: list[np.ndarray] = []
    densities: list[float] = []
    for seed in NETWORKS:
        network = random_image_network(seed)
        expected = evaluate(network, *random_batch(network, seed))
        nonzero += [gradient.ravel() != 0.0 for gradient in expected.gradients.values()]
        densities += [float(spikes.mean()) for spikes in expected.spikes.values()]
    assert np.concatenate(nonzero).mean() > 0.7
    assert np.mean([0.05 < density < 0.95 for density in densities]) > 0.8


ALWAYS = Neuron(decay=0.7, threshold=0.2, surrogate=Surrogate("atan", 2.0))
NORMALIZED = Network(
    input_kind="spikes",
    input_shape=(2, 6, 6),
    statements=(
        ("a", Lif(Batchnorm(Conv2d(Name("signal"), 3, bias=False), 0.2), ALWAYS)),
        ("b", Pool2d("max", Name("a"), 2)),
    ),
    returned=Lif(Linear(Flatten(Name("b")), 3), ALWAYS),
    steps=4,
    batch=3,
)


def without_mean(op: bptt.NormalizeGradientOp) -> None:
    op.operands[5] = op.mean


def without_variance(op: bptt.NormalizeGradientOp) -> None:
    op.operands[4] = op.mean


def one_row_lower(op: bptt.ConvolutionWeightGradientOp) -> None:
    op.window = WindowAttr.get(3, 1, 0)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (bptt.NormalizeGradientOp, without_mean),
        (bptt.NormalizeGradientOp, without_variance),
        (bptt.ConvolutionWeightGradientOp, one_row_lower),
    ],
)
def test_a_wrong_gradient_would_be_noticed(kind: type, change: Callable[..., None]) -> None:
    parameters, batch = random_batch(NORMALIZED, 0)
    _, step = expanded_step(NORMALIZED)
    for op in step.walk():
        if isinstance(op, kind):
            change(op)
    with pytest.raises(AssertionError, match=r"a\.weight: off by"):
        assert_agrees(
            evaluate_step(step, parameters, batch), evaluate(NORMALIZED, parameters, batch)
        )


def test_a_wrong_running_statistic_would_be_noticed() -> None:
    parameters, batch = random_batch(NORMALIZED, 0)
    expected = evaluate(NORMALIZED, parameters, batch)
    _, step = expanded_step(NORMALIZED)
    assert_agrees(evaluate_step(step, parameters, batch), expected)
    for op in step.walk():
        if isinstance(op, bptt.UpdateRunningOp):
            op.unbiased = None
    with pytest.raises(AssertionError, match=r"a\.variance: off by"):
        assert_agrees(evaluate_step(step, parameters, batch), expected)


def test_the_first_of_equal_cells_takes_the_gradient_of_a_maximum() -> None:
    """In windows that overlap and in silent ones, where every cell is the largest."""
    pooled = Pool2d("max", Name("a"), 3, 1)
    network = replace(
        NORMALIZED,
        statements=(("a", Lif(Conv2d(Name("signal"), 3), ALWAYS)), ("b", pooled)),
    )
    parameters, batch = random_batch(network, 1)
    _, step = expanded_step(network)
    actual, expected = evaluate_step(step, parameters, batch), evaluate(network, parameters, batch)
    assert 0.05 < expected.spikes["a"].mean() < 0.95
    assert_agrees(actual, expected)


def test_a_bias_before_a_batchnorm_has_no_gradient_but_rounding() -> None:
    network = replace(
        NORMALIZED,
        statements=(
            ("a", Lif(Batchnorm(Conv2d(Name("signal"), 3)), ALWAYS)),
            ("b", Pool2d("max", Name("a"), 2)),
        ),
    )
    random = np.random.default_rng(5)
    parameters = {
        name: random.uniform(0.1, 0.4, shape).astype(np.float32)
        for name, shape in network.parameter_shapes.items()
    }
    _, batch = random_batch(NORMALIZED, 0)
    _, step = expanded_step(network)
    magnitudes = evaluate(network, parameters, batch).magnitudes["a.bias"]
    gradient = evaluate_step(step, parameters, batch).gradients["a.bias"]
    assert np.all(np.abs(gradient) <= 1e-5 * magnitudes)


def test_equal_gradients_of_two_parameters_stay_two() -> None:
    """Of two convolutions and two batchnorms in one sum; cse merges the statistics only."""
    twins = tuple(Batchnorm(Name("i")) for _ in range(2))
    network = replace(
        NORMALIZED,
        statements=(
            ("i", Add(tuple(Conv2d(Name("signal"), 3, bias=False) for _ in range(2)))),
            ("a", Lif(Add(twins), ALWAYS)),
            ("b", Pool2d("avg", Name("a"), 2)),
        ),
    )
    parameters, batch = random_batch(network, 2)
    _, step = expanded_step(network)
    assert len([op for op in step.walk() if isinstance(op, bptt.MomentsOp)]) == 1
    assert len([op for op in step.walk() if isinstance(op, bptt.UpdateRunningOp)]) == 4
    actual = evaluate_step(step, parameters, batch)
    assert_agrees(actual, evaluate(network, parameters, batch))
    for pair in ("i.{}.weight", "a.{}.scale", "a.{}.shift"):
        first, second = (actual.gradients[pair.format(number)] for number in (1, 2))
        assert first.any()
        np.testing.assert_array_equal(first, second)


def test_a_recurrent_convolution_remembers() -> None:
    """Its gradient flows through every step, as that of the reference does."""
    past = Conv2d(Pool2d("max", Previous(Name("a")), 2, 1), 3, kernel=2, padding=1)
    network = replace(
        NORMALIZED,
        statements=(
            ("a", Lif(Add((Conv2d(Name("signal"), 3), past)), ALWAYS)),
            ("b", Pool2d("sum", Name("a"), 2)),
        ),
    )
    parameters, batch = random_batch(network, 3)
    _, step = expanded_step(network)
    actual = evaluate_step(step, parameters, batch)
    assert_agrees(actual, evaluate(network, parameters, batch))
    assert actual.gradients["a.2.weight"].any()


def test_spikes_add_up() -> None:
    """A sum of spikes is currents, whose gradient reaches each of them, also twice the same."""
    network = replace(
        NORMALIZED,
        statements=(
            ("a", Lif(Conv2d(Name("signal"), 3), ALWAYS)),
            ("c", Lif(Conv2d(Name("a"), 3), ALWAYS)),
            ("d", Lif(Conv2d(Add((Name("a"), Name("c"), Name("c"))), 2), ALWAYS)),
            ("b", Pool2d("avg", Name("d"), 2)),
        ),
    )
    parameters, batch = random_batch(network, 4)
    _, step = expanded_step(network)
    sums = [op for op in step.walk() if isinstance(op, bptt.AddOp)]
    assert any(op.left.type != op.sum.type and op.right.type != op.sum.type for op in sums)
    actual = evaluate_step(step, parameters, batch)
    assert_agrees(actual, evaluate(network, parameters, batch))
    assert actual.gradients["c.weight"].any()


def test_every_operation_points_into_the_program() -> None:
    for seed in range(len(COMBINATIONS)):
        network = random_image_network(seed)
        lines = network.text().split("\n")
        module, _ = expanded_step(network)
        for op in module.walk():
            assert isinstance(op.location, FileLineColLoc), op.name
            assert 1 <= op.location.line.data <= len(lines)


def test_inference_with_the_statistics_of_the_batch_fires_as_training_does() -> None:
    parameters, batch = random_batch(NORMALIZED, 0)
    _, training = expanded_step(NORMALIZED)
    values = step_values(training, parameters, batch.signal, batch.labels)
    (moments,) = (op for op in training.walk() if isinstance(op, bptt.MomentsOp))
    statistics = {"a.mean": values[moments.mean], "a.variance": values[moments.variance]}
    _, inference = expanded_step(NORMALIZED, training=False)
    assert not [op for op in inference.walk() if isinstance(op, bptt.UpdateRunningOp)]
    assert not [op for op in inference.walk() if isinstance(op, bptt.MomentsOp)]
    same = step_values(inference, {**parameters, **statistics}, batch.signal, batch.labels)
    other = step_values(inference, parameters, batch.signal, batch.labels)
    expected = values[first_spikes(training)]
    np.testing.assert_array_equal(same[first_spikes(inference)], expected)
    assert np.any(other[first_spikes(inference)] != expected)


def first_spikes(step: bptt.StepOp) -> SSAValue:
    return next(op for op in step.walk() if isinstance(op, FireOp)).spikes
