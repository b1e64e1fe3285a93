"""The parameters of a network: tensors with a shape and a start."""

from __future__ import annotations

import math

from xdsl.dialects.builtin import (
    Float32Type,
    StringAttr,
    SymbolNameConstraint,
    TensorType,
    UnitAttr,
    f32,
)
from xdsl.irdl import IRDLOperation, irdl_op_definition, opt_prop_def, prop_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.number_text import (
    Count,
    Real,
    count,
    parse_count,
    parse_real,
    print_real,
    real,
)


@irdl_op_definition
class ParameterOp(IRDLOperation):
    """A tensor that outlives a batch, and what it starts as.

    ```mlir
    snn.parameter @hidden.weight : tensor<128x64xf32> fan_in 64
    snn.parameter @a.scale : tensor<8xf32> constant 1.0
    snn.parameter @a.mean : tensor<8xf32> constant 0.0 running
    ```

    With `fan_in` it starts as uniform(-k, k), k = 1 / sqrt(fan_in), with `constant` as that number
    everywhere. A `running` one is a statistic of the data: it is updated, but has no gradient.
    The weight of a linear is [out, in], of a conv2d [out, in, kernel, kernel], a bias [out].
    """

    name = "snn.parameter"

    sym_name = prop_def(SymbolNameConstraint())
    type = prop_def(TensorType.constr(f32))
    fan_in = opt_prop_def(Count)
    constant = opt_prop_def(Real)
    running = opt_prop_def(UnitAttr)

    traits = traits_def(SymbolOpInterface())

    def __init__(
        self,
        name: str,
        type: TensorType[Float32Type],
        fan_in: int | None = None,
        *,
        constant: float | None = None,
        running: bool = False,
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "type": type,
                "fan_in": None if fan_in is None else count(fan_in),
                "constant": None if constant is None else real(constant),
                "running": UnitAttr() if running else None,
            }
        )

    @property
    def is_running(self) -> bool:
        """Whether it is a running statistic, which no gradient changes."""
        return self.running is not None

    def verify_(self) -> None:
        if self.fan_in is not None and self.fan_in.value.data < 1:
            raise VerifyException(f"fan_in must be at least 1, got {self.fan_in.value.data}")
        if self.constant is not None:
            if self.fan_in is not None:
                raise VerifyException("a parameter starts with `fan_in` or as a `constant`")
            if not math.isfinite(self.constant.value.data):
                raise VerifyException("a parameter starts as a finite number")
        elif self.is_running:
            raise VerifyException("a running parameter starts as a `constant`")

    @classmethod
    def parse(cls, parser: Parser) -> ParameterOp:
        name = parser.parse_symbol_name().data
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        start = parser.pos
        type = parser.parse_type()
        if not TensorType.constr(f32).verifies(type):
            parser.raise_error("expected a tensor of f32", start, parser.pos)
        fan_in = constant = None
        if parser.parse_optional_keyword("fan_in"):
            fan_in = parse_count(parser).value.data
        if parser.parse_optional_keyword("constant"):
            constant = parse_real(parser).value.data
        running = parser.parse_optional_keyword("running") is not None
        op = cls(name, type, fan_in, constant=constant, running=running)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.type)
        if self.fan_in is not None:
            printer.print_string(f" fan_in {self.fan_in.value.data}")
        if self.constant is not None:
            printer.print_string(" constant ")
            print_real(printer, self.constant)
        if self.is_running:
            printer.print_string(" running")
