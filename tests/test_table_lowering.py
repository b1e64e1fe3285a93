"""Tables and masks on the engine: every tiling computes the same as events without a mask.

The programs are validated, so no cell is read that was not written, and run in double precision.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest
from lowered_steps import Lowered, sizes
from test_window_lowering import BATCH, STEPS, Case, close, expected, meetings, memories

CASES = {
    "3x3": Case(8, 8, 3, 1, 1, element="i1"),
    "3x3 valid": Case(7, 6, 3, 1, 0, element="i1"),
    "3x3 halved": Case(8, 6, 3, 2, 1, same=True, element="i1"),
    "5x5": Case(6, 7, 5, 1, 2, same=True, element="i1"),
    "1x1": Case(5, 4, 1, 1, 0, element="i1"),
    "wide": Case(5, 4, 3, 1, 1, channels=70, outputs=130, element="i1"),
}
WIDTHS = (1, 2, 3, 4, 5)
TABLES = {"forward_tables": 2**22, "update_tables": 2**22}


def text_of(case: Case, width: int) -> str:
    """The case with tables of a width in both engines, and its input as a mask."""
    tables = f"{{accumulation = #bptt.accumulation<tables of {width}, cycles 0, femtojoules 0>}}"
    lines: list[str] = []
    for line in case.text().splitlines():
        if re.search(r"convolution %x|convolution_weight_gradient", line):
            line = line.replace("> :", f"> {tables} :", 1)
        if "convolution_input_gradient" in line:
            mask = "x".join(map(str, case.input_shape))
            line = line.replace("@a.weight", "@a.weight masked_by %x")
            line = line.replace(" ->", f", tensor<?x?x{mask}xi1> ->")
        lines.append(line)
    return "\n".join(lines)


@cache
def masked(case: Case) -> dict[str, np.ndarray]:
    """What the step reports with its input as a mask."""
    found = dict(expected(case))
    weight = case.parameters()["a.weight"].astype(float)
    found["gx"] = found["gx"] * case.signal()
    found["z"] = np.zeros((STEPS, BATCH, *case.output_shape))
    for a, b, j, i, row, column in meetings(case):
        found["z"][..., a, b] += found["gx"][..., row, column] @ weight[:, :, j, i].T
    return found


@pytest.mark.parametrize("machine", ["large", "medium", "small"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", WIDTHS)
def test_tables_and_masks_whatever_the_tiles(name: str, width: int, machine: str) -> None:
    case = CASES[name]
    tables = TABLES
    if machine == "small":
        # The tables of one tap and of the rows of hardly more than one band, for few outputs.
        size = 2**width * 4 * 64
        tables = {"forward_tables": size * 65, "update_tables": size * 16 * STEPS}
    if name == "wide":
        tables = tables | {"weight_sram": 2**18, "spike_sram": 2**11}
    step = Lowered(text_of(case, width), memories(case, machine) | tables)
    run = step.on_reference(case.signal(), case.parameters())
    wanted = masked(case)
    assert close(run.gradient("a.weight", case.weight_shape), wanted["gw"])
    for sequence, shape in (
        ("y", case.output_shape),
        ("gx", case.input_shape),
        ("z", case.output_shape),
    ):
        assert close(run.sequence(sequence, STEPS, shape), wanted[sequence]), sequence


def test_tables_stay_while_all_rows_pass() -> None:
    """One building of the whole window's tables, before the loops over samples and rows."""
    case = CASES["3x3"]
    step = Lowered(text_of(case, 4), sizes() | TABLES)
    names = [op.name for op in step.module.walk()]
    assert names.count("engine.build_tables") == names.count("engine.lookup") == 1
    assert "engine.accumulate" not in names
    (build,) = (op for op in step.module.walk() if op.name == "engine.build_tables")
    (lookup,) = (op for op in step.module.walk() if op.name == "engine.lookup")
    assert depth(lookup) > depth(build)


def depth(op) -> int:
    parent = op.parent_op()
    return 0 if parent is None else 1 + depth(parent)
