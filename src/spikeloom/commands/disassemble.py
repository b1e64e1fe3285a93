"""`spikeloom disassemble FILE`: prints a compiled program as text."""

from __future__ import annotations

import argparse
import sys

from spikeloom.backend.assembly import disassemble_image
from spikeloom.backend.snx import read_image
from spikeloom.terminal import EXIT_OK


def command(parsed: argparse.Namespace) -> int:
    """Prints the streams of the file; returns the exit code.

    Raises:
        DiagnosticError: the file is not valid.
    """
    sys.stdout.write(disassemble_image(read_image(parsed.image)))
    return EXIT_OK
