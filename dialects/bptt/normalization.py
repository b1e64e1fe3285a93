"""Batch normalization: statistics of a batch, their use, their running means.

The channel is a sample's first dimension. Statistics run over time, batch and space at once, so
that none of these can stand in a scan, which sees one step at a time. Ioffe and Szegedy,
"Batch Normalization" (2015), with the statistics and running means of PyTorch.
"""

from __future__ import annotations

from xdsl.dialects.builtin import SymbolRefAttr, UnitAttr
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

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
from spikeloom.dialects.bptt.shapes import (
    SEQUENCE,
    check_parameter,
    parameter,
)
from spikeloom.dialects.bptt.types import REAL, tensor_of
from spikeloom.dialects.number_text import Real, parse_real, print_real


@irdl_op_definition
class MomentsOp(IRDLOperation):
    """Mean and biased variance per channel, over time, batch and space."""

    name = "bptt.moments"

    value = operand_def(REAL)
    mean = result_def(REAL)
    variance = result_def(REAL)

    traits = traits_def(Pure())

    def __init__(self, value: SSAValue):
        statistic = channels_of(value.type)
        super().__init__(operands=[value], result_types=[statistic, statistic])

    @property
    def positions(self) -> int:
        """Pixels of a channel: numbers that a sample adds to a statistic at one step."""
        count = 1
        for extent in tensor_of(self.value).get_shape()[SEQUENCE + 1 :]:
            count *= extent
        return count

    def verify_(self) -> None:
        check_channels(self, [self.value], [self.mean, self.variance])

    @classmethod
    def parse(cls, parser: Parser) -> MomentsOp:
        value = parser.parse_unresolved_operand()
        attributes = parser.parse_optional_attr_dict()
        op = cls(parser.resolve_operand(value, parse_sequence_type(parser)))
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.value)
        print_end(printer, self, self.value)


@irdl_op_definition
class NormalizeOp(IRDLOperation):
    """y = scale * (x - mean) / sqrt(variance + epsilon) + shift, per channel.

    ```mlir
    %y = bptt.normalize %x, %mean, %variance, @scale, @shift epsilon 1e-05 : tensor<?x?x6x8x8xf32>
    %y = bptt.normalize %x, @mean, @variance, @scale, @shift epsilon 1e-05 : tensor<?x?x6x8x8xf32>
    ```

    In training the statistics are values, those of the batch; otherwise the running ones, which
    are parameters.
    """

    name = "bptt.normalize"

    value = operand_def(REAL)
    mean = opt_operand_def(REAL)
    variance = opt_operand_def(REAL)
    running_mean = opt_prop_def(SymbolRefAttr)
    running_variance = opt_prop_def(SymbolRefAttr)
    scale = prop_def(SymbolRefAttr)
    shift = prop_def(SymbolRefAttr)
    epsilon = prop_def(Real)
    normalized = result_def(REAL)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(
        self,
        value: SSAValue,
        mean: SSAValue | SymbolRefAttr,
        variance: SSAValue | SymbolRefAttr,
        scale: SymbolRefAttr,
        shift: SymbolRefAttr,
        epsilon: Real,
    ):
        super().__init__(
            operands=[
                value,
                mean if isinstance(mean, SSAValue) else None,
                variance if isinstance(variance, SSAValue) else None,
            ],
            properties={
                "running_mean": mean if isinstance(mean, SymbolRefAttr) else None,
                "running_variance": variance if isinstance(variance, SymbolRefAttr) else None,
                "scale": scale,
                "shift": shift,
                "epsilon": epsilon,
            },
            result_types=[value.type],
        )

    def verify_(self) -> None:
        statistics = [value for value in (self.mean, self.variance) if value is not None]
        running = [s for s in (self.running_mean, self.running_variance) if s is not None]
        if (len(statistics), len(running)) not in ((2, 0), (0, 2)):
            raise VerifyException("a normalization takes either both statistics or both running")
        channels = check_channels(self, [self.value, self.normalized], statistics)
        for symbol in (*running, self.scale, self.shift):
            check_parameter(self, symbol, (channels,))
        check_epsilon(self.epsilon)

    @classmethod
    def parse(cls, parser: Parser) -> NormalizeOp:
        operands, symbols = parse_operands_and_symbols(parser)
        if (len(operands), len(symbols)) not in ((3, 2), (1, 4)):
            parser.raise_error("expected a value, mean, variance, @scale and @shift")
        epsilon, attributes = parse_epsilon(parser)
        type = parse_sequence_type(parser)
        types = [type, channels_of(type), channels_of(type)][: len(operands)]
        value, *statistics = parser.resolve_operands(operands, types, parser.pos)
        mean, variance = statistics or symbols[:2]
        op = cls(value, mean, variance, symbols[-2], symbols[-1], epsilon)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_list(self.operands, printer.print_ssa_value)
        for symbol in (self.running_mean, self.running_variance, self.scale, self.shift):
            if symbol is not None:
                printer.print_string(", ")
                printer.print_attribute(symbol)
        print_epsilon(printer, self.epsilon)
        print_end(printer, self, self.value)


