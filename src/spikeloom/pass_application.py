"""Applying passes that a user names: which there are, and what becomes of their exceptions."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from xdsl.passes import ModulePass
from xdsl.transforms import get_all_passes
from xdsl.utils.exceptions import PassFailedException, ShrinkException

from spikeloom.diagnostics import DiagnosticError, error
from spikeloom.terminal import TRACEBACK_VARIABLE
from spikeloom.universe import ALL_PASSES

UNSAFE_PASSES = ("mlir-opt",)
"""Passes that execute programs named in the pipeline."""


def available_passes() -> dict[str, Callable[[], type[ModulePass]]]:
    """The passes that a pipeline may name: xDSL's and ours, but for the unsafe ones."""
    passes = {**get_all_passes(), **ALL_PASSES}
    return {name: factory for name, factory in passes.items() if name not in UNSAFE_PASSES}


def with_machine(current: ModulePass, machine: str | None) -> ModulePass:
    """The pass with the machine of `--machine`, where it reads one and names none."""
    if current.name != "extract-dataflow":
        return current
    from spikeloom.extract_dataflow import ExtractDataflowPass

    if isinstance(current, ExtractDataflowPass) and current.machine is None:
        return replace(current, machine=machine)
    return current


def guard(subject: str, action: Callable[[], None]) -> None:
    """Runs a pass or target; what it raises on IR that it does not handle becomes E0204.

    The passes and targets of xDSL signal such IR by exceptions of many kinds.
    """
    try:
        action()
    except (DiagnosticError, ShrinkException, MemoryError):
        raise
    except PassFailedException as problem:
        raise error("E0204", f"{subject} failed: {_first_line(problem)}") from None
    except Exception as problem:
        if os.environ.get(TRACEBACK_VARIABLE) == "1":
            raise
        words = f"{type(problem).__name__}: {_first_line(problem)}"
        raise error("E0204", f"{subject} cannot handle this IR ({words})") from None


def _first_line(problem: Exception) -> str:
    return str(problem).strip().partition("\n")[0]
