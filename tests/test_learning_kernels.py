"""Kernels that learn: losses, gradients of inputs and weights, optimizers."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_bench import (
    B,
    T,
    close,
    execute,
    floats,
    generator,
    pairs,
    same_for_all_threads,
    sizes,
    sparse_floats,
    spikes,
)
from numpy.typing import NDArray

from spikeloom.backend.kernels import operands as counted

# --- loss --------------------------------------------------------------------------------


@sizes
@pytest.mark.parametrize("binary", [False, True])
def test_readout_sums_over_the_steps(units, binary):
    rng = generator(units)
    output = spikes(rng, T, B, units) if binary else floats(rng, T, B, units)
    operands = {"sum": np.zeros((1, B, units), np.float32), "output": output}
    found = same_for_all_threads("readout", operands, (T, B, units), (0.25,)).arrays
    assert close(found["sum"][0], 0.25 * output.sum(axis=0))


def loss_operands(classes: int) -> dict[str, NDArray]:
    rng = generator(classes)
    return {
        "loss": np.full((1, 1, 1), 0.5, np.float32),
        "correct": np.full((1, 1, 1), 3, np.int32),
        "gradient": np.zeros((1, B, classes), np.float32),
        "readout": 5 * floats(rng, 1, B, classes),
        "label": rng.integers(0, classes, (1, B, 1), dtype=np.int32),
    }


@sizes
def test_cross_entropy_of_softmax(units):
    operands = loss_operands(units)
    found = same_for_all_threads("cross_entropy", operands, (B, units), (1 / B,)).arrays
    r, label = operands["readout"][0].astype(np.float64), operands["label"][0, :, 0]
    softmax = np.exp(r - r.max(axis=1, keepdims=True))
    softmax /= softmax.sum(axis=1, keepdims=True)
    onehot = np.eye(units)[label]
    assert close(found["loss"], np.array(0.5 - np.log(softmax[range(B), label]).mean()))
    assert close(found["gradient"][0], (softmax - onehot) / B)
    assert found["correct"].item() == 3 + (r.argmax(axis=1) == label).sum()


@sizes
def test_mean_squared_error_against_one_hot(units):
    operands = loss_operands(units)
    found = same_for_all_threads("mean_squared_error", operands, (B, units), (0.1,)).arrays
    r, label = operands["readout"][0].astype(np.float64), operands["label"][0, :, 0]
    distance = r - np.eye(units)[label]
    assert close(found["loss"], np.array(0.5 + 0.1 * (distance**2).sum()))
    assert close(found["gradient"][0], 2 * 0.1 * distance)
    assert found["correct"].item() == 3 + (r.argmax(axis=1) == label).sum()


@pytest.mark.parametrize("name", ["cross_entropy", "mean_squared_error"])
def test_of_equal_maxima_the_first_decides(name):
    operands = loss_operands(4) | {"readout": np.ones((1, B, 4), np.float32)}
    operands["label"] = np.array([[[0], [1]]], np.int32)
    assert execute(name, operands, (B, 4), (1.0,)).arrays["correct"].item() == 4


@pytest.mark.parametrize("name", ["cross_entropy", "mean_squared_error"])
def test_a_loss_without_gradient_only_measures(name):
    operands = loss_operands(10)
    expected = execute(name, operands, (B, 10), (1.0,)).arrays["loss"]
    del operands["gradient"]
    assert execute(name, operands, (B, 10), (1.0,)).arrays["loss"] == expected


@pytest.mark.parametrize("label", [-1, 10, 2**31 - 1, -(2**31)])
def test_a_label_outside_the_classes_is_never_right(label):
    operands = loss_operands(10) | {"label": np.full((1, B, 1), label, np.int32)}
    assert execute("cross_entropy", operands, (B, 10), (1.0,)).arrays["correct"].item() == 3


@sizes
def test_spread_gives_every_step_the_gradient(units):
    source = floats(generator(units), 1, B, units)
    operands = {"gradient": np.zeros((T, B, units), np.float32), "readout_gradient": source}
    found = same_for_all_threads("spread", operands, (T, B, units), (0.5,)).arrays
    assert np.array_equal(
        found["gradient"], np.broadcast_to(source * np.float32(0.5), (T, B, units))
    )


# --- backward and weight update ----------------------------------------------------------


@pairs
def test_backpropagate_multiplies_with_the_transposed_weight(inputs, outputs):
    rng = generator(inputs + outputs)
    before, weight = floats(rng, T, B, inputs), floats(rng, 1, outputs, inputs)
    gradient = sparse_floats(rng, T, B, outputs)
    operands = {"input_gradient": before, "gradient": gradient, "transposed_weight": weight}
    found = same_for_all_threads("backpropagate", operands, (T, B, inputs, outputs)).arrays
    assert close(found["input_gradient"], before + gradient.astype(np.float64) @ weight[0])


@pairs
@pytest.mark.parametrize("steps", [T, 150])
def test_correlate_spikes_sums_over_steps_and_samples(inputs, outputs, steps):
    rng = generator(inputs + outputs)
    before, events = floats(rng, 1, inputs, outputs), spikes(rng, steps, B, inputs)
    gradient = floats(rng, steps, B, outputs)
    operands = {"weight_gradient": before, "spikes": events, "gradient": gradient}
    found = same_for_all_threads("correlate_spikes", operands, (steps, B, inputs, outputs)).arrays
    summed = np.einsum("tbi,tbo->io", events.astype(np.float64), gradient)
    assert close(found["weight_gradient"][0], before[0] + summed)


@pairs
@pytest.mark.parametrize("steps", [T, 150])
def test_correlate_values_sums_over_steps_and_samples(inputs, outputs, steps):
    rng = generator(inputs + outputs)
    before, values = floats(rng, 1, inputs, outputs), sparse_floats(rng, steps, B, inputs)
    gradient = floats(rng, steps, B, outputs)
    operands = {"weight_gradient": before, "values": values, "gradient": gradient}
    found = same_for_all_threads("correlate_values", operands, (steps, B, inputs, outputs)).arrays
    summed = np.einsum("tbi,tbo->io", values.astype(np.float64), gradient)
    assert close(found["weight_gradient"][0], before[0] + summed)


def test_weight_gradients_are_summed_step_by_step_then_sample_by_sample():
    rng = generator(5)
    before, events, gradient = (
        floats(rng, 1, 70, 20),
        spikes(rng, 90, 3, 70),
        floats(rng, 90, 3, 20),
    )
    expected = before[0].copy()
    for t in range(90):
        for b in range(3):
            expected += events[t, b][:, None] * gradient[t, b]
    operands = {"weight_gradient": before, "spikes": events, "gradient": gradient}
    found = execute("correlate_spikes", operands, (90, 3, 70, 20)).arrays["weight_gradient"]
    assert np.array_equal(found[0], expected)


@sizes
@pytest.mark.parametrize("steps", [T, 150])
def test_sum_gradient_sums_over_steps_and_samples(units, steps):
    rng = generator(units)
    before, gradient = floats(rng, 1, 1, units), floats(rng, steps, B, units)
    operands = {"bias_gradient": before, "gradient": gradient}
    found = same_for_all_threads("sum_gradient", operands, (steps, B, units)).arrays
    assert close(found["bias_gradient"][0, 0], before[0, 0] + gradient.sum(axis=(0, 1)))


# --- optimizers --------------------------------------------------------------------------


def test_count_step_counts():
    operands = {"count": np.full((1, 1, 1), 41, np.int32)}
    assert same_for_all_threads("count_step", operands, ()).arrays["count"].item() == 42


@pairs
@pytest.mark.parametrize("with_velocity", [False, True])
def test_sgd_with_and_without_momentum(inputs, outputs, with_velocity):
    rng = generator(inputs)
    shape = (1, inputs, outputs)
    parameter, velocity, gradient = (floats(rng, *shape) for _ in range(3))
    operands = {"parameter": parameter, "gradient": gradient}
    change = gradient
    if with_velocity:
        operands = {"parameter": parameter, "velocity": velocity, "gradient": gradient}
        change = np.float32(0.9) * velocity + gradient
    outcome = same_for_all_threads("sgd", operands, (inputs, outputs), (0.1, 0.9))
    assert close(outcome.arrays["parameter"], parameter - 0.1 * change)
    if with_velocity:
        assert close(outcome.arrays["velocity"], change)
    assert outcome.counts[counted.NONZERO] == np.count_nonzero(gradient)


@pairs
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_adam_with_bias_correction_and_decoupled_decay(inputs, outputs, decay):
    rng = generator(inputs)
    shape = (1, inputs, outputs)
    operands = {
        "parameter": floats(rng, *shape),
        "first_moment": floats(rng, *shape),
        "second_moment": np.abs(floats(rng, *shape)),
        "gradient": sparse_floats(rng, *shape),
        "count": np.full((1, 1, 1), 3, np.int32),
    }
    immediates = (0.002, 0.9, 0.999, 1e-8, decay)
    outcome = same_for_all_threads("adam", operands, (inputs, outputs), immediates)
    p, m, v, g = (operands[k].astype(np.float64) for k in list(operands)[:4])
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
    step = (m / (1 - 0.9**3)) / (np.sqrt(v / (1 - 0.999**3)) + 1e-8)
    assert close(outcome.arrays["first_moment"], m)
    assert close(outcome.arrays["second_moment"], v)
    assert close(outcome.arrays["parameter"], p * (1 - 0.002 * decay) - 0.002 * step)
    assert outcome.counts[counted.NONZERO] == np.count_nonzero(g)
