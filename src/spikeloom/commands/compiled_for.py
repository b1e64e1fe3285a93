"""Which densities a command compiles for, and the line of its report that says so."""

from __future__ import annotations

import argparse

from spikeloom.backend.host.plan import RandomData
from spikeloom.default_pipeline import analysis_of
from spikeloom.dialects.bptt.density import ASSUMED_DENSITY
from spikeloom.dialects.declared_shares import DeclaredShares, parse_shares
from spikeloom.ir_task import Level
from spikeloom.program_source import ProgramSource


def asked_analysis(parsed: argparse.Namespace) -> str:
    """The pass for what `--profile` measured or `--density` declares; "" for neither.

    Raises:
        DiagnosticError: there are both, or one of them is not well written (E0405).
    """
    return analysis_of(parsed.profile, _declared(parsed))


def compiled_words(parsed: argparse.Namespace, source: ProgramSource) -> str:
    """What the report says of it; nothing where the pipeline, or IR, has choices of its own."""
    if parsed.pipeline is not None or source.level is not Level.NETWORK:
        return ""
    if parsed.profile is not None:
        return f"compiled for   the densities that were measured in {parsed.profile}"
    declared = _declared(parsed)
    if declared is not None:
        return f"compiled for   densities {declared}, declared"
    words = f"compiled for   spikes of density {ASSUMED_DENSITY}, assumed (--profile or --density)"
    training = source.task.training
    if training is not None and isinstance(training.data, RandomData):
        words += f"; an input of {training.data.rate}, as its data are"
    return words


def _declared(parsed: argparse.Namespace) -> DeclaredShares | None:
    return None if parsed.density is None else parse_shares(parsed.density, "--density")
