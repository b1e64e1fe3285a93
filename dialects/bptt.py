"""The `bptt` dialect: one training step as explicit mathematics (design.md section 3).

A value is a whole sequence, `tensor<?x?x128xi1>`: time, batch, and the shape of a sample. The
lengths of time and batch stand once, on `bptt.step`, so that the text is the same for all of
them. Where `previous` closes a cycle, `bptt.scan` walks over time; inside it a value is one step,
`tensor<?x128xi1>`.

Forward and backward, weight gradients and updates are all visible. What the backward pass needs
of the forward pass is what its operations name: `bptt.fire` yields a mask or a potential only
where some gradient reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
    f32,
    i1,
    i32,
)
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import (
    Attribute,
    Block,
    Dialect,
    Region,
    SpacedOpaqueSyntaxAttribute,
    SSAValue,
)
from xdsl.irdl import (
    AnyOf,
    AttrSizedResultSegments,
    IRDLOperation,
    eq,
    irdl_attr_definition,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    opt_result_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, NoTerminator, Pure, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa
from xdsl.utils.str_enum import StrEnum

from spikeloom.dialects.bptt_neurons import (
    FireGradientOp,
    FireOp,
    IntegrateGradientOp,
    IntegrateOp,
)
from spikeloom.dialects.bptt_scan import ScanOp, YieldOp
from spikeloom.dialects.number_text import Count, count
from spikeloom.dialects.snn import ParameterOp
from spikeloom.dialects.training import LossAttr, LossKind, OptimizerAttr

Tensor: TypeAlias = TensorType[Attribute]

_VALUE = TensorType.constr(AnyOf((eq(i1), eq(f32))))
_REAL = TensorType.constr(f32)
_SCALAR = eq(TensorType(f32, []))
_INTEGER = eq(TensorType(i32, []))


class ReadoutKind(StrEnum):
    """How the output becomes one number per class: summed over time, or averaged."""

    SUM = "sum"
    MEAN = "mean"


@irdl_attr_definition
class ReadoutAttr(EnumAttribute[ReadoutKind], SpacedOpaqueSyntaxAttribute):
    """`#bptt<readout sum>`."""

    name = "bptt.readout_kind"


@irdl_op_definition
class StepOp(IRDLOperation):
    """One pass over one batch: forward, and for training also backward and update.

    ```mlir
    bptt.step @digits steps 16 batch 64 (%image: tensor<?x?x64xi1>, %label: tensor<?xi32>) { ... }
    ```
    """

    name = "bptt.step"

    sym_name = prop_def(SymbolNameConstraint())
    steps = prop_def(Count)
    batch = prop_def(Count)
    body = region_def("single_block")

    traits = traits_def(SymbolOpInterface(), SymbolTable(), IsolatedFromAbove(), NoTerminator())

    def __init__(self, name: str, steps: int, batch: int, body: Region):
        super().__init__(
            properties={"sym_name": StringAttr(name), "steps": count(steps), "batch": count(batch)},
            regions=[body],
        )

    def parameters(self) -> dict[str, ParameterOp]:
        """All parameters by name, in the order in which they are declared."""
        return {op.sym_name.data: op for op in self.body.block.ops if isinstance(op, ParameterOp)}

    def verify_(self) -> None:
        if self.steps.value.data < 1 or self.batch.value.data < 1:
            raise VerifyException("steps and batch must be at least 1")
        if len(self.body.block.args) not in (1, 2):
            raise VerifyException("a step takes the input and, for a loss, the labels")
        parameters = self.parameters()
        for op in self.walk():
            for symbol in op.properties.values():
                if isinstance(symbol, SymbolRefAttr) and (
                    symbol.root_reference.data not in parameters
                ):
                    raise VerifyException(
                        f"{op.name} names {symbol}, which is no parameter of the step"
                    )
        _verify_order(self.body.block, set())

    @classmethod
    def parse(cls, parser: Parser) -> StepOp:
        name = parser.parse_symbol_name().data
        parser.parse_keyword("steps")
        steps = parser.parse_integer()
        parser.parse_keyword("batch")
        batch = parser.parse_integer()
        arguments = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, lambda: parser.parse_argument(expect_type=True)
        )
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(name, steps, batch, parser.parse_region(arguments))
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(f" steps {self.steps.value.data} batch {self.batch.value.data} (")
        printer.print_list(self.body.block.args, printer.print_block_argument)
        printer.print_string(")")
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)


def _verify_order(block: Block, defined: set[SSAValue]) -> None:
    """Every value is defined before it is used, which xDSL 0.74 does not check."""
    defined = defined | set(block.args)
    for op in block.ops:
        for operand in op.operands:
            if operand not in defined:
                raise VerifyException(f"{op.name} uses a value before it is defined")
        for region in op.regions:
            for inner in region.blocks:
                _verify_order(inner, defined)
        defined |= set(op.results)


@irdl_op_definition
class SynapseOp(IRDLOperation):
    """Currents of a fully connected layer: I[t] = W x[t] + b, all steps at once."""

    name = "bptt.synapse"

    input = operand_def(_VALUE)
    weight = prop_def(SymbolRefAttr)
    bias = opt_prop_def(SymbolRefAttr)
    current = result_def(_REAL)

    traits = traits_def(Pure())
    assembly_format = (
        "$input `,` $weight (`,` $bias^)? attr-dict `:` type($input) `->` type($current)"
    )

    def __init__(
        self, input: SSAValue, weight: SymbolRefAttr, bias: SymbolRefAttr | None, type: Tensor
    ):
        super().__init__(
            operands=[input], properties={"weight": weight, "bias": bias}, result_types=[type]
        )


class _SameTypes(IRDLOperation):
    """An operation whose operands and result have one type."""

    def verify_(self) -> None:
        types = {value.type for value in (*self.operands, *self.results)}
        if len(types) != 1:
            raise VerifyException(f"{self.name} wants one type, got {', '.join(map(str, types))}")


@irdl_op_definition
class AddOp(_SameTypes):
    """Element-wise sum of currents or of gradients."""

    name = "bptt.add"

    left = operand_def(_REAL)
    right = operand_def(_REAL)
    sum = result_def(_REAL)

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

    value = operand_def(_VALUE)
    shifted = result_def(_VALUE)

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

    value = operand_def(_VALUE)
    reshaped = result_def(_VALUE)

    traits = traits_def(Pure())
    assembly_format = "$value attr-dict `:` type($value) `->` type($reshaped)"

    def __init__(self, value: SSAValue, type: Tensor):
        super().__init__(operands=[value], result_types=[type])

    def verify_(self) -> None:
        if unit_count(self.value.type) != unit_count(self.reshaped.type):
            raise VerifyException("a reshape keeps the number of units")


@irdl_op_definition
class ReadoutOp(IRDLOperation):
    """The output summed over time, or divided by the number of steps: one number per class."""

    name = "bptt.readout"

    output = operand_def(_VALUE)
    kind = prop_def(ReadoutAttr)
    readout = result_def(_REAL)

    traits = traits_def(Pure())
    assembly_format = "$kind $output attr-dict `:` type($output) `->` type($readout)"

    def __init__(self, output: SSAValue, kind: ReadoutKind, type: Tensor):
        super().__init__(
            operands=[output], properties={"kind": ReadoutAttr(kind)}, result_types=[type]
        )


@irdl_op_definition
class ReadoutGradientOp(IRDLOperation):
    """The readout's gradient, given to every step."""

    name = "bptt.readout_gradient"

    gradient = operand_def(_REAL)
    kind = prop_def(ReadoutAttr)
    output_gradient = result_def(_REAL)

    traits = traits_def(Pure())
    assembly_format = "$kind $gradient attr-dict `:` type($gradient) `->` type($output_gradient)"

    def __init__(self, gradient: SSAValue, kind: ReadoutKind, type: Tensor):
        super().__init__(
            operands=[gradient], properties={"kind": ReadoutAttr(kind)}, result_types=[type]
        )


