"""The `snn` dialect: a network as it was written, one time step of one sample.

Spikes are tensors of `i1`, currents tensors of `f32`; time and batch do not appear. The body of
`snn.network` is a graph: the order of its operations means nothing, and `snn.previous` may use a
value that is defined further down, which is how a recurrent network closes its cycle.

A value whose shape is not known yet has an unranked type; every operation knows how its result
follows from its operands (`infer_result_type`), which the frontend, the pass `infer-shapes` and
the verifier share.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, TypeAlias

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    Float32Type,
    FunctionType,
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
    TensorType,
    UnrankedTensorType,
    f32,
    i1,
)
from xdsl.ir import Attribute, Dialect, Region, SSAValue
from xdsl.irdl import (
    AnyOf,
    IRDLOperation,
    ParamAttrConstraint,
    eq,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsolatedFromAbove,
    IsTerminator,
    Pure,
    SymbolOpInterface,
    SymbolTable,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from spikeloom.dialects.neuron import NeuronAttr, ResetAttr, SurrogateKindAttr
from spikeloom.dialects.number_text import (
    Count,
    Real,
    count,
    parse_count,
    parse_real,
    print_real,
)
from spikeloom.dialects.training import (
    DataAttr,
    LossAttr,
    LossKind,
    OptimizerAttr,
    OptimizerKindAttr,
)

ValueType: TypeAlias = TensorType[Attribute] | UnrankedTensorType[Attribute]

_ELEMENT = AnyOf((eq(i1), eq(f32)))
_SPIKES = AnyOf((TensorType.constr(i1), ParamAttrConstraint(UnrankedTensorType, (eq(i1),))))
_CURRENTS = AnyOf((TensorType.constr(f32), ParamAttrConstraint(UnrankedTensorType, (eq(f32),))))
_VALUE = AnyOf((TensorType.constr(_ELEMENT), ParamAttrConstraint(UnrankedTensorType, (_ELEMENT,))))


class ShapeError(VerifyException):
    """Shapes do not fit; the message names them. `remedy` says what to change."""

    def __init__(self, message: str, remedy: str | None = None):
        super().__init__(message)
        self.remedy = remedy


def known_shape(value: SSAValue) -> tuple[int, ...] | None:
    """The shape of one sample at one time step, or None while it is not known."""
    if isa(value.type, TensorType[Attribute]):
        shape = value.type.get_shape()
        if DYNAMIC_INDEX not in shape:
            return shape
    return None


def element_type(value: SSAValue) -> Attribute:
    """`i1` of spikes, `f32` of currents."""
    assert isa(value.type, TensorType[Attribute] | UnrankedTensorType[Attribute])
    return value.type.element_type


def shape_text(shape: Sequence[int]) -> str:
    """A shape as the language writes it: `[2, 32, 32]`."""
    return "[" + ", ".join(map(str, shape)) + "]"


class NetworkValueOperation(IRDLOperation, ABC):
    """An operation with one result whose type follows from its operands."""

    @abstractmethod
    def infer_result_type(self) -> TensorType[Attribute] | None:
        """The result's type, None while an operand's shape is unknown.

        Raises:
            ShapeError: the operands' shapes do not fit.
        """

    def verify_(self) -> None:
        """The result has the type that follows from the operands, once that is known."""
        inferred = self.infer_result_type()
        declared = self.results[0].type
        if inferred is None or isinstance(declared, UnrankedTensorType):
            return
        if inferred != declared:
            raise VerifyException(
                f"{self.name} yields {inferred}, but its result is declared as {declared}"
            )


@irdl_op_definition
class ParameterOp(IRDLOperation):
    """A trained tensor: `snn.parameter @hidden.weight : tensor<128x64xf32> fan_in 64`.

    It starts as uniform(-k, k) with k = 1 / sqrt(fan_in). A weight is [out, in], a bias [out].
    """

    name = "snn.parameter"

    sym_name = prop_def(SymbolNameConstraint())
    type = prop_def(TensorType.constr(f32))
    fan_in = opt_prop_def(Count)

    traits = traits_def(SymbolOpInterface())

    def __init__(self, name: str, type: TensorType[Float32Type], fan_in: int | None = None):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "type": type,
                "fan_in": None if fan_in is None else count(fan_in),
            }
        )

    def verify_(self) -> None:
        if self.fan_in is not None and self.fan_in.value.data < 1:
            raise VerifyException(f"fan_in must be at least 1, got {self.fan_in.value.data}")

    @classmethod
    def parse(cls, parser: Parser) -> ParameterOp:
        name = parser.parse_symbol_name().data
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        start = parser.pos
        type = parser.parse_type()
        if not TensorType.constr(f32).verifies(type):
            parser.raise_error("expected a tensor of f32", start, parser.pos)
        fan_in = None
        if parser.parse_optional_keyword("fan_in"):
            fan_in = parse_count(parser).value.data
        op = cls(name, type, fan_in)
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


@irdl_op_definition
class NetworkOp(IRDLOperation):
    """A network: its parameters and what happens at one time step of one sample.

    ```mlir
    snn.network @digits(%image: tensor<64xi1>) -> tensor<10xi1> { ... snn.return %output : ... }
    ```
    """

    name = "snn.network"

    sym_name = prop_def(SymbolNameConstraint())
    function_type = prop_def(FunctionType)
    body = region_def("single_block")

    traits = traits_def(SymbolOpInterface(), SymbolTable(), IsolatedFromAbove())

    def __init__(self, name: str, function_type: FunctionType, body: Region):
        super().__init__(
            properties={"sym_name": StringAttr(name), "function_type": function_type},
            regions=[body],
        )

    @property
    def returned(self) -> ReturnOp:
        """The terminator, which holds the output."""
        last = self.body.block.last_op
        assert isinstance(last, ReturnOp)
        return last

    def parameters(self) -> dict[str, ParameterOp]:
        """All parameters by name, in the order in which they are declared."""
        return {op.sym_name.data: op for op in self.body.block.ops if isinstance(op, ParameterOp)}

    def verify_(self) -> None:
        block = self.body.block
        if tuple(block.arg_types) != tuple(self.function_type.inputs):
            raise VerifyException("the block's arguments differ from the network's inputs")
        if len(block.args) != 1 or len(self.function_type.outputs) != 1:
            raise VerifyException("a network has exactly one input and one output")
        if not isinstance(block.last_op, ReturnOp):
            raise VerifyException("a network must end with snn.return")
        for type in (*self.function_type.inputs, *self.function_type.outputs):
            if not _VALUE.verifies(type):
                raise VerifyException(f"inputs and outputs are tensors of i1 or f32, got {type}")

    @classmethod
    def parse(cls, parser: Parser) -> NetworkOp:
        name = parser.parse_symbol_name().data
        arguments = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, lambda: parser.parse_argument(expect_type=True)
        )
        parser.parse_punctuation("->")
        output = parser.parse_type()
        attributes = parser.parse_optional_attr_dict_with_keyword()
        body = parser.parse_region(arguments)
        op = cls(name, FunctionType.from_lists([a.type for a in arguments], [output]), body)
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string("(")
        printer.print_list(self.body.block.args, printer.print_block_argument)
        printer.print_string(") -> ")
        printer.print_list(self.function_type.outputs.data, printer.print_attribute)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)


@irdl_op_definition
class ReturnOp(IRDLOperation):
    """The network's output: `snn.return %output : tensor<10xi1>`."""

    name = "snn.return"

    output = operand_def(_VALUE)
    traits = traits_def(IsTerminator(), HasParent(NetworkOp))
    assembly_format = "$output attr-dict `:` type($output)"

    def __init__(self, output: SSAValue):
        super().__init__(operands=[output])

    def verify_(self) -> None:
        network = self.parent_op()
        assert isinstance(network, NetworkOp)
        declared = network.function_type.outputs.data[0]
        if self.output.type != declared:
            raise VerifyException(
                f"the network is declared to yield {declared}, but returns {self.output.type}"
            )


