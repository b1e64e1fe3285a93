"""Where an instruction's boxes lie: the slices and extents of the `engine` dialect.

Both may follow a loop, affinely: `offset + scale x` the loop's value where a box starts, or what
is left of its tile where an axis has its length. In the IR a loop is an SSA value of type `index`
among the instruction's operands; the attributes refer to it by its position there (`NO_LOOP` for
none).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from xdsl.dialects.builtin import ArrayAttr, IntAttr, SymbolRefAttr
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser, Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.engine.affine import (
    NO_LOOP,
    NO_SCALE,
    Affine,
    LoopOperands,
    parse_affine,
    parse_offset,
    print_affine,
    print_offset,
    print_scale,
)
from spikeloom.dialects.instruction_set import DIMENSIONS

_INT32 = range(-(2**31), 2**31)
_SCALES = range(1, 2**31)
ALL_STEPS = 0
"""As a number of cells: every time step of the program, whatever their number."""


@irdl_attr_definition
class SliceAttr(ParametrizedAttribute):
    """`#engine.slice<@buffer, [0, 1, 3, 0], [0, -1, 1, -1], [1, 1, 28, 1]>`: a box's start.

    Along each of the four dimensions it starts at `base` plus `scale` x the value of the loop at
    that position of the instruction's operands. Scales that are all 1 are not printed.
    """

    name = "engine.slice"

    buffer: SymbolRefAttr
    base: ArrayAttr[IntAttr]
    loops: ArrayAttr[IntAttr]
    scales: ArrayAttr[IntAttr]

    @classmethod
    def get(
        cls, buffer: str, base: Sequence[int], loops: Sequence[int], scales: Sequence[int]
    ) -> SliceAttr:
        """The slice with these numbers."""
        return _slice(buffer, tuple(base), tuple(loops), tuple(scales))

    @property
    def buffer_name(self) -> str:
        """The buffer's symbol, without the `@`."""
        return self.buffer.root_reference.data

    @property
    def starts(self) -> list[tuple[int, int, int]]:
        """Base, loop and scale along each dimension."""
        parts = zip(self.base, self.loops, self.scales, strict=True)
        return [(base.data, loop.data, scale.data) for base, loop, scale in parts]

    def verify(self) -> None:
        """Raises VerifyException unless there are four dimensions of numbers in range."""
        if {len(self.base), len(self.loops), len(self.scales)} != {DIMENSIONS}:
            raise VerifyException("a slice has four dimensions")
        for base, loop, scale in self.starts:
            if base not in _INT32:
                raise VerifyException(f"the start {base} of a slice exceeds 32 bits")
            _verify_scale(loop, scale)

    def print_parameters(self, printer: Printer) -> None:
        with printer.in_angle_brackets():
            printer.print_symbol_name(self.buffer_name)
            scaled = any(scale != NO_SCALE for _, _, scale in self.starts)
            for values in (self.base, self.loops, *([self.scales] if scaled else [])):
                printer.print_string(", [")
                printer.print_list(values, lambda v: printer.print_int(v.data))
                printer.print_string("]")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        def numbers() -> ArrayAttr[IntAttr]:
            return ArrayAttr(
                parser.parse_comma_separated_list(
                    parser.Delimiter.SQUARE, lambda: IntAttr(parser.parse_integer())
                )
            )

        with parser.in_angle_brackets():
            buffer = SymbolRefAttr(parser.parse_symbol_name())
            parser.parse_punctuation(",")
            base = numbers()
            parser.parse_punctuation(",")
            loops = numbers()
            scaled = parser.parse_optional_punctuation(",") is not None
            scales = numbers() if scaled else _numbers((NO_SCALE,) * DIMENSIONS)
        return (buffer, base, loops, scales)


@irdl_attr_definition
class ExtentAttr(ParametrizedAttribute):
    """How long an axis is.

    `#engine.extent<64>` is 64 cells, `#engine.extent<all>` every time step of the program,
    `#engine.extent<loop 0>` what is left of a tile loop, and `#engine.extent<28 * loop 0 + 56>`
    56 cells more than 28 times that. `cells` is the constant part.
    """

    name = "engine.extent"

    cells: IntAttr
    loop: IntAttr
    scale: IntAttr

    @classmethod
    def constant(cls, cells: int) -> ExtentAttr:
        """An axis of that many cells."""
        return _extent(cells, NO_LOOP, NO_SCALE)

    @classmethod
    def all_steps(cls) -> ExtentAttr:
        """An axis of every time step of the program."""
        return cls.constant(ALL_STEPS)

    @classmethod
    def of_loop(cls, position: int, scale: int = NO_SCALE, offset: int = 0) -> ExtentAttr:
        """An axis that follows the tile of the loop at that position of the operands."""
        return _extent(offset, position, scale)

    def verify(self) -> None:
        """Raises VerifyException for an axis without cells or with numbers out of range."""
        if self.loop.data == NO_LOOP and not 0 <= self.cells.data < 2**31:
            raise VerifyException(f"an axis has at least one cell, got {self.cells.data}")
        if self.cells.data not in _INT32:
            raise VerifyException(f"the offset {self.cells.data} of an axis exceeds 32 bits")
        _verify_scale(self.loop.data, self.scale.data)

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
                print_scale(printer, self.scale.data)
                printer.print_string(f"loop {self.loop.data}")
                print_offset(printer, self.cells.data)

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        with parser.in_angle_brackets():
            if parser.parse_optional_keyword("all"):
                return (IntAttr(ALL_STEPS), IntAttr(NO_LOOP), IntAttr(NO_SCALE))
            number = parser.parse_optional_integer()
            if number is not None and parser.parse_optional_punctuation("*") is None:
                return (IntAttr(number), IntAttr(NO_LOOP), IntAttr(NO_SCALE))
            parser.parse_keyword("loop")
            loop = parser.parse_integer(allow_negative=False)
            scale = NO_SCALE if number is None else number
            return (IntAttr(parse_offset(parser)), IntAttr(loop), IntAttr(scale))


