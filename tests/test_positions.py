"""Positions are rows like steps and samples: folded into samples they give the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_bench import THREADS, execute, floats, generator, sparse_floats, spikes
from numpy.typing import NDArray

from spikeloom.dialects.instruction_set import INSTRUCTIONS, POSITIONS, SPECS, Element, Role

T, B, P = 3, 2, 5
LENGTHS = {"steps": T, "samples": B, "positions": P, "inputs": 70, "outputs": 33, "units": 67}
LENGTHS |= {"planes": T, "groups": B, "rows": P, "columns": 67, "": 1}
LENGTHS |= {"input_positions": P, "taps": 1}
NUMBERS = {"decay": 0.8, "threshold": 0.3, "shape": 0.6, "gain": 1.5, "scale": 0.25}
NUMBERS |= dict.fromkeys(("kernel_width", "stride", "input_width", "output_width"), 1)
NUMBERS |= {"epsilon": 1e-5, "fraction": 0.1, "crossbar_rows": 1}
LENGTHS |= {"left_units": 30, "right_units": 37}
LENGTHS |= {"table_groups": 18, "entries": 16}
FOLDED = LENGTHS | dict.fromkeys(("positions", "input_positions", "rows"), 1)
FOLDED |= dict.fromkeys(("samples", "groups"), B * P)
BY_ROWS = [
    spec.name
    for spec in INSTRUCTIONS
    if {POSITIONS, "groups"} & set(spec.axes)
    and "cells" not in spec.axes
    and "kernel" not in {immediate.name for immediate in spec.immediates}
]
"""Pools and long rows are about positions themselves."""


def operand(rng: np.random.Generator, role: Role, element: Element) -> NDArray[np.generic]:
    """Random content of an operand in this role."""
    shape = [LENGTHS[axis] for axis in role.dims]
    if element is Element.BIT:
        return spikes(rng, *shape)
    if element is Element.I32:
        return rng.integers(-9, 9, shape, dtype=np.int32)
    if role.name == "variance":
        return np.abs(floats(rng, *shape))
    return sparse_floats(rng, *shape) if "gradient" in role.name else floats(rng, *shape)


def folded(values: NDArray[np.generic], role: Role) -> NDArray[np.generic]:
    """The same rows with positions as further samples."""
    if role.dims[2] not in (POSITIONS, "input_positions", "rows"):
        return values
    return values.reshape(values.shape[0], -1, 1, values.shape[3])


@pytest.mark.parametrize("name", BY_ROWS)
@pytest.mark.parametrize("element", Element)
def test_positions_are_as_good_as_samples(name: str, element: Element) -> None:
    spec = SPECS[name]
    if not any(element in role.elements for role in spec.roles):
        element = spec.roles[0].elements[0]
    rng = generator(len(name))
    operands = {
        role.name: operand(rng, role, element if element in role.elements else role.elements[0])
        for role in spec.roles
    }
    immediates = [NUMBERS.get(immediate.name, 0.0) for immediate in spec.immediates]
    extents = [LENGTHS[axis] for axis in spec.axes]
    flat = [FOLDED[axis] for axis in spec.axes]
    roles = {role.name: role for role in spec.roles}
    one_position = {r: folded(values, roles[r]) for r, values in operands.items()}
    expected = execute(name, one_position, flat, immediates)
    for threads in THREADS:
        found = execute(name, operands, extents, immediates, threads)
        assert found.counts.tolist() == expected.counts.tolist()
        for role, values in found.arrays.items():
            assert folded(values, roles[role]).tobytes() == expected.arrays[role].tobytes(), role


def test_a_box_may_leave_out_positions_of_its_buffer() -> None:
    current = np.ones((T, B, P, 20), np.float32)
    bias = floats(generator(0), 1, 1, 1, 20)
    found = execute("bias", {"current": current, "bias": bias}, (2, 1, 3, 20)).arrays["current"]
    expected = current.copy()
    expected[:2, :1, :3] = bias
    assert np.array_equal(found, expected)
