"""`--verify-by-running` of the commands that compile."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from spikeloom.backend.host.plan import DataSizes, StreamKind, needed_streams
from spikeloom.backend.machine.description import Machine
from spikeloom.compiler import attach_machine, new_context
from spikeloom.given_pipeline import GivenPipeline
from spikeloom.ir_checks import verify_module
from spikeloom.keep_locations import keep_locations
from spikeloom.pass_application import guard
from spikeloom.program_source import ProgramSource
from spikeloom.verification.options import verification_sizes
from spikeloom.verification.sizes import Sizes


def verify_default(parsed: argparse.Namespace, module: ModuleOp, machine: Machine) -> None:
    """Executes a network between the passes of the default pipeline, if the user asks for it.

    Raises:
        DiagnosticError: what a pass made does not compute the same.
    """
    if parsed.verify_by_running:
        from spikeloom.verification.program_verifier import verify_program

        for line in verify_program(module, machine, verification_sizes(parsed)):
            print(line, file=sys.stderr)


def verify_given(
    parsed: argparse.Namespace,
    source: ProgramSource,
    machine: Machine,
    sizes: DataSizes,
    pipeline: GivenPipeline,
) -> None:
    """The same between the passes that the user gives: for the first stream of each kind.

    Raises:
        DiagnosticError: what a pass made does not compute the same, or no stream has such passes.
    """
    if not parsed.verify_by_running:
        return
    seen: set[StreamKind] = set()
    for kind, samples in needed_streams(source.task.with_sizes(sizes)):
        if kind in seen:
            continue
        seen.add(kind)
        passes = pipeline(training=kind == "train", steps=sizes.steps, batch=samples)
        module = source.stream_module(kind, steps=sizes.steps, batch=samples).clone()
        words = "training" if kind == "train" else "inference"
        line = _verified(module, machine, passes, verification_sizes(parsed))
        print(f"{words}: {line}", file=sys.stderr)


def _verified(
    module: ModuleOp, machine: Machine, passes: tuple[ModulePass, ...], sizes: Sizes | None
) -> str:
    from spikeloom.verification.pipeline_verifier import PipelineVerifier

    context = new_context()

    def apply(current: ModulePass, target: ModuleOp) -> None:
        with keep_locations():
            guard(f"the pass `{current.name}`", partial(current.apply, context, target))
        verify_module(target, current.name)

    attach_machine(module, machine)
    verifier = PipelineVerifier(module, passes, lambda: machine, sizes)
    for current in passes:
        verifier.after(current, apply)
    return verifier.summary