# Most slices and extents of a program are alike, and making an attribute, which verifies it, is
# slow.
@lru_cache(maxsize=4096)
def _slice(
    buffer: str, base: tuple[int, ...], loops: tuple[int, ...], scales: tuple[int, ...]
) -> SliceAttr:
    return SliceAttr(_symbol(buffer), _numbers(base), _numbers(loops), _numbers(scales))


@lru_cache(maxsize=4096)
def _extent(cells: int, loop: int, scale: int) -> ExtentAttr:
    return ExtentAttr(IntAttr(cells), IntAttr(loop), IntAttr(scale))


@lru_cache(maxsize=4096)
def _symbol(name: str) -> SymbolRefAttr:
    return SymbolRefAttr(name)


@lru_cache(maxsize=4096)
def _numbers(values: tuple[int, ...]) -> ArrayAttr[IntAttr]:
    return ArrayAttr([IntAttr(value) for value in values])


def _verify_scale(loop: int, scale: int) -> None:
    if scale not in _SCALES:
        raise VerifyException(f"a loop is scaled by 1 to {_SCALES[-1]}, got {scale}")
    if loop == NO_LOOP and scale != NO_SCALE:
        raise VerifyException(f"the scale {scale} belongs to no loop")


def make_slice(
    operands: LoopOperands,
    buffer: str,
    base: Sequence[int],
    starts: Sequence[SSAValue | Affine | None],
) -> SliceAttr:
    """The slice that starts at `base` plus, along each dimension, what follows a loop."""
    bases, loops, scales = list(base), [NO_LOOP] * len(base), [NO_SCALE] * len(base)
    for dimension, start in enumerate(starts):
        if start is not None:
            affine = start if isinstance(start, Affine) else Affine(start)
            bases[dimension] += affine.offset
            loops[dimension] = operands.position(affine.loop)
            scales[dimension] = affine.scale
    return SliceAttr.get(buffer, bases, loops, scales)


def make_extent(operands: LoopOperands, extent: int | SSAValue | Affine | ExtentAttr) -> ExtentAttr:
    """The axis of that many cells, or as long as what is left of a loop's tile says."""
    if isinstance(extent, ExtentAttr):
        return extent
    if isinstance(extent, int):
        return ExtentAttr.constant(extent)
    affine = extent if isinstance(extent, Affine) else Affine(extent)
    return ExtentAttr.of_loop(operands.position(affine.loop), affine.scale, affine.offset)


def print_slice(printer: Printer, slice: SliceAttr, loops: Sequence[SSAValue]) -> None:
    """`@buffer[0, %tile + 1, 28 * %row, 0]`, or `@buffer` where the box starts at the origin."""
    printer.print_symbol_name(slice.buffer_name)
    if all(start == (0, NO_LOOP, NO_SCALE) for start in slice.starts):
        return
    printer.print_string("[")
    for index, (base, loop, scale) in enumerate(slice.starts):
        if index:
            printer.print_string(", ")
        if loop == NO_LOOP:
            printer.print_int(base)
        else:
            print_affine(printer, loops[loop], scale, base)
    printer.print_string("]")


def parse_slice(parser: Parser, operands: LoopOperands) -> SliceAttr:
    """Reads what `print_slice` writes."""
    buffer = parser.parse_symbol_name().data
    base, loops, scales = [0] * DIMENSIONS, [NO_LOOP] * DIMENSIONS, [NO_SCALE] * DIMENSIONS
    if parser.parse_optional_punctuation("[") is not None:
        for index in range(DIMENSIONS):
            if index:
                parser.parse_punctuation(",")
            base[index], loops[index], scales[index] = parse_affine(parser, operands)
        parser.parse_punctuation("]")
    return SliceAttr.get(buffer, base, loops, scales)


def print_extent(printer: Printer, extent: ExtentAttr, loops: Sequence[SSAValue]) -> None:
    """`64`, `all`, `%tile`, or `28 * %tile + 56`."""
    if extent.covers_all_steps:
        printer.print_string("all")
    elif extent.loop.data == NO_LOOP:
        printer.print_int(extent.cells.data)
    else:
        print_affine(printer, loops[extent.loop.data], extent.scale.data, extent.cells.data)


def parse_extent(parser: Parser, operands: LoopOperands) -> ExtentAttr:
    """Reads what `print_extent` writes."""
    if parser.parse_optional_keyword("all"):
        return ExtentAttr.all_steps()
    offset, loop, scale = parse_affine(parser, operands)
    return ExtentAttr(IntAttr(offset), IntAttr(loop), IntAttr(scale))
