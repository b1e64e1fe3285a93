"""Where an instruction's boxes lie: the slices and extents of the `engine` dialect.

Both may follow a loop. In the IR a loop is an SSA value of type `index` among the instruction's
operands; the attributes refer to it by its position there (`NO_LOOP` for none).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ArrayAttr, IndexType, IntAttr, SymbolRefAttr
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

NO_LOOP = -1
ALL_STEPS = 0
"""As a number of cells: every time step of the program, whatever their number."""


@irdl_attr_definition
class SliceAttr(ParametrizedAttribute):
    """`#engine.slice<@buffer, [0, 1, 0], [0, -1, -1]>`: a box's start in a buffer.

    Along each of the three dimensions it starts at `base` plus the value of the loop at that
    position of the instruction's operands.
    """

    name = "engine.slice"

    buffer: SymbolRefAttr
    base: ArrayAttr[IntAttr]
    loops: ArrayAttr[IntAttr]

    @classmethod
    def get(cls, buffer: str, base: Sequence[int], loops: Sequence[int]) -> SliceAttr:
        """The slice with these numbers."""
        return cls(
            SymbolRefAttr(buffer),
            ArrayAttr([IntAttr(value) for value in base]),
            ArrayAttr([IntAttr(value) for value in loops]),
        )

    @property
    def buffer_name(self) -> str:
        """The buffer's symbol, without the `@`."""
        return self.buffer.root_reference.data

    def verify(self) -> None:
        """Raises VerifyException unless there are three dimensions."""
        if len(self.base) != 3 or len(self.loops) != 3:
            raise VerifyException("a slice has three dimensions")
        for value in self.base:
            if not -(2**31) <= value.data < 2**31:
                raise VerifyException(f"the start {value.data} of a slice exceeds 32 bits")

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_symbol_name(self.buffer_name)
            for values in (self.base, self.loops):
                printer.print_string(", [")
                printer.print_list(values, lambda v: printer.print_int(v.data))
                printer.print_string("]")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            buffer = SymbolRefAttr(parser.parse_symbol_name())
            numbers: list[ArrayAttr[IntAttr]] = []
            for _ in range(2):
                parser.parse_punctuation(",")
                values = parser.parse_comma_separated_list(
                    parser.Delimiter.SQUARE, lambda: IntAttr(parser.parse_integer())
                )
                numbers.append(ArrayAttr(values))
        return (buffer, *numbers)


@irdl_attr_definition
class ExtentAttr(ParametrizedAttribute):
    """How long an axis is.

    `#engine.extent<64>` is 64 cells, `#engine.extent<all>` every time step of the program, and
    `#engine.extent<loop 0>` what is left of a tile loop.
    """

    name = "engine.extent"

    cells: IntAttr
    loop: IntAttr

    @classmethod
    def constant(cls, cells: int) -> ExtentAttr:
        """An axis of that many cells."""
        return cls(IntAttr(cells), IntAttr(NO_LOOP))

    @classmethod
    def all_steps(cls) -> ExtentAttr:
        """An axis of every time step of the program."""
        return cls(IntAttr(ALL_STEPS), IntAttr(NO_LOOP))

    @classmethod
    def of_loop(cls, position: int) -> ExtentAttr:
        """An axis as long as the tile of the loop at that position of the operands."""
        return cls(IntAttr(0), IntAttr(position))

    def verify(self) -> None:
        """Raises VerifyException for an axis without cells."""
        if self.loop.data == NO_LOOP and not 0 <= self.cells.data < 2**31:
            raise VerifyException(f"an axis has at least one cell, got {self.cells.data}")

    @property
    def covers_all_steps(self) -> bool:
        """Whether the axis is every time step of the program."""
        return self.loop.data == NO_LOOP and self.cells.data == ALL_STEPS

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            if self.covers_all_steps:
                printer.print_string("all")
            elif self.loop.data == NO_LOOP:
                printer.print_int(self.cells.data)
            else:
                printer.print_string(f"loop {self.loop.data}")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            if parser.parse_optional_keyword("loop"):
                return (IntAttr(0), IntAttr(parser.parse_integer(allow_negative=False)))
            if parser.parse_optional_keyword("all"):
                return (IntAttr(ALL_STEPS), IntAttr(NO_LOOP))
            return (IntAttr(parser.parse_integer()), IntAttr(NO_LOOP))


@dataclass
class LoopOperands:
    """Collects the loops that an instruction mentions while it is parsed or built."""

    values: list[SSAValue]

    def position(self, value: SSAValue | None) -> int:
        """The operand position of a loop value, which is added if it is new."""
        if value is None:
            return NO_LOOP
        if value not in self.values:
            self.values.append(value)
        return self.values.index(value)


def print_slice(printer: Printer, slice: SliceAttr, loops: Sequence[SSAValue]) -> None:
    """`@buffer[0, %tile + 1, 0]`, or `@buffer` where the box starts at the origin."""
    printer.print_symbol_name(slice.buffer_name)
    starts = [(base.data, loop.data) for base, loop in zip(slice.base, slice.loops, strict=True)]
    if all(start == (0, NO_LOOP) for start in starts):
        return
    printer.print_string("[")
    for index, (base, loop) in enumerate(starts):
        if index:
            printer.print_string(", ")
        if loop == NO_LOOP:
            printer.print_int(base)
            continue
        printer.print_ssa_value(loops[loop])
        if base:
            printer.print_string(f" {'+' if base > 0 else '-'} {abs(base)}")
    printer.print_string("]")


def parse_slice(parser: Parser, operands: LoopOperands) -> SliceAttr:
    """Reads what `print_slice` writes."""
    buffer = parser.parse_symbol_name().data
    base, loops = [0, 0, 0], [NO_LOOP] * 3
    if parser.parse_optional_punctuation("[") is not None:
        for index in range(3):
            if index:
                parser.parse_punctuation(",")
            base[index], loops[index] = _parse_start(parser, operands)
        parser.parse_punctuation("]")
    return SliceAttr.get(buffer, base, loops)


def _parse_start(parser: Parser, operands: LoopOperands) -> tuple[int, int]:
    value = parser.parse_optional_operand(IndexType())
    if value is None:
        return parser.parse_integer(), NO_LOOP
    loop = operands.position(value)
    if parser.parse_optional_punctuation("+") is not None:
        return parser.parse_integer(allow_negative=False), loop
    if parser.parse_optional_punctuation("-") is not None:
        return -parser.parse_integer(allow_negative=False), loop
    # The lexer reads `%t -1` as a negative literal.
    return parser.parse_optional_integer() or 0, loop


def print_extent(printer: Printer, extent: ExtentAttr, loops: Sequence[SSAValue]) -> None:
    """`64`, `all`, or `%tile`."""
    if extent.covers_all_steps:
        printer.print_string("all")
    elif extent.loop.data == NO_LOOP:
        printer.print_int(extent.cells.data)
    else:
        printer.print_ssa_value(loops[extent.loop.data])


def parse_extent(parser: Parser, operands: LoopOperands) -> ExtentAttr:
    """Reads what `print_extent` writes."""
    if parser.parse_optional_keyword("all"):
        return ExtentAttr.all_steps()
    value = parser.parse_optional_operand(IndexType())
    if value is None:
        return ExtentAttr.constant(parser.parse_integer())
    return ExtentAttr.of_loop(operands.position(value))
