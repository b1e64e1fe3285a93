"""The options of verification by running, the same for every command that has them."""

from __future__ import annotations

import argparse

from spikeloom.verification.sizes import Sizes

STEPS, BATCH = 3, 2
"""What is taken for the size that is not given where the other one is."""


def add_verification_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--verify-by-running` and its sizes."""
    group = parser.add_argument_group("verification by running")
    add = group.add_argument
    words = "execute the program after every pass: it must compute what it computed before"
    add("--verify-by-running", action="store_true", help=words)
    words = "time steps that are executed (default: small enough to be quick)"
    add("--verify-steps", metavar="N", type=_count, help=words)
    words = "samples that are executed (default: small enough to be quick)"
    add("--verify-batch", metavar="N", type=_count, help=words)


def verification_sizes(parsed: argparse.Namespace) -> Sizes | None:
    """The sizes that the user gives; None where they are left to the command."""
    if parsed.verify_steps is None and parsed.verify_batch is None:
        return None
    return Sizes(parsed.verify_steps or STEPS, parsed.verify_batch or BATCH)


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 1024):
        raise argparse.ArgumentTypeError(f"{text!r} is no integer from 1 to 1024")
    return int(text)
