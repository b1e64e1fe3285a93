"""Neuron kernels: the recursions of the design, forward and backward."""

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
    same_for_all_threads,
    sizes,
    sparse_floats,
    spikes,
)

from spikeloom.backend.kernels import operands as counted

# --- neurons -----------------------------------------------------------------------------

RESETS, SURROGATES = (0, 1, 2), (0, 1, 2, 3)


def fire_by_numpy(current, decay, threshold, reset, previous=None, fired=None):
    """Spikes and potentials, in single precision like the machine."""
    shape = current.shape[1:]
    u = np.zeros(shape, np.float32) if previous is None else previous[0]
    s = np.zeros(shape, np.uint8) if fired is None else fired[0]
    all_spikes, potentials = np.empty(current.shape, np.uint8), np.empty_like(current)
    for t, drive in enumerate(current):
        left = (u * (1 - s), u - np.float32(threshold) * s, u)[reset].astype(np.float32)
        u = np.float32(decay) * left + drive
        s = (u > np.float32(threshold)).astype(np.uint8)
        all_spikes[t], potentials[t] = s, u
    return all_spikes, potentials


@sizes
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("continued", [False, True])
def test_fire_is_leak_integrate_compare_reset(units, reset, continued):
    rng = generator(units)
    current = floats(rng, T, B, units)
    operands = {
        "spikes": np.ones((T, B, units), np.uint8),
        "mask": np.ones((T, B, units), np.uint8),
        "potential": np.zeros((T, B, units), np.float32),
        "current": current,
    }
    if continued:
        operands["previous_potential"] = floats(rng, 1, B, units)
        operands["previous_spikes"] = spikes(rng, 1, B, units)
    outcome = same_for_all_threads("fire", operands, (T, B, units), (0.8, 0.3, reset, 0, 0.5, 1))
    before = (operands.get("previous_potential"), operands.get("previous_spikes"))
    expected, potential = fire_by_numpy(current, 0.8, 0.3, reset, *before)
    mask = np.abs(potential - np.float32(0.3)) < 0.5
    assert np.array_equal(outcome.arrays["spikes"], expected)
    assert np.array_equal(outcome.arrays["potential"], potential)
    assert np.array_equal(outcome.arrays["mask"], mask)
    assert outcome.counts[counted.SPIKES] == expected.sum()
    assert outcome.counts[counted.MASKED] == mask.sum()


def test_a_potential_equal_to_the_threshold_does_not_spike():
    operands = {"spikes": np.ones((1, 1, 2), np.uint8)}
    operands["current"] = np.array([[[0.5, np.nextafter(np.float32(0.5), np.float32(1))]]], "f4")
    found = execute("fire", operands, (1, 1, 2), (0.5, 0.5, 0, 0, 0.5, 1)).arrays["spikes"]
    assert found.tolist() == [[[0, 1]]]


@pytest.mark.parametrize("surrogate", [2, 3])
def test_unbounded_surrogates_have_a_full_mask(surrogate):
    operands = {
        "spikes": np.zeros((T, B, 70), np.uint8),
        "mask": np.zeros((T, B, 70), np.uint8),
        "current": floats(generator(0), T, B, 70) * 9,
    }
    found = execute("fire", operands, (T, B, 70), (0.5, 0.5, 0, surrogate, 0.5, 1)).arrays
    assert found["mask"].all()


def test_a_negative_threshold_does_not_reach_the_padding():
    operands = {"spikes": np.zeros((1, 1, 3), np.uint8), "current": np.zeros((1, 1, 3), "f4")}
    outcome = execute("fire", operands, (1, 1, 3), (0.5, -1.0, 0, 0, 0.5, 1))
    assert outcome.counts[counted.SPIKES] == 3


@sizes
@pytest.mark.parametrize("continued", [False, True])
def test_integrate_is_fire_without_threshold(units, continued):
    rng = generator(units)
    operands = {
        "potential": np.zeros((T, B, units), np.float32),
        "current": floats(rng, T, B, units),
    }
    if continued:
        operands["previous_potential"] = floats(rng, 1, B, units)
    found = same_for_all_threads("integrate", operands, (T, B, units), (0.7,)).arrays
    before = operands.get("previous_potential")
    expected = fire_by_numpy(operands["current"], 0.7, 1e30, 2, before)[1]
    assert np.array_equal(found["potential"], expected)


