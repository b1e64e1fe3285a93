"""Which densities a command compiles for, and the line of its report that says so."""

from __future__ import annotations

import argparse

from spikeloom.backend.host.plan import RandomData, Task
from spikeloom.compiler import PipelineText, pipeline_for
from spikeloom.dialects.declared_shares import DeclaredShares, parse_shares
from spikeloom.dialects.density import ASSUMED_DENSITY


def compiled_for(parsed: argparse.Namespace) -> PipelineText:
    """The pipeline for what `--profile` measured or `--density` declares, or for neither.

    Raises:
        DiagnosticError: there are both, or one of them is not well written (E0405).
    """
    return pipeline_for(parsed.profile, _declared(parsed))


def compiled_words(parsed: argparse.Namespace, task: Task) -> str:
    """What the report says of it."""
    if parsed.profile is not None:
        return f"compiled for   the densities that were measured in {parsed.profile}"
    declared = _declared(parsed)
    if declared is not None:
        return f"compiled for   densities {declared}, declared"
    words = f"compiled for   spikes of density {ASSUMED_DENSITY}, assumed (--profile or --density)"
    if task.training is not None and isinstance(task.training.data, RandomData):
        words += f"; an input of {task.training.data.rate}, as its data are"
    return words


def _declared(parsed: argparse.Namespace) -> DeclaredShares | None:
    return None if parsed.density is None else parse_shares(parsed.density, "--density")