@irdl_op_definition
class LossOp(IRDLOperation):
    """The loss averaged over the batch, the number of right decisions, and the gradient.

    `cross_entropy` is that of softmax(readout); `mse` the mean over batch and classes of the
    squared distance to the one-hot label.
    """

    name = "bptt.loss"

    readout = operand_def(_REAL)
    label = operand_def(TensorType.constr(i32))
    kind = prop_def(LossAttr)
    loss = result_def(_SCALAR)
    correct = result_def(_INTEGER)
    gradient = opt_result_def(_REAL)

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
class SynapseInputGradientOp(IRDLOperation):
    """gx[t] = W^T gu[t]: what the currents' gradient says of the inputs."""

    name = "bptt.synapse_input_gradient"

    gradient = operand_def(_REAL)
    weight = prop_def(SymbolRefAttr)
    input_gradient = result_def(_REAL)

    traits = traits_def(Pure())
    assembly_format = (
        "$gradient `,` $weight attr-dict `:` type($gradient) `->` type($input_gradient)"
    )

    def __init__(self, gradient: SSAValue, weight: SymbolRefAttr, type: Tensor):
        super().__init__(operands=[gradient], properties={"weight": weight}, result_types=[type])


@irdl_op_definition
class SynapseWeightGradientOp(IRDLOperation):
    """gW = sum over batch and time of gu[t] (outer) x[t], as [out, in]."""

    name = "bptt.synapse_weight_gradient"

    gradient = operand_def(_REAL)
    input = operand_def(_VALUE)
    weight_gradient = result_def(_REAL)

    traits = traits_def(Pure())
    assembly_format = (
        "$gradient `,` $input attr-dict `:` type($gradient) `,` type($input) `->` "
        "type($weight_gradient)"
    )

    def __init__(self, gradient: SSAValue, input: SSAValue, type: Tensor):
        super().__init__(operands=[gradient, input], result_types=[type])


