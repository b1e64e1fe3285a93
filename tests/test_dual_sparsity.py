"""The Backward Engine: what is left out is counted by kind, and lanes wait for the slowest."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest
from kernel_bench import THREADS, Outcome, close, execute, floats, sparse_floats, spikes
from reference_machine import meetings
from test_window_kernels import SEEDS, B, Geometry, T, random_geometry

from spikeloom.backend.kernels.operands import (
    ISSUED,
    PASSES,
    SKIPPED_BOTH,
    SKIPPED_INPUT,
    SKIPPED_OUTPUT,
)

LINEAR = Geometry((1, 1), 1, (1, 1), (1, 1), 0, 0)
KINDS = [ISSUED, SKIPPED_INPUT, SKIPPED_OUTPUT, SKIPPED_BOTH]


def backpropagate(geometry: Geometry, operands, skips, threads=1, **machine: int) -> Outcome:
    inputs = operands["input_gradient"].shape[-1]
    outputs = operands["gradient"].shape[-1]
    extents = (*operands["gradient"].shape[:2], *geometry.axes.values(), inputs, outputs)
    numbers = (*geometry.numbers.values(), *skips)
    return execute("backpropagate", operands, extents, numbers, threads, **machine)


def problem(seed: int, density: float = 0.4):
    rng = np.random.default_rng(seed)
    geometry = random_geometry(rng)
    inputs, outputs = (int(v) for v in rng.choice([1, 3, 16, 65, 130], 2))
    axes = geometry.axes
    operands = {
        "input_gradient": floats(rng, T, B, axes["input_positions"], inputs),
        "gradient": sparse_floats(rng, T, B, axes["positions"], outputs),
        "transposed_weight": floats(rng, axes["taps"], 1, outputs, inputs),
        "mask": spikes(rng, T, B, axes["input_positions"], inputs, density=density),
    }
    return geometry, operands


@SEEDS
def test_masked_cells_stay_as_they_are_and_all_others_get_their_sum(seed: int) -> None:
    geometry, operands = problem(seed)
    unmasked = {role: values for role, values in operands.items() if role != "mask"}
    whole = backpropagate(geometry, unmasked, (1, 1)).arrays["input_gradient"]
    kept = np.where(operands["mask"] == 1, whole, operands["input_gradient"])
    for threads in THREADS:
        found = backpropagate(geometry, operands, (1, 1), threads).arrays["input_gradient"]
        assert found.tobytes() == kept.tobytes()
    expected = operands["input_gradient"].astype(float)
    for p, tap, q in meetings(geometry.axes, geometry.numbers):
        weight = operands["transposed_weight"][tap, 0].astype(float)
        expected[:, :, q] += operands["gradient"][:, :, p] @ weight
    assert close(whole, expected)


@SEEDS
@pytest.mark.parametrize("skips", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_switches_change_counts_and_nothing_else(seed: int, skips) -> None:
    geometry, operands = problem(seed)
    reference = backpropagate(geometry, operands, (1, 1))
    outcomes = [
        backpropagate(geometry, operands, skips, threads, lanes=7, output_lanes=5, queue_rows=3)
        for threads in THREADS
    ]
    for outcome in outcomes:
        assert outcome.counts.tolist() == outcomes[0].counts.tolist()
        found, expected = (o.arrays["input_gradient"] for o in (outcome, reference))
        assert found.tobytes() == expected.tobytes()
    counts = outcomes[0].counts
    rows = operands["gradient"][..., 0].size
    cells = operands["gradient"].shape[-1] * operands["mask"].shape[-1]
    assert counts[KINDS].sum() == rows * geometry.axes["taps"] * cells
    if not skips[0]:
        assert counts[SKIPPED_INPUT] == counts[SKIPPED_BOTH] == 0
    if not skips[1]:
        assert counts[SKIPPED_OUTPUT] == counts[SKIPPED_BOTH] == 0


@SEEDS
@pytest.mark.parametrize(("lanes", "output_lanes", "queue"), [(64, 64, 64), (7, 5, 3), (1, 1, 1)])
def test_without_skipping_the_array_takes_its_dense_time(seed, lanes, output_lanes, queue) -> None:
    geometry, operands = problem(seed)
    counts = backpropagate(
        geometry, operands, (0, 0), lanes=lanes, output_lanes=output_lanes, queue_rows=queue
    ).counts
    rows = operands["gradient"][..., 0].size
    features = geometry.axes["taps"] * operands["gradient"].shape[-1]
    inputs = operands["mask"].shape[-1]
    assert counts[PASSES] == rows * ceil(features / lanes) * ceil(inputs / output_lanes)


def rows_of(gradient: list[list[int]], mask: list[list[int]], queue: int) -> int:
    """Cycles of a linear layer on 2 x 2 multipliers."""
    g, m = np.array(gradient, np.float32), np.array(mask, np.uint8)
    operands = {
        "input_gradient": np.zeros((len(m), 1, 1, m.shape[1]), np.float32),
        "gradient": g.reshape(len(g), 1, 1, -1),
        "transposed_weight": np.ones((1, 1, g.shape[1], m.shape[1]), np.float32),
        "mask": m.reshape(len(m), 1, 1, -1),
    }
    machine = {"lanes": 2, "output_lanes": 2, "queue_rows": queue}
    return int(backpropagate(LINEAR, operands, (1, 1), **machine).counts[PASSES])


def test_the_slowest_multiplier_is_waited_for() -> None:
    """Two gradients on one lane take two cycles, on two lanes one; the same of inputs."""
    assert rows_of([[1, 0, 1, 0]], [[1, 1, 1, 1]], 1) == 4
    assert rows_of([[1, 1, 0, 0]], [[1, 1, 1, 1]], 1) == 2
    assert rows_of([[1, 1, 0, 0]], [[1, 0, 1, 0]], 1) == 2
    assert rows_of([[1, 1, 0, 0]], [[1, 1, 0, 0]], 1) == 1
    assert rows_of([[0, 0, 0, 0]], [[1, 1, 1, 1]], 1) == 0
    assert rows_of([[1, 1, 1, 1]], [[0, 0, 0, 0]], 1) == 0


def test_queues_even_out_what_rows_leave_uneven() -> None:
    """One row keeps one lane busy, the next the other: with queues both rows take one time."""
    gradients, masks = [[1, 0], [0, 1]], [[1, 1], [1, 1]]
    assert rows_of(gradients, masks, 1) == 2
    assert rows_of(gradients, masks, 2) == 1
