"""Sequences as such: sums, shifts along time, other shapes of a sample."""

from __future__ import annotations

from xdsl.ir import (
    SSAValue,
)
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.bptt_shapes import level_of, sample_shape
from spikeloom.dialects.bptt_types import (
    REAL,
    VALUE,
    Tensor,
    tensor_of,
    unit_count,
)


class _SameTypes(IRDLOperation):
    """An operation whose operands and result have one type."""

    def verify_(self) -> None:
        types = {value.type for value in (*self.operands, *self.results)}
        if len(types) != 1:
            got = ", ".join(sorted(map(str, types)))
            raise VerifyException(f"{self.name} wants one type, got {got}")
        sample_shape(types.pop(), level_of(self), f"an operand of {self.name}")


@irdl_op_definition
class AddOp(_SameTypes):
    """Element-wise sum of currents or of gradients."""

    name = "bptt.add"

    left = operand_def(REAL)
    right = operand_def(REAL)
    sum = result_def(REAL)

    traits = traits_def(Pure())

    def __init__(self, left: SSAValue, right: SSAValue):
        super().__init__(operands=[left, right], result_types=[left.type])

    @classmethod
    def parse(cls, parser: Parser) -> AddOp:
        left = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        right = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type = parser.parse_type()
        operands = parser.resolve_operands([left, right], [type, type], parser.pos)
        return cls.create(operands=operands, result_types=[type], attributes=attributes)

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.sum.type)


class _Shift(_SameTypes):
    """The operand moved along time by one step, with zeros where nothing comes in."""

    value = operand_def(VALUE)
    shifted = result_def(VALUE)

    traits = traits_def(Pure())
    assembly_format = "$value attr-dict `:` type($value) `->` type($shifted)"

    def __init__(self, value: SSAValue):
        super().__init__(operands=[value], result_types=[value.type])


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
