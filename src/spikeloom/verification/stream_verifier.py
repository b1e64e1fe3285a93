"""Verification by running of the pipeline that makes one stream of a program."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from spikeloom.backend.machine.description import Machine
from spikeloom.compiler import attach_machine, new_context
from spikeloom.ir_checks import verify_module
from spikeloom.keep_locations import keep_locations
from spikeloom.pass_application import available_passes, guard
from spikeloom.pass_pipeline import parse_passes
from spikeloom.verification.pipeline_verifier import PipelineVerifier
from spikeloom.verification.sizes import Sizes


def verify_stream(
    module: ModuleOp, machine: Machine, pipeline: str | Sequence[ModulePass], sizes: Sizes | None
) -> str:
    """Executes a copy of the module between the passes; a line that says what was verified.

    Raises:
        DiagnosticError: a pass changes what the program computes (E0601), or it cannot be executed
            (E0602).
    """
    passes = parse_passes(pipeline, available_passes()) if isinstance(pipeline, str) else pipeline
    context, copy = new_context(), module.clone()

    def apply(current: ModulePass, target: ModuleOp) -> None:
        with keep_locations():
            guard(f"the pass `{current.name}`", partial(current.apply, context, target))
        verify_module(target, current.name)

    attach_machine(copy, machine)
    verifier = PipelineVerifier(copy, passes, lambda: machine, sizes)
    for current in passes:
        verifier.after(current, apply)
    return verifier.summary