@irdl_op_definition
class LinearOp(NetworkValueOperation):
    """Weighted sum of every input: `snn.linear %x, @a.weight, @a.bias : tensor<64xi1> -> ...`.

    Takes a vector of spikes or currents; the weight is [out, in], the bias [out].
    """

    name = "snn.linear"

    input = operand_def(_VALUE)
    weight = prop_def(SymbolRefAttr)
    bias = opt_prop_def(SymbolRefAttr)
    result = result_def(_CURRENTS)

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
        return self.weight.root_reference.data

    @property
    def bias_name(self) -> str | None:
        """The bias's symbol, without the `@`; None without a bias."""
        return None if self.bias is None else self.bias.root_reference.data

    def parameter(self, name: str) -> ParameterOp:
        """The parameter of this network with that name.

        Raises:
            VerifyException: there is none.
        """
        network = self.parent_op()
        assert isinstance(network, NetworkOp)
        for op in network.body.block.ops:
            if isinstance(op, ParameterOp) and op.sym_name.data == name:
                return op
        raise VerifyException(f"the network has no parameter @{name}")

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

    def verify_(self) -> None:
        super().verify_()
        if (bias := self.bias_name) is not None:
            outputs = self.parameter(self.weight_name).type.get_shape()[0]
            if (shape := self.parameter(bias).type.get_shape()) != (outputs,):
                raise ShapeError(
                    f"the bias @{bias} must have the shape [{outputs}], got {shape_text(shape)}"
                )


