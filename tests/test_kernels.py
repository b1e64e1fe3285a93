"""Data movement and forward kernels: the formula on any size, the box and no more."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_bench import (
    THREADS,
    B,
    T,
    close,
    execute,
    floats,
    generator,
    pairs,
    same_for_all_threads,
    sizes,
    spikes,
)

from spikeloom.backend.kernels import operands as counted

# --- data movement -----------------------------------------------------------------------


@sizes
@pytest.mark.parametrize("name", ["load", "store"])
@pytest.mark.parametrize("kind", ["bit", "f32", "i32"])
def test_copies_are_exact(units, name, kind):
    rng = generator(units)
    source = {
        "bit": spikes(rng, T, B, units),
        "f32": floats(rng, T, B, units),
        "i32": rng.integers(-9, 9, (T, B, units), dtype=np.int32),
    }[kind]
    operands = {"target": np.ones_like(source), "source": source}
    found = same_for_all_threads(name, operands, (T, B, units)).arrays
    assert np.array_equal(found["target"], source)


def test_copy_of_nan_keeps_its_bits():
    source = np.array([[[np.nan, -np.nan, np.inf]]], np.float32)
    found = execute("load", {"target": np.zeros_like(source), "source": source}, (1, 1, 3))
    assert found.arrays["target"].tobytes() == source.tobytes()


@pairs
def test_load_transposed_swaps_rows_and_columns(inputs, outputs):
    source = floats(generator(inputs), 1, inputs, outputs)
    operands = {"target": np.zeros((1, outputs, inputs), np.float32), "source": source}
    found = same_for_all_threads("load_transposed", operands, (inputs, outputs)).arrays
    assert np.array_equal(found["target"][0], source[0].T)


@sizes
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.int32])
def test_clear_fills_with_zeros(units, kind):
    operands = {"target": np.ones((T, B, units), kind)}
    found = same_for_all_threads("clear", operands, (T, B, units)).arrays
    assert not found["target"].any()


def test_a_box_smaller_than_its_buffer_leaves_the_rest_alone():
    target = np.ones((T, B, 130), np.uint8)
    found = execute("clear", {"target": target}, (2, 1, 70)).arrays["target"]
    expected = target.copy()
    expected[:2, :1, :70] = 0
    assert np.array_equal(found, expected)


def test_sums_leave_cells_beside_the_box_alone():
    rng = generator(7)
    current, weight = floats(rng, T, B, 130), floats(rng, 1, 20, 130)
    operands = {"current": current, "spikes": spikes(rng, T, B, 20), "weight": weight}
    for width in (1, 15, 17, 40, 127, 129):
        found = execute("accumulate", operands, (T, B, 20, width)).arrays["current"]
        assert np.array_equal(found[..., width:], current[..., width:])


# --- forward -----------------------------------------------------------------------------


@sizes
def test_bias_starts_every_current(units):
    rng = generator(units)
    bias = floats(rng, 1, 1, units)
    operands = {"current": floats(rng, T, B, units), "bias": bias}
    found = same_for_all_threads("bias", operands, (T, B, units)).arrays
    assert np.array_equal(found["current"], np.broadcast_to(bias, (T, B, units)))


@pairs
def test_accumulate_adds_the_weights_of_spikes(inputs, outputs):
    rng = generator(inputs * outputs)
    current, weight = floats(rng, T, B, outputs), floats(rng, 1, inputs, outputs)
    events = spikes(rng, T, B, inputs)
    operands = {"current": current, "spikes": events, "weight": weight}
    outcome = same_for_all_threads("accumulate", operands, (T, B, inputs, outputs))
    assert close(outcome.arrays["current"], current + events.astype(np.float64) @ weight[0])


def test_accumulate_adds_in_ascending_order_of_inputs():
    rng = generator(1)
    weight, events = floats(rng, 1, 130, 33), spikes(rng, T, B, 130)
    current = floats(rng, T, B, 33)
    expected = current.copy()
    for i in range(130):
        expected += weight[0, i] * events[:, :, i : i + 1]
    operands = {"current": current, "spikes": events, "weight": weight}
    found = execute("accumulate", operands, (T, B, 130, 33)).arrays["current"]
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("name", ["accumulate", "correlate_spikes"])
@pytest.mark.parametrize("lanes", [1, 7, 64])
def test_events_silent_inputs_and_passes_are_counted(name, lanes):
    rng = generator(lanes)
    events = spikes(rng, T, B, 130)
    operands = {
        "accumulate": {"current": floats(rng, T, B, 5), "spikes": events},
        "correlate_spikes": {"weight_gradient": floats(rng, 1, 130, 5), "spikes": events},
    }[name]
    operands |= {
        "accumulate": {"weight": floats(rng, 1, 130, 5)},
        "correlate_spikes": {"gradient": floats(rng, T, B, 5)},
    }[name]
    per_row = events.sum(axis=-1, dtype=np.int64)
    for threads in THREADS:
        counts = execute(name, operands, (T, B, 130, 5), (), threads, lanes).counts
        assert counts[counted.EVENTS] == per_row.sum()
        assert counts[counted.SKIPPED_INPUT] == (130 - per_row).sum()
        assert counts[counted.PASSES] == (-(-per_row // lanes)).sum()


@pairs
@pytest.mark.parametrize("density", [0.3, 1.0])
def test_multiply_is_a_matrix_product(inputs, outputs, density):
    rng = generator(inputs + outputs)
    current, weight = floats(rng, T, B, outputs), floats(rng, 1, inputs, outputs)
    values = floats(rng, T, B, inputs) * spikes(rng, T, B, inputs, density=density)
    operands = {"current": current, "values": values, "weight": weight}
    found = same_for_all_threads("multiply", operands, (T, B, inputs, outputs)).arrays
    assert close(found["current"], current + values.astype(np.float64) @ weight[0])