@sizes
def test_add_is_element_wise(units):
    rng = generator(units)
    left, right = floats(rng, T, B, units), floats(rng, T, B, units)
    operands = {"sum": np.zeros_like(left), "left": left, "right": right}
    found = same_for_all_threads("add", operands, (T, B, units)).arrays
    assert np.array_equal(found["sum"], left + right)


def surrogate_by_numpy(surrogate, shape, gain, x):
    return (
        lambda: np.where(np.abs(x) < shape, gain, 0.0),
        lambda: gain * np.maximum(0, 1 - np.abs(x) / shape),
        lambda: 1 / (1 + shape * np.abs(x)) ** 2,
        lambda: shape / 2 / (1 + (np.pi / 2 * shape * x) ** 2),
    )[surrogate]()


def fire_gradient_by_numpy(gs, s, u, decay, threshold, reset, h, detached, following):
    """The recursion of the design's section 3 in double precision."""
    gu = np.zeros(gs.shape[1:]) if following is None else following[0].astype(np.float64)
    found = np.empty(gs.shape)
    for t in reversed(range(len(gs))):
        path = (-decay * u[t] * gu, -decay * threshold * gu, 0 * gu)[reset]
        total = gs[t] + (0 if detached else path)
        gu = h[t] * total + decay * ((1 - s[t]) if reset == 0 else 1) * gu
        found[t] = gu
    return found


@pytest.mark.parametrize("units", [1, 17, 65, 130])
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("surrogate", SURROGATES)
@pytest.mark.parametrize("detached", [0, 1])
def test_fire_gradient_is_the_recursion(units, reset, surrogate, detached):
    rng = generator(units)
    u = floats(rng, T, B, units)
    h = surrogate_by_numpy(surrogate, 0.6, 1.5, u.astype(np.float64) - 0.3)
    operands = {
        "gradient": np.zeros((T, B, units), np.float32),
        "spike_gradient": sparse_floats(rng, T, B, units),
        "spikes": (u > 0.3).astype(np.uint8),
        "mask": (h != 0).astype(np.uint8),
        "potential": u,
        "next_gradient": sparse_floats(rng, 1, B, units),
    }
    if surrogate != 0:
        del operands["mask"]
    if reset == 2:
        del operands["spikes"], operands["next_gradient"]
    immediates = (0.8, 0.3, reset, surrogate, 0.6, 1.5, detached)
    outcome = same_for_all_threads("fire_gradient", operands, (T, B, units), immediates)
    gs, following = operands["spike_gradient"], operands.get("next_gradient")
    s = (u > 0.3).astype(np.float64)
    expected = fire_gradient_by_numpy(gs, s, u, 0.8, 0.3, reset, h, detached, following)
    assert close(outcome.arrays["gradient"], expected)
    assert outcome.counts[counted.NONZERO] == np.count_nonzero(outcome.arrays["gradient"])


def test_a_rectangle_without_mask_is_computed_from_the_potential():
    rng = generator(3)
    u = floats(rng, T, B, 70)
    operands = {
        "gradient": np.zeros((T, B, 70), np.float32),
        "spike_gradient": floats(rng, T, B, 70),
        "spikes": (u > 0.3).astype(np.uint8),
        "mask": (np.abs(u - np.float32(0.3)) < np.float32(0.6)).astype(np.uint8),
        "potential": u,
    }
    immediates = (0.8, 0.3, 0, 0, 0.6, 1.5, 0)
    with_mask = execute("fire_gradient", operands, (T, B, 70), immediates).arrays["gradient"]
    del operands["mask"]
    without = execute("fire_gradient", operands, (T, B, 70), immediates).arrays["gradient"]
    assert np.array_equal(with_mask, without)


@sizes
@pytest.mark.parametrize("continued", [False, True])
def test_integrate_gradient_leaks_backwards(units, continued):
    rng = generator(units)
    source = floats(rng, T, B, units)
    operands = {"gradient": np.zeros((T, B, units), np.float32), "potential_gradient": source}
    following = np.zeros((B, units), np.float32)
    if continued:
        operands["next_gradient"] = floats(rng, 1, B, units)
        following = operands["next_gradient"][0]
    found = same_for_all_threads("integrate_gradient", operands, (T, B, units), (0.7,)).arrays
    for t in reversed(range(T)):
        following = source[t] + np.float32(0.7) * following
        assert np.array_equal(found["gradient"][t], following)
