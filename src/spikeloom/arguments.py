"""Parsers of command line arguments."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def integer(least: int, limit: int) -> Callable[[str], int]:
    """A parser of decimal integers in [least, limit)."""

    def parse(text: str) -> int:
        digits = text.removeprefix("-")
        value = int(text) if digits.isdecimal() and digits.isascii() and len(digits) < 20 else None
        if value is None or not least <= value < limit:
            message = f"expected an integer of at least {least}, got {text!r}"
            raise argparse.ArgumentTypeError(message)
        return value

    return parse