@irdl_op_definition
class UpdateRunningOp(IRDLOperation):
    """running = (1 - momentum) * running + momentum * statistic.

    ```mlir
    bptt.update_running @a.mean, %mean momentum 0.1 : tensor<6xf32>
    bptt.update_running @a.variance, %variance momentum 0.1 unbiased : tensor<6xf32>
    ```

    An unbiased statistic is a variance of `bptt.moments` times N / (N - 1), N the numbers that
    it was taken of, as in PyTorch.
    """

    name = "bptt.update_running"

    parameter = prop_def(SymbolRefAttr)
    statistic = operand_def(REAL)
    momentum = prop_def(Real)
    unbiased = opt_prop_def(UnitAttr)

    def __init__(self, parameter: str, statistic: SSAValue, momentum: Real, *, unbiased: bool):
        super().__init__(
            operands=[statistic],
            properties={
                "parameter": SymbolRefAttr(parameter),
                "momentum": momentum,
                "unbiased": UnitAttr() if unbiased else None,
            },
        )

    @property
    def positions(self) -> int:
        """Of an unbiased statistic, pixels of a channel: N is steps * batch * pixels."""
        moments = self.statistic.owner
        assert isinstance(moments, MomentsOp)
        return moments.positions

    def verify_(self) -> None:
        check_parameter(self, self.parameter, tensor_of(self.statistic).get_shape())
        if not parameter(self, self.parameter).is_running:
            raise VerifyException(f"{self.parameter} is no running statistic")
        if not 0.0 <= self.momentum.value.data <= 1.0:
            raise VerifyException(f"momentum must lie in [0, 1], got {self.momentum.value.data}")
        moments = self.statistic.owner
        if self.unbiased is not None and not (
            isinstance(moments, MomentsOp) and moments.variance is self.statistic
        ):
            raise VerifyException("only a variance of bptt.moments is made unbiased")

    @classmethod
    def parse(cls, parser: Parser) -> UpdateRunningOp:
        name = parser.parse_symbol_name().data
        parser.parse_punctuation(",")
        statistic = parser.parse_unresolved_operand()
        parser.parse_keyword("momentum")
        momentum = parse_real(parser)
        unbiased = parser.parse_optional_keyword("unbiased") is not None
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        operand = parser.resolve_operand(statistic, parser.parse_type())
        op = cls(name, operand, momentum, unbiased=unbiased)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_attribute(self.parameter)
        printer.print_string(", ")
        printer.print_ssa_value(self.statistic)
        printer.print_string(" momentum ")
        print_real(printer, self.momentum)
        if self.unbiased is not None:
            printer.print_string(" unbiased")
        print_end(printer, self, self.statistic)
