"""The program that a command is about, read from its file."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from spikeloom.diagnostics import error
from spikeloom.frontend.program import parse_program_bytes

MAX_PROGRAM_BYTES = 2**24
"""More is not even read; the frontend has a lower limit of its own and words for it."""


def read_program(path: str) -> ModuleOp:
    """The program in the `snn` dialect.

    Raises:
        DiagnosticError: the file cannot be read (E0401), or is no program.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_PROGRAM_BYTES)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}") from None
    return parse_program_bytes(data, path)
