"""The reference pages under docs/ that follow from tables in the code.

`python -m spikeloom.documentation` writes them; a test compares them with what is committed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from spikeloom.backend.accounts.counters import counter_reference
from spikeloom.diagnostics import CODES
from spikeloom.dialects.instruction_set import (
    ENGINE_DESCRIPTIONS,
    INSTRUCTIONS,
    OPCODES,
    Engine,
    InstructionSpec,
    Role,
)
from spikeloom.ir_documentation import ir_reference, pass_reference


def instruction_reference() -> str:
    """docs/isa.md: every instruction, by engine."""
    lines = [
        "# Instruction set",
        "",
        "Generated from `dialects/instruction_set.py`. A buffer has four dimensions: (step,",
        "sample, position, feature), or (tap, 0, input, output) for weights. An instruction works",
        "on a box of each buffer; its axes say how long the box is. Along each dimension a box",
        "starts at `base + scale x value` of at most one loop; an axis that follows a loop is",
        "`offset + scale x min(|step|, |stop - value|)` cells long. *Updated* buffers are read and",
        "written, buffers in parentheses may be absent. The order in which sums are taken is part",
        "of the definition: see the docstrings in `backend/kernels/`.",
        "",
        "A window stands at every position `y * output_width + x`. At tap `j * kernel_width + i`",
        "it meets the input position in row `y * stride + j - top` and column `x * stride + i -",
        "left`; what lies outside the box counts as zero, and pools leave it out. A linear layer",
        "is a window of one tap over one position.",
        "",
        "The engines `tile` and `noc` belong to machines of crossbars ([tiles](tiles.md)), all",
        "others to training machines. There are many of these two: `run_tile on 3` is for the tile",
        "with that number. Each works through its own instructions in order.",
        "",
    ]
    for engine in Engine:
        lines += [f"## {engine.value}: {ENGINE_DESCRIPTIONS[engine]}", ""]
        lines += ["| opcode | instruction | axes | writes | reads | immediates | what it does |"]
        lines += ["|---|---|---|---|---|---|---|"]
        lines += [_row(spec) for spec in INSTRUCTIONS if spec.engine is engine]
        lines.append("")
    return "\n".join(lines)


def _row(spec: InstructionSpec) -> str:
    cells = [
        str(OPCODES[spec.name]),
        f"`{spec.name}`",
        ", ".join(spec.axes) or "-",
        ", ".join(map(_role, spec.writes)) or "-",
        ", ".join(map(_role, spec.reads)) or "-",
        ", ".join(i.name for i in spec.immediates) or "-",
        spec.description,
    ]
    return f"| {' | '.join(cells)} |"


def _role(role: Role) -> str:
    text = f"{role.name}: {'/'.join(e.value for e in role.elements)}"
    if role.updates:
        text += " (updated)"
    return f"({text})" if role.optional else text


def diagnostic_reference() -> str:
    """docs/diagnostics.md: every stable code."""
    lines = ["# Diagnostics", "", "Generated from `src/spikeloom/diagnostics.py`.", ""]
    lines += ["| code | meaning |", "|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in CODES.items()]
    return "\n".join(lines) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "isa.md": instruction_reference,
    "counters.md": counter_reference,
    "diagnostics.md": diagnostic_reference,
    "ir.md": ir_reference,
    "passes.md": pass_reference,
}
"""The generated pages by file name."""


def main() -> int:
    """Writes every page into docs/ of the current folder."""
    for name, page in PAGES.items():
        Path("docs", name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
