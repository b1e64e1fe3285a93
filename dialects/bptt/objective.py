"""What is optimised and what is reported: readout, loss, updates."""

from __future__ import annotations

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    f32,
    i32,
)
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import (
    SpacedOpaqueSyntaxAttribute,
    SSAValue,
)
from xdsl.irdl import (
    AttrSizedResultSegments,
    IRDLOperation,
    eq,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_result_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.str_enum import StrEnum

from spikeloom.dialects.bptt.shapes import (
    SAMPLE,
    SEQUENCE,
    check_parameter,
    parameter,
    sample_shape,
    vector_length,
)
from spikeloom.dialects.bptt.types import REAL, VALUE, Tensor, tensor_of
from spikeloom.dialects.training import LossAttr, LossKind, OptimizerAttr

_SCALAR = eq(TensorType(f32, []))
_INTEGER = eq(TensorType(i32, []))

LABELS = TensorType(i32, [DYNAMIC_INDEX])
"""One class per sample."""

REPORT_KINDS = ("loss", "correct", "readout", "spikes", "gradient")
"""What the host knows a reported value as."""


class ReadoutKind(StrEnum):
    """How the output becomes one number per class: summed over time, or averaged."""

    SUM = "sum"
    MEAN = "mean"


@irdl_attr_definition
class ReadoutAttr(EnumAttribute[ReadoutKind], SpacedOpaqueSyntaxAttribute):
    """`#bptt<readout sum>`."""

    name = "bptt.readout_kind"


@irdl_op_definition
class ReadoutOp(IRDLOperation):
    """The output summed over time, or divided by the number of steps: one number per class."""

    name = "bptt.readout"

    output = operand_def(VALUE)
    kind = prop_def(ReadoutAttr)
    readout = result_def(REAL)

    traits = traits_def(Pure())
    assembly_format = "$kind $output attr-dict `:` type($output) `->` type($readout)"

    def __init__(self, output: SSAValue, kind: ReadoutKind, type: Tensor):
        super().__init__(
            operands=[output], properties={"kind": ReadoutAttr(kind)}, result_types=[type]
        )

    def verify_(self) -> None:
        _check_readout(self.readout, self.output)


@irdl_op_definition
class ReadoutGradientOp(IRDLOperation):
    """The readout's gradient, given to every step."""

    name = "bptt.readout_gradient"

    gradient = operand_def(REAL)
    kind = prop_def(ReadoutAttr)
    output_gradient = result_def(REAL)

    traits = traits_def(Pure())
    assembly_format = "$kind $gradient attr-dict `:` type($gradient) `->` type($output_gradient)"

    def __init__(self, gradient: SSAValue, kind: ReadoutKind, type: Tensor):
        super().__init__(
            operands=[gradient], properties={"kind": ReadoutAttr(kind)}, result_types=[type]
        )

    def verify_(self) -> None:
        _check_readout(self.gradient, self.output_gradient)


def _check_readout(readout: SSAValue, output: SSAValue) -> None:
    """A readout has the output's shape without time."""
    expected = sample_shape(output.type, SEQUENCE, "an output")
    got = sample_shape(readout.type, SAMPLE, "a readout")
    if expected != got:
        raise VerifyException(
            f"a readout has the output's shape {list(expected)} per sample, got {list(got)}"
        )


@irdl_op_definition
class LossOp(IRDLOperation):
    """The loss averaged over the batch, the number of right decisions, and the gradient.

    `cross_entropy` is that of softmax(readout); `mse` the mean over batch and classes of the
    squared distance to the one-hot label.
    """

    name = "bptt.loss"

    readout = operand_def(REAL)
    label = operand_def(TensorType.constr(i32))
    kind = prop_def(LossAttr)
    loss = result_def(_SCALAR)
    correct = result_def(_INTEGER)
    gradient = opt_result_def(REAL)

    irdl_options = (AttrSizedResultSegments(as_property=True),)
    traits = traits_def(Pure())

    def __init__(self, readout: SSAValue, label: SSAValue, kind: LossKind, with_gradient: bool):
        super().__init__(
            operands=[readout, label],
            properties={"kind": LossAttr(kind)},
            result_types=[
                TensorType(f32, []),
                TensorType(i32, []),
                [readout.type] if with_gradient else [],
            ],
        )

    def verify_(self) -> None:
        vector_length(self.readout.type, SAMPLE, "the readout of a loss")
        if self.label.type != LABELS:
            raise VerifyException(f"labels are a {LABELS}, got {self.label.type}")
        if self.gradient is not None and self.gradient.type != self.readout.type:
            raise VerifyException("the gradient of a readout has the readout's type")

    @classmethod
    def parse(cls, parser: Parser) -> LossOp:
        kind = parser.parse_str_enum(LossKind)
        readout = parser.parse_unresolved_operand()
        parser.parse_punctuation(",")
        label = parser.parse_unresolved_operand()
        with_gradient = parser.parse_optional_keyword("with_gradient") is not None
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        readout_type = parser.parse_type()
        parser.parse_punctuation(",")
        label_type = parser.parse_type()
        op = cls(
            parser.resolve_operand(readout, readout_type),
            parser.resolve_operand(label, label_type),
            kind,
            with_gradient,
        )
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.kind.data} ")
        printer.print_list(self.operands, printer.print_ssa_value)
        if self.gradient is not None:
            printer.print_string(" with_gradient")
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_list(self.operand_types, printer.print_attribute)


@irdl_op_definition
class OptimizeOp(IRDLOperation):
    """Updates a parameter from its gradient: `bptt.optimize @w, %gw <adam, rate 0.002> : ...`."""

    name = "bptt.optimize"

    parameter = prop_def(SymbolRefAttr)
    gradient = operand_def(REAL)
    optimizer = prop_def(OptimizerAttr)

    assembly_format = "$parameter `,` $gradient $optimizer attr-dict `:` type($gradient)"

    def __init__(self, parameter: str, gradient: SSAValue, optimizer: OptimizerAttr):
        super().__init__(
            operands=[gradient],
            properties={"parameter": SymbolRefAttr(parameter), "optimizer": optimizer},
        )

    def verify_(self) -> None:
        check_parameter(self, self.parameter, tensor_of(self.gradient).get_shape())
        if parameter(self, self.parameter).is_running:
            raise VerifyException(f"{self.parameter} is a running statistic, which has no gradient")


@irdl_op_definition
class ReportOp(IRDLOperation):
    """Keeps a value for the host: `bptt.report %s as "spikes" of "hidden" : tensor<...>`.

    `REPORT_KINDS` are the kinds; the input and the labels are known without a report.
    """

    name = "bptt.report"

    value = operand_def(TensorType)
    kind = prop_def(StringAttr)
    subject = prop_def(StringAttr)

    assembly_format = "$value `as` $kind `of` $subject attr-dict `:` type($value)"

    def __init__(self, value: SSAValue, kind: str, subject: str = ""):
        super().__init__(
            operands=[value],
            properties={"kind": StringAttr(kind), "subject": StringAttr(subject)},
        )

    def verify_(self) -> None:
        if self.kind.data not in REPORT_KINDS:
            raise VerifyException(
                f"nothing is reported as {self.kind.data!r}, expected one of "
                f"{', '.join(REPORT_KINDS)}"
            )
