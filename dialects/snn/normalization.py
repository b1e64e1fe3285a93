"""Batch normalization: currents with the mean and variance that two parameters ask for."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX, SymbolRefAttr, TensorType, f32
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import HasParent, Pure
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.number_text import Real, parse_real, print_real, real
from spikeloom.dialects.snn.network import NetworkOp
from spikeloom.dialects.snn.parametric import ParametricOperation, symbol_name
from spikeloom.dialects.snn.types import CURRENTS, ShapeError, ValueType, known_shape

_PARAMETERS = ("scale", "shift", "mean", "variance")


@irdl_op_definition
class BatchnormOp(ParametricOperation):
    """scale * (x - mean) / sqrt(variance + epsilon) + shift, with four numbers per channel.

    ```mlir
    %1 = snn.batchnorm %0, @a.scale, @a.shift, @a.mean, @a.variance momentum 0.1, epsilon 1.0e-05
      : tensor<8x32x32xf32> -> tensor<8x32x32xf32>
    ```

    In training mean and variance are those of the channel over time, batch and space; the
    parameters `mean` and `variance` follow them, running = (1 - momentum) * running +
    momentum * statistic, and stand in for them in inference (Ioffe & Szegedy 2015). The channels
    are the first dimension; of a vector every unit is one.
    """

    name = "snn.batchnorm"

    current = operand_def(CURRENTS)
    scale = prop_def(SymbolRefAttr)
    shift = prop_def(SymbolRefAttr)
    mean = prop_def(SymbolRefAttr)
    variance = prop_def(SymbolRefAttr)
    momentum = prop_def(Real)
    epsilon = prop_def(Real)
    result = result_def(CURRENTS)

    traits = traits_def(Pure(), HasParent(NetworkOp))

    def __init__(
        self,
        current: SSAValue,
        parameters: Sequence[str],
        result_type: ValueType,
        *,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
    ):
        """`parameters` are the symbols of scale, shift, mean and variance."""
        symbols = {
            name: SymbolRefAttr(symbol)
            for name, symbol in zip(_PARAMETERS, parameters, strict=True)
        }
        super().__init__(
            operands=[current],
            properties={**symbols, "momentum": real(momentum), "epsilon": real(epsilon)},
            result_types=[result_type],
        )

    @property
    def scale_name(self) -> str:
        """The scale's symbol, without the `@`."""
        return symbol_name(self.scale)

    @property
    def shift_name(self) -> str:
        """The shift's symbol, without the `@`."""
        return symbol_name(self.shift)

    @property
    def mean_name(self) -> str:
        """The running mean's symbol, without the `@`."""
        return symbol_name(self.mean)

    @property
    def variance_name(self) -> str:
        """The running variance's symbol, without the `@`."""
        return symbol_name(self.variance)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return self.scale_name, self.shift_name, self.mean_name, self.variance_name

    def infer_result_type(self) -> TensorType[Attribute] | None:
        for name in self.parameter_names:
            self.parameter(name)
        if (shape := known_shape(self.current)) is None:
            return None
        if not shape:
            raise ShapeError("batchnorm takes a vector or an image, but its input has no extent")
        return TensorType(f32, shape)

    def resolve_parameters(self) -> None:
        shape = known_shape(self.current)
        assert shape is not None
        for name in self.parameter_names:
            declared = self.parameter(name).type.get_shape()
            if declared == (DYNAMIC_INDEX,):
                self.set_parameter_shape(name, shape[:1], None)

    def verify_(self) -> None:
        super().verify_()
        momentum, epsilon = self.momentum.value.data, self.epsilon.value.data
        if not 0.0 <= momentum <= 1.0:
            raise VerifyException(f"momentum must lie in [0, 1], got {momentum}")
        if not (math.isfinite(epsilon) and epsilon > 0.0):
            raise VerifyException(f"epsilon must be above 0, got {epsilon}")
        shape = known_shape(self.current)
        for what, name in zip(_PARAMETERS, self.parameter_names, strict=True):
            parameter = self.parameter(name)
            if shape is not None and parameter.type.get_shape() != (DYNAMIC_INDEX,):
                self.check_vector(what, name, shape[0])
            if parameter.is_running != (what in ("mean", "variance")):
                raise VerifyException(
                    f"the {what} @{name} must {'' if what in ('mean', 'variance') else 'not '}be "
                    f"a running parameter"
                )

    @classmethod
    def parse(cls, parser: Parser) -> BatchnormOp:
        current = parser.parse_unresolved_operand()
        symbols: list[str] = []
        for _ in _PARAMETERS:
            parser.parse_punctuation(",")
            symbols.append(parser.parse_symbol_name().data)
        parser.parse_keyword("momentum")
        momentum = parse_real(parser)
        parser.parse_punctuation(",")
        parser.parse_keyword("epsilon")
        epsilon = parse_real(parser)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        current_type = parser.parse_type()
        parser.parse_punctuation("->")
        result_type = parser.parse_type()
        references = map(SymbolRefAttr, symbols)
        op = cls.create(
            operands=[parser.resolve_operand(current, current_type)],
            properties={
                **dict(zip(_PARAMETERS, references, strict=True)),
                "momentum": momentum,
                "epsilon": epsilon,
            },
            result_types=[result_type],
        )
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.current)
        for name in self.parameter_names:
            printer.print_string(", ")
            printer.print_symbol_name(name)
        printer.print_string(" momentum ")
        print_real(printer, self.momentum)
        printer.print_string(", epsilon ")
        print_real(printer, self.epsilon)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.current.type)
        printer.print_string(" -> ")
        printer.print_attribute(self.result.type)
