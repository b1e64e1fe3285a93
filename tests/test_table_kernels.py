"""Tables of sums: bit for bit in their documented order, whatever window, width and threads."""

from __future__ import annotations

import numpy as np
import pytest
from kernel_bench import close, floats, same_for_all_threads, spikes
from reference_machine import windows
from test_window_kernels import SEEDS, B, Geometry, T, random_geometry

WIDTHS = (1, 2, 3, 4, 5, 8)
F32 = np.float32


def tables_in_order(cells: np.ndarray, width: int, groups: int) -> np.ndarray:
    """[.., groups, entries, outputs] of the cells [.., n, outputs]: highest bit added last."""
    *lead, count, outputs = cells.shape
    tables = np.zeros((*lead, groups, 2**width, outputs), F32)
    for group in range(groups):
        for entry in range(1, 2**width):
            bit = entry.bit_length() - 1
            smaller = tables[..., group, entry & ~(1 << bit), :]
            cell = group * width + bit
            added = cells[..., cell, :] if cell < count else 0
            tables[..., group, entry, :] = smaller + added
    return tables


def index_of(bits: np.ndarray) -> np.ndarray:
    """The entry that the last axis selects, lowest bit first."""
    return (bits.astype(int) << np.arange(bits.shape[-1])).sum(axis=-1)


def problem(seed: int) -> tuple[np.random.Generator, Geometry, int, int, int]:
    rng = np.random.default_rng(seed)
    geometry = random_geometry(rng)
    inputs, outputs = (int(v) for v in rng.choice([1, 3, 16, 63, 65, 130], 2))
    return rng, geometry, inputs, outputs, int(rng.choice(WIDTHS))


@SEEDS
def test_tables_are_built_from_smaller_entries(seed: int) -> None:
    rng, geometry, inputs, outputs, width = problem(seed)
    taps, groups = geometry.axes["taps"], -(-inputs // width) + seed % 2
    weight = floats(rng, taps, 1, inputs, outputs)
    tables = floats(rng, taps, groups, 2**width, outputs)
    extents = (taps, inputs, outputs, groups, 2**width)
    found = same_for_all_threads("build_tables", {"tables": tables, "weight": weight}, extents)
    expected = tables_in_order(weight[:, 0], width, groups)
    assert np.array_equal(found.arrays["tables"], expected)


@SEEDS
def test_lookups_add_entries_of_taps_then_groups(seed: int) -> None:
    rng, geometry, inputs, outputs, width = problem(seed)
    taps, groups = geometry.axes["taps"], -(-inputs // width)
    x = spikes(rng, T, B, geometry.axes["input_positions"], inputs)
    weight = floats(rng, taps, inputs, outputs)
    current = floats(rng, T, B, geometry.axes["positions"], outputs)
    tables = tables_in_order(weight, width, groups)
    operands = {"current": current, "spikes": x, "tables": tables}
    extents = (*geometry.extents(inputs, outputs), groups, 2**width)
    numbers = tuple(geometry.numbers.values())
    found = same_for_all_threads("lookup", operands, extents, numbers).arrays["current"]
    met = windows(x, geometry.axes, geometry.numbers)
    expected = current.copy()
    for tap in range(taps):
        for group in range(groups):
            entry = index_of(met[..., tap, group * width : (group + 1) * width])
            expected += tables[tap, group, entry]
    assert np.array_equal(found, expected)
    exact = current + np.einsum("tbpki,kio->tbpo", met, weight.astype(float))
    assert close(found, exact)


@SEEDS
def test_row_tables_group_rows_in_their_order(seed: int) -> None:
    rng, geometry, inputs, outputs, width = problem(seed)
    positions = geometry.axes["positions"]
    rows = T * B * positions
    groups = -(-rows // width)
    x = spikes(rng, T, B, geometry.axes["input_positions"], inputs)
    gradient = floats(rng, T, B, positions, outputs)
    built = floats(rng, groups, 1, 2**width, outputs)
    extents = (T, B, positions, outputs, groups, 2**width)
    operands = {"tables": built, "gradient": gradient}
    tables = same_for_all_threads("build_row_tables", operands, extents).arrays["tables"]
    expected = tables_in_order(gradient.reshape(rows, outputs), width, groups)
    assert np.array_equal(tables[:, 0], expected)

    before = floats(rng, geometry.axes["taps"], 1, inputs, outputs)
    operands = {"weight_gradient": before, "spikes": x, "tables": tables}
    extents = (*geometry.extents(inputs, outputs), groups, 2**width)
    numbers = tuple(geometry.numbers.values())
    found = same_for_all_threads("correlate_tables", operands, extents, numbers)
    met = windows(x, geometry.axes, geometry.numbers).reshape(rows, -1, inputs)
    summed = before.copy()
    for group in range(groups):
        entry = index_of(np.moveaxis(met[group * width : (group + 1) * width], 0, -1))
        summed[:, 0] += tables[group, 0, entry]
    assert np.array_equal(found.arrays["weight_gradient"], summed)


@pytest.mark.parametrize("width", WIDTHS)
def test_silent_inputs_behind_the_box_are_not_looked_at(width: int) -> None:
    """A row of the buffer goes on behind the box, and its bits belong to somebody else."""
    x = np.ones((1, 1, 1, 70), np.uint8)
    groups = -(-66 // width)
    tables = tables_in_order(np.ones((1, 66, 4), F32), width, groups)
    operands = {"current": np.zeros((1, 1, 1, 4), F32), "spikes": x, "tables": tables}
    extents = (1, 1, 1, 1, 1, 66, 4, groups, 2**width)
    found = same_for_all_threads("lookup", operands, extents, (1, 1, 1, 1, 0, 0))
    assert (found.arrays["current"] == 66).all()