@irdl_op_definition
class AddOp(NetworkValueOperation):
    """Sum of currents: `snn.add %a, %b : tensor<10xf32>`."""

    name = "snn.add"

    left = operand_def(_CURRENTS)
    right = operand_def(_CURRENTS)
    result = result_def(_CURRENTS)

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
                f"only currents of one shape can be added, got {shape_text(left)} and "
                f"{shape_text(right)}"
            )
        shape = left if left is not None else right
        return None if shape is None else TensorType(f32, shape)


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

    current = operand_def(_CURRENTS)
    neuron = prop_def(NeuronAttr)
    layer = prop_def(StringAttr)
    spikes = result_def(_SPIKES)

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

    current = operand_def(_CURRENTS)
    decay = prop_def(Real)
    layer = prop_def(StringAttr)
    potential = result_def(_CURRENTS)

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

    value = operand_def(_VALUE)
    result = result_def(_VALUE)

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


@irdl_op_definition
class FlattenOp(NetworkValueOperation):
    """A tensor as a vector, last dimension fastest."""

    name = "snn.flatten"

    value = operand_def(_VALUE)
    result = result_def(_VALUE)

    traits = traits_def(Pure(), HasParent(NetworkOp))
    assembly_format = "$value attr-dict `:` type($value) `->` type($result)"

    def __init__(self, value: SSAValue, result_type: ValueType):
        super().__init__(operands=[value], result_types=[result_type])

    def infer_result_type(self) -> TensorType[Attribute] | None:
        if (shape := known_shape(self.value)) is None:
            return None
        length = 1
        for extent in shape:
            length *= extent
        return TensorType(element_type(self.value), [length])

    def verify_(self) -> None:
        super().verify_()
        if element_type(self.value) != element_type(self.result):
            raise VerifyException("flattened spikes are spikes, flattened currents currents")


@irdl_op_definition
class TrainOp(IRDLOperation):
    """How a network is trained.

    ```mlir
    snn.train @digits steps 16 batch 64 epochs 20 seed 1 loss cross_entropy
      optimizer <adam, rate 0.002> data <digits {encode = "rate", test = 0.2 : f64}>
    ```
    """

    name = "snn.train"

    network = prop_def(SymbolRefAttr)
    steps = prop_def(Count)
    batch = prop_def(Count)
    epochs = prop_def(Count)
    seed = prop_def(Count)
    loss = prop_def(LossAttr)
    optimizer = prop_def(OptimizerAttr)
    data = prop_def(DataAttr)

    def __init__(
        self,
        network: str,
        *,
        steps: int,
        batch: int,
        epochs: int,
        seed: int,
        loss: LossKind,
        optimizer: OptimizerAttr,
        data: DataAttr,
    ):
        super().__init__(
            properties={
                "network": SymbolRefAttr(network),
                "steps": count(steps),
                "batch": count(batch),
                "epochs": count(epochs),
                "seed": count(seed),
                "loss": LossAttr(loss),
                "optimizer": optimizer,
                "data": data,
            }
        )

    def verify_(self) -> None:
        for name in ("steps", "batch", "epochs"):
            value = self.properties[name]
            assert isinstance(value, type(self.steps))
            if not 1 <= value.value.data <= MAX_COUNT:
                raise VerifyException(
                    f"{name} must lie in [1, {MAX_COUNT}], got {value.value.data}"
                )
        if not 0 <= self.seed.value.data < 2**63:
            raise VerifyException(f"seed must not be negative, got {self.seed.value.data}")

    @classmethod
    def parse(cls, parser: Parser) -> TrainOp:
        network = parser.parse_symbol_name().data
        numbers: dict[str, int] = {}
        for name in ("steps", "batch", "epochs", "seed"):
            parser.parse_keyword(name)
            numbers[name] = parse_count(parser).value.data
        parser.parse_keyword("loss")
        loss = parser.parse_str_enum(LossKind)
        parser.parse_keyword("optimizer")
        optimizer = OptimizerAttr.new(OptimizerAttr.parse_parameters(parser))
        parser.parse_keyword("data")
        data = DataAttr.new(DataAttr.parse_parameters(parser))
        attributes = parser.parse_optional_attr_dict()
        op = cls(network, **numbers, loss=loss, optimizer=optimizer, data=data)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.network.root_reference.data)
        for name in ("steps", "batch", "epochs", "seed"):
            value = self.properties[name]
            assert isinstance(value, type(self.steps))
            printer.print_string(f" {name} {value.value.data}")
        printer.print_string(f" loss {self.loss.data} optimizer ")
        self.optimizer.print_parameters(printer)
        printer.print_string(" data ")
        self.data.print_parameters(printer)
        printer.print_op_attributes(self.attributes)


MAX_COUNT = 2**24
"""The largest number of steps, samples of a batch and epochs that a program may ask for."""

MAX_UNITS = 2**24
"""The largest number of units of a layer."""

SNN = Dialect(
    "snn",
    [
        ParameterOp,
        NetworkOp,
        ReturnOp,
        LinearOp,
        AddOp,
        LifOp,
        LiOp,
        PreviousOp,
        FlattenOp,
        TrainOp,
    ],
    [
        NeuronAttr,
        ResetAttr,
        SurrogateKindAttr,
        LossAttr,
        OptimizerAttr,
        OptimizerKindAttr,
        DataAttr,
    ],
)
