"""What the operations of batch normalization share: channels, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import SymbolRefAttr, TensorType, f32
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import IRDLOperation
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.bptt.shapes import SEQUENCE, check_sum, level_of, sample_shape
from spikeloom.dialects.bptt.types import REAL, Tensor, is_tensor
from spikeloom.dialects.number_text import Real, parse_real, print_real


def channels_of(type: Attribute) -> Tensor:
    """The type of one number per channel of a sequence of this type."""
    assert is_tensor(type)
    return TensorType(f32, type.get_shape()[SEQUENCE : SEQUENCE + 1])


def check_channels(
    op: IRDLOperation, values: Sequence[SSAValue], statistics: Sequence[SSAValue]
) -> int:
    """The number of channels, where all values have one shape and all statistics that length.

    Raises:
        VerifyException: they have not, or the operation stands in a scan.
    """
    if level_of(op) != SEQUENCE:
        raise VerifyException(f"{op.name} needs all steps at once and cannot stand in a scan")
    shapes = {sample_shape(value.type, SEQUENCE, f"an operand of {op.name}") for value in values}
    if len(shapes) != 1:
        raise VerifyException(f"all sequences of {op.name} have one shape")
    (shape,) = shapes
    if not shape:
        raise VerifyException(f"{op.name} needs a dimension of channels")
    for statistic in statistics:
        check_sum(statistic.type, shape[:1])
    return shape[0]


def check_epsilon(epsilon: Real) -> None:
    """A deviation is the square root of something above zero.

    Raises:
        VerifyException: epsilon is not above 0.
    """
    if not epsilon.value.data > 0.0:
        raise VerifyException(f"epsilon must be above 0, got {epsilon.value.data}")


def parse_operands_and_symbols(
    parser: Parser,
) -> tuple[list[UnresolvedOperand], list[SymbolRefAttr]]:
    """Reads `%x, %mean, %variance, @scale, @shift`: values, then parameters."""
    operands: list[UnresolvedOperand] = []
    symbols: list[SymbolRefAttr] = []
    while True:
        operand = None if symbols else parser.parse_optional_unresolved_operand()
        if operand is not None:
            operands.append(operand)
        else:
            symbols.append(SymbolRefAttr(parser.parse_symbol_name()))
        if parser.parse_optional_punctuation(",") is None:
            return operands, symbols


def parse_epsilon(parser: Parser) -> tuple[Real, dict[str, Attribute]]:
    """Reads `epsilon 1e-05` and further attributes."""
    parser.parse_keyword("epsilon")
    return parse_real(parser), parser.parse_optional_attr_dict()


def print_epsilon(printer: Printer, epsilon: Real) -> None:
    """Prints what `parse_epsilon` reads, up to the attributes."""
    printer.print_string(" epsilon ")
    print_real(printer, epsilon)


def parse_sequence_type(parser: Parser) -> Tensor:
    """Reads `: tensor<?x?xCx...xf32>`."""
    parser.parse_punctuation(":")
    start = parser.pos
    type = parser.parse_type()
    if not (is_tensor(type) and REAL.verifies(type)):
        parser.raise_error("expected a tensor of f32", start, parser.pos)
    if len(type.get_shape()) <= SEQUENCE:
        parser.raise_error("expected time, batch and channels", start, parser.pos)
    return type


def print_end(printer: Printer, op: IRDLOperation, value: SSAValue) -> None:
    """Prints further attributes and the type of `value`."""
    printer.print_op_attributes(op.attributes)
    printer.print_string(" : ")
    printer.print_attribute(value.type)
