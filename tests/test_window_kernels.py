"""Windows over images: what every position meets, the order of sums, the counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from kernel_bench import (
    THREADS,
    close,
    execute,
    floats,
    same_for_all_threads,
    sparse_floats,
    spikes,
)
from numpy.typing import NDArray
from reference_machine import meetings, windows

from spikeloom.backend.kernels import operands as counted

T, B = 2, 2


@dataclass(frozen=True)
class Geometry:
    """A window over an image of some rows and columns."""

    kernel: tuple[int, int]
    stride: int
    size: tuple[int, int]
    output: tuple[int, int]
    top: int
    left: int

    @property
    def axes(self) -> dict[str, int]:
        return {
            "positions": self.output[0] * self.output[1],
            "input_positions": self.size[0] * self.size[1],
            "taps": self.kernel[0] * self.kernel[1],
        }

    @property
    def numbers(self) -> dict[str, float]:
        return {
            "kernel_width": self.kernel[1],
            "stride": self.stride,
            "input_width": self.size[1],
            "output_width": self.output[1],
            "top": self.top,
            "left": self.left,
        }

    def extents(self, inputs: int, outputs: int) -> tuple[int, ...]:
        return (T, B, *self.axes.values(), inputs, outputs)


def random_geometry(rng: np.random.Generator) -> Geometry:
    """Strides, kernels, halos and images of any kind; some windows lie outside altogether."""
    kernel = int(rng.choice([1, 2, 3, 5, 7]))
    kernels = (kernel, kernel) if rng.random() < 0.8 else (int(rng.choice([1, 2, 3])), kernel)
    return Geometry(
        kernels,
        int(rng.choice([1, 1, 2, 3])),
        (int(rng.integers(1, 8)), int(rng.integers(1, 8))),
        (int(rng.integers(1, 8)), int(rng.integers(1, 8))),
        int(rng.integers(0, 4)),
        int(rng.integers(0, 4)),
    )


SEEDS = pytest.mark.parametrize("seed", range(30))


def problem(seed: int, binary: bool):
    rng = np.random.default_rng(seed)
    geometry = random_geometry(rng)
    inputs, outputs = (int(v) for v in rng.choice([1, 3, 16, 17, 63, 64, 65, 130], 2))
    shape = (T, B, geometry.axes["input_positions"], inputs)
    x: NDArray = spikes(rng, *shape) if binary else sparse_floats(rng, *shape)
    return rng, geometry, inputs, outputs, x


@SEEDS
@pytest.mark.parametrize("binary", [True, False])
def test_every_position_gathers_what_its_window_meets(seed, binary):
    rng, geometry, inputs, outputs, x = problem(seed, binary)
    weight = floats(rng, geometry.axes["taps"], 1, inputs, outputs)
    current = floats(rng, T, B, geometry.axes["positions"], outputs)
    name, role = ("accumulate", "spikes") if binary else ("multiply", "values")
    operands = {"current": current, role: x, "weight": weight}
    extents, numbers = geometry.extents(inputs, outputs), tuple(geometry.numbers.values())
    found = same_for_all_threads(name, operands, extents, numbers).arrays["current"]
    met = windows(x, geometry.axes, geometry.numbers)
    assert close(found, current + np.einsum("tbpki,kio->tbpo", met, weight[:, 0]))


@SEEDS
def test_every_input_gathers_from_the_windows_that_meet_it(seed):
    rng, geometry, inputs, outputs, x = problem(seed, False)
    weight = floats(rng, geometry.axes["taps"], 1, outputs, inputs)
    gradient = sparse_floats(rng, T, B, geometry.axes["positions"], outputs)
    expected = x.astype(np.float64)
    for p, tap, q in meetings(geometry.axes, geometry.numbers):
        expected[:, :, q] += gradient[:, :, p].astype(np.float64) @ weight[tap, 0]
    operands = {"input_gradient": x, "gradient": gradient, "transposed_weight": weight}
    extents, numbers = geometry.extents(inputs, outputs), tuple(geometry.numbers.values())
    found = same_for_all_threads("backpropagate", operands, extents, numbers).arrays
    assert close(found["input_gradient"], expected)


@SEEDS
@pytest.mark.parametrize("binary", [True, False])
def test_every_tap_sums_over_the_positions_it_met(seed, binary):
    rng, geometry, inputs, outputs, x = problem(seed, binary)
    before = floats(rng, geometry.axes["taps"], 1, inputs, outputs)
    gradient = floats(rng, T, B, geometry.axes["positions"], outputs)
    name, role = ("correlate_spikes", "spikes") if binary else ("correlate_values", "values")
    operands = {"weight_gradient": before, role: x, "gradient": gradient}
    extents, numbers = geometry.extents(inputs, outputs), tuple(geometry.numbers.values())
    found = same_for_all_threads(name, operands, extents, numbers).arrays["weight_gradient"]
    met = windows(x, geometry.axes, geometry.numbers)
    expected = before.astype(np.float64)
    expected[:, 0] += np.einsum("tbpki,tbpo->kio", met, gradient)
    assert close(found, expected)


@SEEDS
@pytest.mark.parametrize("name", ["accumulate", "correlate_spikes"])
def test_a_window_counts_its_events_together(seed, name):
    rng, geometry, inputs, outputs, x = problem(seed, True)
    weight = floats(rng, geometry.axes["taps"], 1, inputs, outputs)
    current = floats(rng, T, B, geometry.axes["positions"], outputs)
    operands = {
        "accumulate": {"current": current, "spikes": x, "weight": weight},
        "correlate_spikes": {"weight_gradient": weight, "spikes": x, "gradient": current},
    }[name]
    events = windows(x, geometry.axes, geometry.numbers).sum(axis=(3, 4)).astype(int)
    extents, numbers = geometry.extents(inputs, outputs), tuple(geometry.numbers.values())
    for threads in THREADS:
        counts = execute(name, operands, extents, numbers, threads, 7).counts
        assert counts[counted.EVENTS] == events.sum()
        assert counts[counted.SILENT] == events.size * geometry.axes["taps"] * inputs - events.sum()
        assert counts[counted.PASSES] == (-(-events // 7)).sum()


def test_taps_are_summed_in_ascending_order_and_inputs_within_them():
    rng = np.random.default_rng(1)
    geometry = Geometry((3, 3), 1, (4, 5), (4, 5), 1, 1)
    x, weight = spikes(rng, T, B, 20, 70), floats(rng, 9, 1, 70, 33)
    current = floats(rng, T, B, 20, 33)
    expected = current.copy()
    met = windows(x, geometry.axes, geometry.numbers).astype(np.float32)
    for tap in range(9):
        for i in range(70):
            expected += met[:, :, :, tap, i, None] * weight[tap, 0, i]
    operands = {"current": current, "spikes": x, "weight": weight}
    found = execute(
        "accumulate", operands, geometry.extents(70, 33), tuple(geometry.numbers.values())
    ).arrays["current"]
    assert np.array_equal(found, expected)


def test_a_window_of_more_cells_than_are_listed_at_a_time():
    rng = np.random.default_rng(2)
    geometry = Geometry((3, 3), 1, (3, 3), (3, 3), 1, 1)
    x = (np.ones((T, B, 9, 1500))).astype(np.uint8)
    weight = floats(rng, 9, 1, 1500, 20)
    operands = {"current": np.zeros((T, B, 9, 20), np.float32), "spikes": x, "weight": weight}
    found = same_for_all_threads(
        "accumulate", operands, geometry.extents(1500, 20), tuple(geometry.numbers.values())
    ).arrays["current"]
    met = windows(x, geometry.axes, geometry.numbers)
    assert close(found, np.einsum("tbpki,kio->tbpo", met, weight[:, 0]))


def test_weight_gradients_of_windows_are_summed_in_ascending_order_of_rows():
    rng = np.random.default_rng(3)
    geometry = Geometry((3, 3), 2, (9, 9), (5, 5), 1, 1)
    x, gradient = spikes(rng, 8, B, 81, 20, density=0.8), floats(rng, 8, B, 25, 33)
    before = floats(rng, 9, 1, 20, 33)
    expected = before.copy()
    met = windows(x, geometry.axes, geometry.numbers).astype(np.float32)
    for t in range(8):
        for b in range(B):
            for p in range(25):
                expected[:, 0] += met[t, b, p, :, :, None] * gradient[t, b, p]
    operands = {"weight_gradient": before, "spikes": x, "gradient": gradient}
    extents = (8, *geometry.extents(20, 33)[1:])
    found = execute("correlate_spikes", operands, extents, tuple(geometry.numbers.values()))
    assert np.array_equal(found.arrays["weight_gradient"], expected)
