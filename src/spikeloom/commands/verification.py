"""`--verify-by-running` of the commands that compile."""

from __future__ import annotations

import argparse
import sys

from spikeloom.backend.machine.description import Machine
from spikeloom.diagnostics import error
from spikeloom.ir_task import Level
from spikeloom.program_source import ProgramSource
from spikeloom.verification.options import verification_sizes


def verify_if_asked(parsed: argparse.Namespace, source: ProgramSource, machine: Machine) -> None:
    """Executes the program between the passes of its pipeline, if the user asks for it.

    Raises:
        DiagnosticError: what a pass made does not compute the same; or the pipeline is not the
            default one of a network, which `spikeloom-opt` verifies (E0405).
    """
    if not parsed.verify_by_running:
        return
    if parsed.pipeline is not None or parsed.pass_option or source.level is not Level.NETWORK:
        message = (
            "--verify-by-running does not apply: it verifies the default pipeline of a network"
        )
        help = f"`spikeloom-opt {source.path} -p PASSES --verify-by-running` verifies any other"
        raise error("E0405", message, help=help)
    from spikeloom.verification.program_verifier import verify_program

    for line in verify_program(source.module, machine, verification_sizes(parsed)):
        print(line, file=sys.stderr)
