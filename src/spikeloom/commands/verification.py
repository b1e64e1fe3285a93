"""`--verify-by-running` of the commands that compile."""

from __future__ import annotations

import argparse
import sys

from spikeloom.backend.host.plan import DataSizes, StreamKind, needed_streams
from spikeloom.backend.machine.description import Machine
from spikeloom.default_pipeline import PipelineText
from spikeloom.program_source import ProgramSource
from spikeloom.verification.options import verification_sizes


def verify_if_asked(
    parsed: argparse.Namespace,
    source: ProgramSource,
    machine: Machine,
    sizes: DataSizes,
    pipeline: PipelineText,
) -> None:
    """Executes a program between the passes that make its first stream of each kind.

    Raises:
        DiagnosticError: what a pass made does not compute the same, or no stream has such passes.
    """
    if not parsed.verify_by_running:
        return
    from spikeloom.verification.stream_verifier import verify_stream

    seen: set[StreamKind] = set()
    for kind, samples in needed_streams(source.task.with_sizes(sizes)):
        if kind in seen:
            continue
        seen.add(kind)
        passes = pipeline(training=kind == "train", steps=sizes.steps, batch=samples)
        module = source.stream_module(kind, steps=sizes.steps, batch=samples)
        line = verify_stream(module, machine, passes, verification_sizes(parsed))
        print(f"{'training' if kind == 'train' else 'inference'}: {line}", file=sys.stderr)
