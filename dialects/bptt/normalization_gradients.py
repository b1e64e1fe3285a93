"""The gradients of a batch normalization: of its scale and of what was normalized."""

from __future__ import annotations

from xdsl.dialects.builtin import SymbolRefAttr
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

from spikeloom.dialects.bptt.channels import (
    channels_of,
    check_channels,
    check_epsilon,
    parse_epsilon,
    parse_operands_and_symbols,
    parse_sequence_type,
    print_end,
    print_epsilon,
)
from spikeloom.dialects.bptt.shapes import check_parameter
from spikeloom.dialects.bptt.types import REAL
from spikeloom.dialects.number_text import Real


@irdl_op_definition
class ScaleGradientOp(IRDLOperation):
    """The gradient of a scale: sum over time, batch and space of g * (x - mean) / deviation.

    ```mlir
    %gs = bptt.scale_gradient %g, %x, %mean, %variance epsilon 1e-05 : tensor<?x?x6x8x8xf32>
    ```

    The deviation is sqrt(variance + epsilon). The gradient of a shift is a `bptt.bias_gradient`.
    """

    name = "bptt.scale_gradient"

    gradient = operand_def(REAL)
    value = operand_def(REAL)
    mean = operand_def(REAL)
    variance = operand_def(REAL)
    epsilon = prop_def(Real)
    scale_gradient = result_def(REAL)

    # Not Pure: see SynapseWeightGradientOp.

    def __init__(
        self,
        gradient: SSAValue,
        value: SSAValue,
        mean: SSAValue,
        variance: SSAValue,
        epsilon: Real,
    ):
        super().__init__(
            operands=[gradient, value, mean, variance],
            properties={"epsilon": epsilon},
            result_types=[channels_of(value.type)],
        )

    def verify_(self) -> None:
        statistics = [self.mean, self.variance, self.scale_gradient]
        check_channels(self, [self.gradient, self.value], statistics)
        check_epsilon(self.epsilon)

    @classmethod
    def parse(cls, parser: Parser) -> ScaleGradientOp:
        operands, symbols = parse_operands_and_symbols(parser)
        if (len(operands), len(symbols)) != (4, 0):
            parser.raise_error("expected a gradient, a value, a mean and a variance")
        epsilon, attributes = parse_epsilon(parser)
        type = parse_sequence_type(parser)
        types = [type, type, channels_of(type), channels_of(type)]
        gradient, value, mean, variance = parser.resolve_operands(operands, types, parser.pos)
        op = cls(gradient, value, mean, variance, epsilon)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        print_epsilon(printer, self.epsilon)
        print_end(printer, self, self.value)


@irdl_op_definition
class NormalizeGradientOp(IRDLOperation):
    """The gradient of what was normalized, through the value and through its statistics.

        gx = scale / sqrt(variance + epsilon) * (g - gshift / N - xhat * gscale / N)

    N counts the numbers of a statistic: steps * batch * pixels; xhat is (x - mean) over the
    deviation.

    ```mlir
    %gx = bptt.normalize_gradient %g, %x, %mean, %variance, %gscale, %gshift, @scale epsilon 1e-05
        : tensor<?x?x6x8x8xf32>
    ```
    """

    name = "bptt.normalize_gradient"

    gradient = operand_def(REAL)
    value = operand_def(REAL)
    mean = operand_def(REAL)
    variance = operand_def(REAL)
    scale_gradient = operand_def(REAL)
    shift_gradient = operand_def(REAL)
    scale = prop_def(SymbolRefAttr)
    epsilon = prop_def(Real)
    value_gradient = result_def(REAL)

    traits = traits_def(Pure())

    def __init__(
        self,
        gradient: SSAValue,
        value: SSAValue,
        mean: SSAValue,
        variance: SSAValue,
        scale_gradient: SSAValue,
        shift_gradient: SSAValue,
        scale: SymbolRefAttr,
        epsilon: Real,
    ):
        super().__init__(
            operands=[gradient, value, mean, variance, scale_gradient, shift_gradient],
            properties={"scale": scale, "epsilon": epsilon},
            result_types=[value.type],
        )

    def verify_(self) -> None:
        values = [self.gradient, self.value, self.value_gradient]
        channels = check_channels(
            self, values, [self.mean, self.variance, self.scale_gradient, self.shift_gradient]
        )
        check_parameter(self, self.scale, (channels,))
        check_epsilon(self.epsilon)

    @classmethod
    def parse(cls, parser: Parser) -> NormalizeGradientOp:
        operands, symbols = parse_operands_and_symbols(parser)
        if (len(operands), len(symbols)) != (6, 1):
            parser.raise_error("expected gradient, value, mean, variance, two sums and @scale")
        epsilon, attributes = parse_epsilon(parser)
        type = parse_sequence_type(parser)
        types = [type, type, *[channels_of(type)] * 4]
        gradient, value, mean, variance, scale_gradient, shift_gradient = parser.resolve_operands(
            operands, types, parser.pos
        )
        op = cls(
            gradient, value, mean, variance, scale_gradient, shift_gradient, symbols[0], epsilon
        )
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        printer.print_string(", ")
        printer.print_attribute(self.scale)
        print_epsilon(printer, self.epsilon)
        print_end(printer, self, self.value)
