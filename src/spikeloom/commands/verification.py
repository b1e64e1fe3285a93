"""`--verify-by-running` of the commands that compile."""

from __future__ import annotations

import argparse
import sys

from xdsl.dialects.builtin import ModuleOp

from spikeloom.backend.machine.description import Machine
from spikeloom.verification.options import verification_sizes


def verify_if_asked(parsed: argparse.Namespace, module: ModuleOp, machine: Machine) -> None:
    """Executes the program between the passes of its pipeline, if the user asks for it.

    Raises:
        DiagnosticError: what a pass made does not compute the same.
    """
    if parsed.verify_by_running:
        from spikeloom.verification.program_verifier import verify_program

        for line in verify_program(module, machine, verification_sizes(parsed)):
            print(line, file=sys.stderr)
