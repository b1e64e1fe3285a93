"""Parsers of command line arguments."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from fractions import Fraction


def integer(least: int, limit: int) -> Callable[[str], int]:
    """A parser of decimal integers in [least, limit)."""

    def parse(text: str) -> int:
        digits = text.removeprefix("-")
        value = int(text) if digits.isdecimal() and digits.isascii() and len(digits) < 20 else None
        if value is None or not least <= value < limit:
            message = f"expected an integer from {least} to {limit - 1}, got {text!r}"
            raise argparse.ArgumentTypeError(message)
        return value

    return parse


def ratio(least: int, limit: int) -> Callable[[str], Fraction]:
    """A parser of integers and fractions such as `247/2` in [least, limit)."""

    def parse(text: str) -> Fraction:
        found = re.fullmatch(r"([0-9]{1,19})(?:/([0-9]{1,19}))?", text)
        bottom = int(found[2] or 1) if found else 0
        value = Fraction(int(found[1]), bottom) if found and bottom else None
        if value is None or not least <= value < limit:
            message = f"an integer or a fraction such as 247/2, from {least} to below {limit}"
            raise argparse.ArgumentTypeError(f"expected {message}, got {text!r}")
        return value

    return parse
