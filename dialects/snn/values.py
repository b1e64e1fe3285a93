"""What happens in a network at one time step: synapses, neurons, sums, delays."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    f32,
    i1,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    Pure,
)
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.neuron import NeuronAttr
from spikeloom.dialects.number_text import Real, parse_real, print_real
from spikeloom.dialects.snn.network import NetworkOp
from spikeloom.dialects.snn.parametric import ParametricOperation, symbol_name
from spikeloom.dialects.snn.types import (
    CURRENTS,
    SPIKES,
    VALUE,
    NetworkValueOperation,
    ShapeError,
    ValueType,
    element_type,
    known_shape,
    shape_text,
)


@irdl_op_definition
class LinearOp(ParametricOperation):
    """Weighted sum of every input: `snn.linear %x, @a.weight, @a.bias : tensor<64xi1> -> ...`.

    Takes a vector of spikes or currents; the weight is [out, in], the bias [out].
    """

    name = "snn.linear"

    input = operand_def(VALUE)
    weight = prop_def(SymbolRefAttr)
    bias = opt_prop_def(SymbolRefAttr)
    result = result_def(CURRENTS)

    traits = traits_def(Pure(), HasParent(NetworkOp))
    assembly_format = (
        "$input `,` $weight (`,` $bias^)? attr-dict `:` type($input) `->` type($result)"
    )

    def __init__(self, input: SSAValue, weight: str, bias: str | None, result_type: ValueType):
        super().__init__(
            operands=[input],
            properties={
                "weight": SymbolRefAttr(weight),
                "bias": None if bias is None else SymbolRefAttr(bias),
            },
            result_types=[result_type],
        )

    @property
    def weight_name(self) -> str:
        """The weight's symbol, without the `@`."""
        return symbol_name(self.weight)

    @property
    def bias_name(self) -> str | None:
        """The bias's symbol, without the `@`; None without a bias."""
        return None if self.bias is None else symbol_name(self.bias)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        bias = self.bias_name
        return (self.weight_name,) if bias is None else (self.weight_name, bias)

    def infer_result_type(self) -> TensorType[Attribute] | None:
        weight = self.parameter(self.weight_name).type.get_shape()
        if len(weight) != 2 or weight[0] == DYNAMIC_INDEX:
            raise ShapeError(f"a linear weight has the shape [out, in], got {shape_text(weight)}")
        if (shape := known_shape(self.input)) is None:
            return None
        if len(shape) != 1:
            raise ShapeError(
                f"linear takes a vector, but its input has the shape {shape_text(shape)}",
                "write linear(flatten(x), n)",
            )
        if weight[1] not in (DYNAMIC_INDEX, shape[0]):
            raise ShapeError(
                f"the weight @{self.weight_name} expects {weight[1]} inputs, "
                f"but the input has {shape[0]}"
            )
        return TensorType(f32, [weight[0]])

    def resolve_parameters(self) -> None:
        shape = known_shape(self.input)
        assert shape is not None
        outputs = self.parameter(self.weight_name).type.get_shape()[0]
        self.set_parameter_shape(self.weight_name, (outputs, shape[0]), shape[0])
        if self.bias_name is not None:
            self.set_parameter_shape(self.bias_name, (outputs,), shape[0])

    def verify_(self) -> None:
        super().verify_()
        if self.bias_name is not None:
            outputs = self.parameter(self.weight_name).type.get_shape()[0]
            self.check_vector("bias", self.bias_name, outputs)


@irdl_op_definition
class AddOp(NetworkValueOperation):
    """Sum of currents or spikes: `snn.add %a, %b : tensor<8xf32>, tensor<8xi1> -> tensor<8xf32>`.

    A spike counts as 1, so that the sum of two spikes is 2: the result is currents.
    """

    name = "snn.add"

    left = operand_def(VALUE)
    right = operand_def(VALUE)
    result = result_def(CURRENTS)

    traits = traits_def(Pure(), HasParent(NetworkOp))
    assembly_format = (
        "$left `,` $right attr-dict `:` type($left) `,` type($right) `->` type($result)"
    )

    def __init__(self, left: SSAValue, right: SSAValue, result_type: ValueType):
        super().__init__(operands=[left, right], result_types=[result_type])

    def infer_result_type(self) -> TensorType[Attribute] | None:
        left, right = known_shape(self.left), known_shape(self.right)
        if left is not None and right is not None and left != right:
            raise ShapeError(
                f"only values of one shape can be added, got {shape_text(left)} and "
                f"{shape_text(right)}",
                _sum_remedy(left, right),
            )
        shape = left if left is not None else right
        return None if shape is None else TensorType(f32, shape)