@irdl_op_definition
class BiasGradientOp(IRDLOperation):
    """gb = sum over batch and time of gu[t]."""

    name = "bptt.bias_gradient"

    gradient = operand_def(_REAL)
    bias_gradient = result_def(_REAL)

    traits = traits_def(Pure())
    assembly_format = "$gradient attr-dict `:` type($gradient) `->` type($bias_gradient)"

    def __init__(self, gradient: SSAValue, type: Tensor):
        super().__init__(operands=[gradient], result_types=[type])


@irdl_op_definition
class OptimizeOp(IRDLOperation):
    """Updates a parameter from its gradient: `bptt.optimize @w, %gw <adam, rate 0.002> : ...`."""

    name = "bptt.optimize"

    parameter = prop_def(SymbolRefAttr)
    gradient = operand_def(_REAL)
    optimizer = prop_def(OptimizerAttr)

    assembly_format = "$parameter `,` $gradient $optimizer attr-dict `:` type($gradient)"

    def __init__(self, parameter: str, gradient: SSAValue, optimizer: OptimizerAttr):
        super().__init__(
            operands=[gradient],
            properties={"parameter": SymbolRefAttr(parameter), "optimizer": optimizer},
        )


@irdl_op_definition
class ReportOp(IRDLOperation):
    """Keeps a value for the host: `bptt.report %s as "spikes" of "hidden" : tensor<...>`.

    Kinds are `input`, `label`, `loss`, `correct`, `readout`, `spikes` and `gradient`.
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


def sequence_type(element: Attribute, shape: Sequence[int]) -> Tensor:
    """A value over time and batch: `tensor<?x?x...>`."""
    return TensorType(element, [DYNAMIC_INDEX, DYNAMIC_INDEX, *shape])


def sample_type(element: Attribute, shape: Sequence[int]) -> Tensor:
    """A value at one step, or without time: `tensor<?x...>`."""
    return TensorType(element, [DYNAMIC_INDEX, *shape])


def tensor_of(value: SSAValue) -> Tensor:
    """The type of a value that is a tensor."""
    assert isa(value.type, Tensor)
    return value.type


def real_like(type: Attribute) -> Tensor:
    """The type of `f32` tensors with this shape: currents, and gradients of anything."""
    assert isa(type, Tensor)
    return TensorType(f32, type.get_shape())


def with_sample_shape(type: Attribute, leading: int, shape: Sequence[int]) -> Tensor:
    """The type with its first `leading` dimensions kept and another shape of a sample."""
    assert isa(type, Tensor)
    return TensorType(type.element_type, [*type.get_shape()[:leading], *shape])


def unit_count(type: Attribute) -> int:
    """The number of cells of one sample at one step."""
    assert isa(type, Tensor)
    units = 1
    for extent in type.get_shape():
        units *= 1 if extent == DYNAMIC_INDEX else extent
    return units


BPTT = Dialect(
    "bptt",
    [
        StepOp,
        ScanOp,
        YieldOp,
        SynapseOp,
        AddOp,
        DelayOp,
        AdvanceOp,
        ReshapeOp,
        FireOp,
        IntegrateOp,
        ReadoutOp,
        LossOp,
        ReadoutGradientOp,
        FireGradientOp,
        IntegrateGradientOp,
        SynapseInputGradientOp,
        SynapseWeightGradientOp,
        BiasGradientOp,
        OptimizeOp,
        ReportOp,
    ],
    [ReadoutAttr],
)
