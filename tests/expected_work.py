"""What an instruction's additions come to, by plain counting on what the reference machine saw."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

import numpy as np
from reference_machine import (
    ISSUED,
    SKIPPED_BOTH,
    SKIPPED_INPUT,
    SKIPPED_OUTPUT,
    Executed,
)

NO_FACTORS = {"input_positions", "groups", "entries"}


@dataclass(frozen=True)
class ExpectedWork:
    """Cells of a dense engine by what becomes of them, and rows of what is moved by the row."""

    dense: int
    issued: int
    skipped_input: int = 0
    skipped_output: int = 0
    skipped_both: int = 0
    fused: int = 0
    moved_rows: int = 0


def expected_work(executed: Executed, events: np.ndarray) -> ExpectedWork:
    """The work of one executed instruction; `events` are those of the reference machine."""
    axes, name = executed.axes, executed.spec.name
    cells = prod(axes[axis] for axis in executed.spec.axes if axis not in NO_FACTORS)
    if name == "backpropagate":
        kinds = (ISSUED, SKIPPED_INPUT, SKIPPED_OUTPUT, SKIPPED_BOTH)
        return ExpectedWork(cells, *(int((events == kind).sum()) for kind in kinds))
    if "entries" in axes:
        return _tables(executed, cells)
    if name in ("accumulate", "correlate_spikes"):
        if executed.immediates["dense"]:
            return ExpectedWork(cells, cells, moved_rows=axes["taps"] * axes["inputs"])
        found = int(events.sum())
        issued = found * axes["outputs"]
        return ExpectedWork(cells, issued, cells - issued, moved_rows=found)
    return ExpectedWork(cells, cells)


def _tables(executed: Executed, cells: int) -> ExpectedWork:
    axes = executed.axes
    entries, outputs = axes["entries"], axes["outputs"]
    width = entries.bit_length() - 1
    rows = prod(axes.get(axis, 1) for axis in ("steps", "samples", "positions"))
    taps, inputs = axes.get("taps", 1), axes.get("inputs", 1)
    match executed.spec.name:
        case "build_tables":
            built = taps * ceil(inputs / width) * outputs * (entries - 1 - width)
            return ExpectedWork(built, built)
        case "build_row_tables":
            built = ceil(rows / width) * outputs * (entries - 1 - width)
            return ExpectedWork(built, built)
        case "lookup":
            uses = rows * taps * ceil(inputs / width)
        case _:
            uses = ceil(rows / width) * taps * inputs
    issued = uses * outputs
    return ExpectedWork(cells, issued, fused=cells - issued, moved_rows=uses)
