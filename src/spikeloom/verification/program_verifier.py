"""Verification by running of the pipeline that `spikeloom` itself sends a program through."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.transforms import get_all_passes

from spikeloom.backend.machine.description import Machine
from spikeloom.compiler import attach_machine, new_context, pipeline_text
from spikeloom.dialects.snn import TrainOp
from spikeloom.ir_checks import verify_module
from spikeloom.keep_locations import keep_locations
from spikeloom.pass_pipeline import parse_passes
from spikeloom.passes.registry import PASSES
from spikeloom.verification.pipeline_verifier import SIZES, PipelineVerifier
from spikeloom.verification.sizes import Sizes


def verify_program(module: ModuleOp, machine: Machine, sizes: Sizes | None) -> Iterator[str]:
    """Verifies the pipelines for training, if the program trains, and for inference.

    Yields:
        A line for each that says what was verified.

    Raises:
        DiagnosticError: a pass changes what the program computes (E0601), or it cannot be executed
            (E0602).
    """
    trains = any(isinstance(op, TrainOp) for op in module.ops)
    context, given = new_context(), sizes or SIZES[0]

    def apply(current: ModulePass, target: ModuleOp) -> None:
        with keep_locations():
            current.apply(context, target)
        verify_module(target, current.name)

    for training in (True, False) if trains else (False,):
        text = pipeline_text(training=training, steps=given.steps, batch=given.batch)
        passes = parse_passes(text, {**get_all_passes(), **PASSES})
        copy = module.clone()
        attach_machine(copy, machine)
        verifier = PipelineVerifier(copy, passes, lambda: machine, sizes)
        for current in passes:
            verifier.after(current, apply)
        yield f"{'training' if training else 'inference'}: {verifier.summary}"