def _sum_remedy(left: tuple[int, ...], right: tuple[int, ...]) -> str | None:
    """How residual networks bring the shortcut, usually the right one, to the other's shape."""
    if len(left) != 3 or len(right) != 3:
        return None
    stride = "" if left[1:] == right[1:] else f", stride = {max(1, -(-right[1] // left[1]))}"
    return f"project the shortcut, for instance conv2d(x, {left[0]}, kernel = 1{stride})"


class _ElementWise(NetworkValueOperation):
    """An operation whose result has its operand's shape."""

    RESULT_ELEMENT: ClassVar[Attribute]

    def infer_result_type(self) -> TensorType[Attribute] | None:
        shape = known_shape(self.operands[0])
        return None if shape is None else TensorType(self.RESULT_ELEMENT, shape)


@irdl_op_definition
class LifOp(_ElementWise):
    """A layer of leaky integrate-and-fire neurons; `layer` is the statement's name.

    ```mlir
    %hidden = snn.lif %0 <decay 0.5, ...> layer "hidden" : tensor<128xf32> -> tensor<128xi1>
    ```
    """

    name = "snn.lif"
    RESULT_ELEMENT: ClassVar[Attribute] = i1

    current = operand_def(CURRENTS)
    neuron = prop_def(NeuronAttr)
    layer = prop_def(StringAttr)
    spikes = result_def(SPIKES)

    traits = traits_def(Pure(), HasParent(NetworkOp))
    assembly_format = (
        "$current $neuron `layer` $layer attr-dict `:` type($current) `->` type($spikes)"
    )

    def __init__(self, current: SSAValue, neuron: NeuronAttr, layer: str, result_type: ValueType):
        super().__init__(
            operands=[current],
            properties={"neuron": neuron, "layer": StringAttr(layer)},
            result_types=[result_type],
        )


@irdl_op_definition
class LiOp(_ElementWise):
    """Leaky integrators without threshold: u[t] = decay * u[t-1] + I[t], which is the result."""

    name = "snn.li"
    RESULT_ELEMENT: ClassVar[Attribute] = f32

    current = operand_def(CURRENTS)
    decay = prop_def(Real)
    layer = prop_def(StringAttr)
    potential = result_def(CURRENTS)

    traits = traits_def(Pure(), HasParent(NetworkOp))

    def __init__(self, current: SSAValue, decay: Real, layer: str, result_type: ValueType):
        super().__init__(
            operands=[current],
            properties={"decay": decay, "layer": StringAttr(layer)},
            result_types=[result_type],
        )

    def verify_(self) -> None:
        super().verify_()
        if not 0.0 <= self.decay.value.data <= 1.0:
            raise VerifyException(f"decay must lie in [0, 1], got {self.decay.value.data}")

    @classmethod
    def parse(cls, parser: Parser) -> LiOp:
        current = parser.parse_unresolved_operand()
        parser.parse_keyword("decay")
        decay = parse_real(parser)
        parser.parse_keyword("layer")
        layer = parser.parse_str_literal()
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        current_type = parser.parse_type()
        parser.parse_punctuation("->")
        result_type = parser.parse_type()
        op = cls.create(
            operands=[parser.resolve_operand(current, current_type)],
            properties={"decay": decay, "layer": StringAttr(layer)},
            result_types=[result_type],
        )
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_ssa_value(self.current)
        printer.print_string(" decay ")
        print_real(printer, self.decay)
        printer.print_string(" layer ")
        printer.print_string_literal(self.layer.data)
        printer.print_op_attributes(self.attributes)
        printer.print_string(" : ")
        printer.print_attribute(self.current.type)
        printer.print_string(" -> ")
        printer.print_attribute(self.potential.type)


@irdl_op_definition
class PreviousOp(NetworkValueOperation):
    """The value that the operand had one time step ago, zero at the first."""

    name = "snn.previous"

    value = operand_def(VALUE)
    result = result_def(VALUE)

    traits = traits_def(Pure(), HasParent(NetworkOp))
    assembly_format = "$value attr-dict `:` type($value) `->` type($result)"

    def __init__(self, value: SSAValue, result_type: ValueType):
        super().__init__(operands=[value], result_types=[result_type])

    def infer_result_type(self) -> TensorType[Attribute] | None:
        shape = known_shape(self.value)
        return None if shape is None else TensorType(element_type(self.value), shape)

    def verify_(self) -> None:
        super().verify_()
        if element_type(self.value) != element_type(self.result):
            raise VerifyException("the previous value of spikes are spikes, of currents currents")
