"""Numbers that follow a loop: `offset + scale x` its value, or what is left of its tile.

In a text: `3`, `%loop`, `%loop - 1`, `28 * %loop + 3`.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import IndexType
from xdsl.ir import SSAValue
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer

NO_LOOP = -1
NO_SCALE = 1


@dataclass(frozen=True)
class Affine:
    """A number that follows a loop: `offset + scale x` its value, or what is left of its tile."""

    loop: SSAValue
    scale: int = NO_SCALE
    offset: int = 0


@dataclass
class LoopOperands:
    """Collects the loops that an instruction mentions while it is parsed or built."""

    values: list[SSAValue]

    def position(self, value: SSAValue) -> int:
        """The operand position of a loop value, which is added if it is new."""
        if value not in self.values:
            self.values.append(value)
        return self.values.index(value)


def print_affine(printer: Printer, loop: SSAValue, scale: int, offset: int) -> None:
    """`28 * %loop + 3`; neither a scale of 1 nor an offset of 0 is written."""
    print_scale(printer, scale)
    printer.print_ssa_value(loop)
    print_offset(printer, offset)


def print_scale(printer: Printer, scale: int) -> None:
    """`28 * `, or nothing."""
    if scale != NO_SCALE:
        printer.print_string(f"{scale} * ")


def print_offset(printer: Printer, offset: int) -> None:
    """` + 3`, ` - 3`, or nothing."""
    if offset:
        printer.print_string(f" {'+' if offset > 0 else '-'} {abs(offset)}")


def parse_affine(parser: Parser, operands: LoopOperands) -> tuple[int, int, int]:
    """Offset, loop and scale of `3`, `%loop`, `%loop + 3` or `28 * %loop + 3`."""
    value, scale = parser.parse_optional_operand(IndexType()), NO_SCALE
    if value is None:
        number = parser.parse_integer()
        if parser.parse_optional_punctuation("*") is None:
            return number, NO_LOOP, NO_SCALE
        value, scale = parser.parse_operand(IndexType()), number
    return parse_offset(parser), operands.position(value), scale


def parse_offset(parser: AttrParser) -> int:
    """Reads what `print_offset` writes."""
    if parser.parse_optional_punctuation("+") is not None:
        return parser.parse_integer(allow_negative=False)
    if parser.parse_optional_punctuation("-") is not None:
        return -parser.parse_integer(allow_negative=False)
    # The lexer reads `%t -1` as a negative literal.
    return parser.parse_optional_integer() or 0
