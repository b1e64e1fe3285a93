"""Sequences as such: sums, shifts along time, other shapes and other channels of a sample."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.bptt.shapes import level_of, sample_shape
from spikeloom.dialects.bptt.types import (
    REAL,
    VALUE,
    Tensor,
    is_tensor,
    real_like,
    tensor_of,
    unit_count,
)
from spikeloom.dialects.number_text import Count, count, parse_count


@irdl_op_definition
class AddOp(IRDLOperation):
    """Element-wise sum of currents or of gradients; a spike counts as one.

    ```mlir
    %k = bptt.add %i, %j : tensor<?x?x16xf32>
    %k = bptt.add %s, %j : tensor<?x?x16xi1>, tensor<?x?x16xf32>
    ```
    """

    name = "bptt.add"

    left = operand_def(VALUE)
    right = operand_def(VALUE)
    sum = result_def(REAL)

    traits = traits_def(Pure())

    def __init__(self, left: SSAValue, right: SSAValue):
        super().__init__(operands=[left, right], result_types=[real_like(left.type)])

    def verify_(self) -> None:
        types = {real_like(value.type) for value in (self.left, self.right, self.sum)}
        if len(types) != 1:
            got = ", ".join(sorted(map(str, types)))
            raise VerifyException(f"{self.name} wants one shape, got {got}")
        sample_shape(types.pop(), level_of(self), f"an operand of {self.name}")

    @classmethod
    def parse(cls, parser: Parser) -> AddOp:
        left = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        right = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        start = parser.pos
        types = [parser.parse_type()]
        types.append(parser.parse_type() if parser.parse_optional_punctuation(",") else types[0])
        if not all(VALUE.verifies(type) for type in types):
            parser.raise_error("expected tensors of i1 or f32", start, parser.pos)
        op = cls(*parser.resolve_operands([left, right], types, parser.pos))
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        types = [self.left.type, self.right.type]
        printer.print_list(types[:1] if types[0] == types[1] else types, printer.print_attribute)


class _Shift(IRDLOperation):
    """The operand moved along time by one step, with zeros where nothing comes in."""

    value = operand_def(VALUE)
    shifted = result_def(VALUE)

    traits = traits_def(Pure())
    assembly_format = "$value attr-dict `:` type($value) `->` type($shifted)"

    def __init__(self, value: SSAValue):
        super().__init__(operands=[value], result_types=[value.type])

    def verify_(self) -> None:
        types = {self.value.type, self.shifted.type}
        if len(types) != 1:
            got = ", ".join(sorted(map(str, types)))
            raise VerifyException(f"{self.name} wants one type, got {got}")
        sample_shape(types.pop(), level_of(self), f"an operand of {self.name}")


@irdl_op_definition
class DelayOp(_Shift):
    """x[t-1] at every t, zero at the first step."""

    name = "bptt.delay"


@irdl_op_definition
class AdvanceOp(_Shift):
    """x[t+1] at every t, zero at the last step: the gradient of a delay."""

    name = "bptt.advance"


@irdl_op_definition
class ReshapeOp(IRDLOperation):
    """The same numbers with another shape of a sample."""

    name = "bptt.reshape"

    value = operand_def(VALUE)
    reshaped = result_def(VALUE)

    traits = traits_def(Pure())
    assembly_format = "$value attr-dict `:` type($value) `->` type($reshaped)"

    def __init__(self, value: SSAValue, type: Tensor):
        super().__init__(operands=[value], result_types=[type])

    def verify_(self) -> None:
        level = level_of(self)
        for value in (self.value, self.reshaped):
            sample_shape(value.type, level, f"an operand of {self.name}")
        if unit_count(self.value.type) != unit_count(self.reshaped.type):
            raise VerifyException("a reshape keeps the number of units")
        if tensor_of(self.value).element_type != tensor_of(self.reshaped).element_type:
            raise VerifyException("reshaped spikes are spikes, reshaped currents currents")


@irdl_op_definition
class ConcatenateOp(IRDLOperation):
    """Two samples joined along their first dimension, the channels.

    `bptt.concatenate %x, %y : tensor<?x?x2x8x8xi1>, tensor<?x?x3x8x8xi1> -> tensor<?x?x5x8x8xi1>`
    """

    name = "bptt.concatenate"

    left = operand_def(VALUE)
    right = operand_def(VALUE)
    joined = result_def(VALUE)

    traits = traits_def(Pure())
    assembly_format = (
        "$left `,` $right attr-dict `:` type($left) `,` type($right) `->` type($joined)"
    )

    def __init__(self, left: SSAValue, right: SSAValue, type: Tensor):
        super().__init__(operands=[left, right], result_types=[type])

    def verify_(self) -> None:
        level = level_of(self)
        left, right, joined = (
            sample_shape(value.type, level, f"an operand of {self.name}")
            for value in (self.left, self.right, self.joined)
        )
        if not left or not right or joined != (left[0] + right[0], *left[1:]):
            raise VerifyException(
                f"{list(left)} and {list(right)} do not join along the channels to {list(joined)}"
            )
        if left[1:] != right[1:]:
            raise VerifyException("only the channels of what is joined may differ")
        _check_one_element(self, (self.left, self.right, self.joined))


@irdl_op_definition
class SliceOp(IRDLOperation):
    """Some channels of a sample, from `first` on: the gradient of a concatenation's operand.

    `bptt.slice %g from 2 : tensor<?x?x5x8x8xf32> -> tensor<?x?x3x8x8xf32>`
    """

    name = "bptt.slice"

    value = operand_def(VALUE)
    first = prop_def(Count)
    part = result_def(VALUE)

    traits = traits_def(Pure())

    def __init__(self, value: SSAValue, first: int, type: Tensor):
        super().__init__(operands=[value], properties={"first": count(first)}, result_types=[type])

    def verify_(self) -> None:
        level = level_of(self)
        whole, part = (
            sample_shape(value.type, level, f"an operand of {self.name}")
            for value in (self.value, self.part)
        )
        first = self.first.value.data
        if not whole or not part or whole[1:] != part[1:]:
            raise VerifyException("a slice takes channels and leaves all else")
        if not 0 <= first <= first + part[0] <= whole[0]:
            raise VerifyException(
                f"there are no channels {first} to {first + part[0] - 1} of {whole[0]}"
            )
        _check_one_element(self, (self.value, self.part))

    @classmethod
    def parse(cls, parser: Parser) -> SliceOp:
        value = parser.parse_unresolved_operand()
        parser.parse_keyword("from")
        first = parse_count(parser).value.data
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        operand = parser.resolve_operand(value, parser.parse_type())
        parser.parse_punctuation("->")
        start = parser.pos
        type = parser.parse_type()
        if not is_tensor(type):
            parser.raise_error("expected a tensor", start, parser.pos)
        op = cls(operand, first, type)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.value)
        printer.print_string(f" from {self.first.value.data}")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.value.type)
        printer.print_string(" -> ")
        printer.print_attribute(self.part.type)


def _check_one_element(op: IRDLOperation, values: Sequence[SSAValue]) -> None:
    if len({tensor_of(value).element_type for value in values}) != 1:
        raise VerifyException(f"all of {op.name} are spikes or all are currents")
