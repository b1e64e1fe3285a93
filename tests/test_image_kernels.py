"""Kernels on images: pools, arrangement and normalization against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_bench import close, floats, same_for_all_threads, sparse_floats, spikes
from numpy.typing import NDArray
from reference_image_machine import ImageInstructions

from spikeloom.dialects.instruction_set import ONE, SPECS, Element, Role

SEEDS = pytest.mark.parametrize("seed", range(25))
BINARY = pytest.mark.parametrize("binary", [True, False])
UNITS = (1, 3, 16, 17, 63, 64, 65, 130)


def content(rng: np.random.Generator, role: Role, shape: list[int], binary: bool) -> NDArray:
    """Random cells for a role; variances are positive."""
    if binary and Element.BIT in role.elements:
        return spikes(rng, *shape)
    values = sparse_floats(rng, *shape) if "gradient" in role.name else floats(rng, *shape)
    return np.abs(values) if role.name == "variance" else values


def agrees(
    name: str,
    axes: dict[str, int],
    numbers: dict[str, float],
    rng: np.random.Generator,
    binary: bool = False,
    without: tuple[str, ...] = (),
    **given: NDArray,
) -> None:
    """Executes on random cells and compares with the second meaning, on any threads."""
    spec = SPECS[name]
    lengths = axes | {ONE: 1}
    operands = {
        role.name: given.get(role.name)
        if role.name in given
        else content(rng, role, [lengths[axis] for axis in role.dims], binary)
        for role in spec.roles
        if role.name not in without
    }
    expected = {
        role: values.astype(np.uint8 if values.dtype == np.uint8 else np.float64)
        for role, values in operands.items()
    }
    arguments = (axes,) if "input_positions" in spec.axes else ()
    getattr(ImageInstructions(), f"do_{name}")(expected, numbers, *arguments)
    extents = [axes[axis] for axis in spec.axes]
    found = same_for_all_threads(name, operands, extents, tuple(numbers.values())).arrays
    for role in spec.writes:
        if role.name in operands:
            assert close(found[role.name], expected[role.name]), role.name


def pool(rng: np.random.Generator) -> tuple[dict[str, int], dict[str, float]]:
    """A pool of any kernel and stride; windows may reach over every edge of the box."""
    height, width, rows, columns = (int(v) for v in rng.integers(1, 8, 4))
    axes = {"steps": 2, "samples": 2, "positions": rows * columns}
    axes |= {"input_positions": height * width, "units": int(rng.choice(UNITS))}
    numbers = {"kernel": int(rng.choice([1, 2, 3, 5])), "stride": int(rng.choice([1, 2, 3]))}
    numbers |= {"input_width": width, "output_width": columns, "top": int(rng.integers(0, 4))}
    return axes, numbers


@SEEDS
@BINARY
@pytest.mark.parametrize("name", ["pool_sum", "pool_max", "pool_sum_gradient"])
def test_pools_and_the_gradient_of_their_sums(name, seed, binary):
    rng = np.random.default_rng(seed)
    axes, numbers = pool(rng)
    agrees(name, axes, numbers | ({} if name == "pool_max" else {"scale": 0.25}), rng, binary)


@SEEDS
@BINARY
def test_the_first_maximum_of_a_window_gets_its_gradient(seed, binary):
    rng = np.random.default_rng(seed)
    axes, numbers = pool(rng)
    shape = (2, 2, axes["input_positions"], axes["units"])
    values = rng.integers(0, 3, shape)
    values = (values > 1).astype(np.uint8) if binary else values.astype(np.float32) - 1
    pooled = np.zeros((2, 2, axes["positions"], axes["units"]), values.dtype)
    ImageInstructions().do_pool_max({"values": values, "pooled": pooled}, numbers, axes)
    agrees("pool_max_gradient", axes, numbers, rng, binary, values=values, pooled=pooled)


@SEEDS
@BINARY
@pytest.mark.parametrize("name", ["flatten", "unflatten"])
def test_an_image_becomes_one_row_unit_by_unit(name, seed, binary):
    rng = np.random.default_rng(seed)
    positions, units = int(rng.integers(1, 40)), int(rng.choice(UNITS))
    axes = {"steps": 2, "samples": 3, "positions": positions, "units": units}
    agrees(name, axes | {"cells": positions * units}, {}, rng, binary)


@SEEDS
@BINARY
def test_units_side_by_side(seed, binary):
    rng = np.random.default_rng(seed)
    left, right = (int(v) for v in rng.choice(UNITS, 2))
    axes = {"steps": 2, "samples": 2, "positions": 5, "units": left + right}
    axes |= {"left_units": left, "right_units": right}
    agrees("concatenate", axes, {}, rng, binary)
    agrees("split", axes, {}, rng)
    agrees("split", axes, {}, rng, without=("left_gradient",))
    agrees("split", axes, {}, rng, without=("right_gradient",))


NORMALIZATION = {
    "channel_mean": {"scale": 1 / 24},
    "channel_variance": {"scale": 1 / 24},
    "normalize": {"epsilon": 1e-5},
    "channel_product": {"epsilon": 1e-5},
    "normalize_gradient": {"epsilon": 1e-5, "fraction": 1 / 24},
}


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("name", NORMALIZATION)
def test_normalization_over_steps_samples_and_positions(name, units):
    axes = {"steps": 3, "samples": 2, "positions": 4, "units": units}
    agrees(name, axes, NORMALIZATION[name], np.random.default_rng(units))


@pytest.mark.parametrize("units", UNITS)
def test_running_statistics_blend(units):
    numbers = {"momentum": 0.1, "factor": 24 / 23}
    agrees("blend", {"units": units}, numbers, np.random.default_rng(units))


def test_moments_of_many_equal_values_are_exact():
    axes = {"steps": 40, "samples": 40, "positions": 40, "units": 3}
    values = np.full((40, 40, 40, 3), 0.1, np.float32)
    zeros = np.zeros((1, 1, 1, 3), np.float32)
    operands = {"mean": zeros, "values": values}
    extents, numbers = tuple(axes.values()), (1 / 40**3,)
    mean = same_for_all_threads("channel_mean", operands, extents, numbers).arrays["mean"]
    assert np.array_equal(mean, np.full_like(zeros, 0.1))
    operands = {"variance": zeros, "values": values, "mean": mean}
    found = same_for_all_threads("channel_variance", operands, extents, numbers).arrays
    assert not found["variance"].any()


@SEEDS
def test_a_sum_of_spikes_and_values(seed):
    rng = np.random.default_rng(seed)
    shape = (2, 2, 3, int(rng.choice(UNITS)))
    parts = {
        role: spikes(rng, *shape) if rng.random() < 0.5 else floats(rng, *shape)
        for role in ("left", "right")
    }
    operands = {"sum": np.zeros(shape, np.float32)} | parts
    found = same_for_all_threads("add", operands, shape).arrays["sum"]
    assert np.array_equal(found, parts["left"].astype(np.float32) + parts["right"])
