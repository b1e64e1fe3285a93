"""`spikeloom exec FILE`: executes a compiled program."""

from __future__ import annotations

import argparse

from spikeloom.backend.host.plan import Plan
from spikeloom.backend.host.session import check_options, load_dataset
from spikeloom.backend.snx import read_image
from spikeloom.commands.execution import execute, gpu_beside, run_options


def command(parsed: argparse.Namespace) -> int:
    """Executes the streams of the file; returns the exit code.

    Raises:
        DiagnosticError: file, options or data are not valid, or do not fit together.
    """
    options = run_options(parsed)
    image = read_image(parsed.image)
    plan = Plan.from_json(image.metadata)
    check_options(plan, options)
    return execute(image, load_dataset(plan, options), options, gpu_beside(parsed))
