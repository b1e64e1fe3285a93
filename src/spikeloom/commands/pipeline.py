"""The pipeline that a command sends a program through, from its options and the IR's level."""

from __future__ import annotations

import argparse
from functools import partial

from spikeloom.commands.compiled_for import asked_analysis
from spikeloom.default_pipeline import PipelineText, open_pipeline_text, pipeline_text
from spikeloom.diagnostics import error
from spikeloom.given_pipeline import GivenPipeline
from spikeloom.ir_task import Level
from spikeloom.program_source import ProgramSource

REMAINING = {Level.STEP: "lower-to-engine", Level.PROGRAM: ""}
"""What IR still has to go through; what a pass before has chosen stays as it is."""


def pipeline_of(
    parsed: argparse.Namespace, source: ProgramSource, *, counting: bool = False
) -> PipelineText:
    """The user's pipeline, or the default one of the level, with the options that are changed.

    With `counting`, densities beside a pipeline only say what to count.

    Raises:
        DiagnosticError: E0203, E0208 or E0405, the options do not make a pipeline.
    """
    text: str | None = parsed.pipeline
    analysis = asked_analysis(parsed)
    is_network = source.level is Level.NETWORK
    if analysis and not counting and (text is not None or not is_network):
        option = "--profile" if parsed.profile is not None else "--density"
        reason = "the pipeline" if text is not None else f"IR of the level {source.level.value}"
        message = f"{option} does not apply: {reason} has its own choices"
        help = f"write --pipeline '...,{analysis}fuse-luts,...'"
        raise error("E0405", message, help=help)
    if text is None and is_network and not parsed.pass_option:
        return partial(pipeline_text, analysis=analysis)
    if text is None and is_network:
        text = open_pipeline_text(analysis)
    elif text is None:
        text = REMAINING[source.level]
    machine = None if parsed.machine is None else str(parsed.machine)
    given = GivenPipeline.parse(text, machine).with_options(parsed.pass_option)
    if is_network:
        given.require_expansion()
    return given
