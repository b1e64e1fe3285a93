"""Numbers as a person writes them: `0.5`, not `5.000000e-01`, and exact on the way back."""

from __future__ import annotations

import math
from functools import lru_cache

from xdsl.dialects.builtin import Float64Type, FloatAttr, IntegerAttr, IntegerType, f64, i64
from xdsl.parser import AttrParser
from xdsl.printer import Printer

Real = FloatAttr[Float64Type]
Count = IntegerAttr[IntegerType]


def real(value: float) -> Real:
    """A real number of the IR; kept in double precision so that the text is exact."""
    return _real(float(value), math.copysign(1.0, value))


@lru_cache(maxsize=4096)
def _real(value: float, sign: float) -> Real:
    # The sign is there because -0.0 equals 0.0. Making an attribute, which verifies it, is slow.
    return FloatAttr(value, f64)


@lru_cache(maxsize=4096)
def count(value: int) -> Count:
    """A 64-bit integer of the IR; the same ones come again and again, and making one is slow."""
    return IntegerAttr(value, i64)


def real_text(value: float) -> str:
    """The shortest decimal that MLIR's lexer reads back as the same double."""
    text = repr(value)
    mantissa, exponent_mark, exponent = text.partition("e")
    if "." not in mantissa:
        mantissa += ".0"
    return mantissa + exponent_mark + exponent


def parse_real(parser: AttrParser) -> Real:
    """A finite decimal number, `inf` and `nan` refused."""
    value = float(parser.parse_number())
    if not math.isfinite(value):
        parser.raise_error("expected a finite number")
    return real(value)


def parse_count(parser: AttrParser) -> Count:
    """An integer that fits into 64 bits."""
    value = parser.parse_integer(allow_boolean=False)
    if not -(2**63) <= value < 2**63:
        parser.raise_error("integer does not fit into 64 bits")
    return count(value)


def print_real(printer: Printer, value: Real) -> None:
    """Prints what `parse_real` reads."""
    printer.print_string(real_text(value.value.data))
