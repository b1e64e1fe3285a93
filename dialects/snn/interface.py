"""What is left of a network beside its program: what the host must know to run it.

A program of the machine names buffers, but not the shapes that the language gives them, nor what
parameters start as. `lower-to-engine` keeps both in an `snn.interface`.
"""

from __future__ import annotations

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    FunctionType,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    f32,
    i1,
)
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def, region_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, NoTerminator, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from spikeloom.dialects.snn.parameter import ParameterOp

SIGNAL = TensorType.constr(i1) | TensorType.constr(f32)
"""Spikes or numbers of one sample at one time step."""


@irdl_op_definition
class NeuronsOp(IRDLOperation):
    """A layer of one sample: of spiking neurons for `i1`, of leaky integrators for `f32`.

    ```mlir
    snn.neurons "hidden" : tensor<128xi1>
    ```
    """

    name = "snn.neurons"

    layer = prop_def(StringAttr)
    type = prop_def(SIGNAL)

    assembly_format = "$layer `:` $type attr-dict"

    def __init__(self, layer: str, type: TensorType[Attribute]):
        super().__init__(properties={"layer": StringAttr(layer), "type": type})


@irdl_op_definition
class InterfaceOp(IRDLOperation):
    """The network that a program computes, as the host knows it: parameters and layers.

    ```mlir
    snn.interface @digits : (tensor<64xi1>) -> tensor<10xi1> {
      snn.parameter @hidden.weight : tensor<128x64xf32> fan_in 64
      snn.neurons "hidden" : tensor<128xi1>
    }
    ```
    """

    name = "snn.interface"

    network = prop_def(SymbolRefAttr)
    function_type = prop_def(FunctionType)
    body = region_def("single_block")

    traits = traits_def(SymbolTable(), IsolatedFromAbove(), NoTerminator())

    def __init__(self, network: str, function_type: FunctionType, body: Region):
        super().__init__(
            properties={"network": SymbolRefAttr(network), "function_type": function_type},
            regions=[body],
        )

    @property
    def input(self) -> TensorType[Attribute]:
        """What the network is given."""
        return _only_tensor(self.function_type.inputs.data)

    @property
    def output(self) -> TensorType[Attribute]:
        """What it answers."""
        return _only_tensor(self.function_type.outputs.data)

    @property
    def parameters(self) -> tuple[ParameterOp, ...]:
        """All parameters, in the order in which they start."""
        return tuple(op for op in self.body.block.ops if isinstance(op, ParameterOp))

    @property
    def layers(self) -> tuple[NeuronsOp, ...]:
        """All layers of neurons."""
        return tuple(op for op in self.body.block.ops if isinstance(op, NeuronsOp))

    def verify_(self) -> None:
        for op in self.body.block.ops:
            if not isinstance(op, ParameterOp | NeuronsOp):
                raise VerifyException(f"{op.name} is no part of an interface")
        named: set[str] = set()
        for op in self.layers:
            if op.layer.data in named:
                raise VerifyException(f'there are two layers "{op.layer.data}"')
            named.add(op.layer.data)
        for type in (self.input, self.output, *(op.type for op in self.layers)):
            if DYNAMIC_INDEX in type.get_shape():
                raise VerifyException(f"the shape of {type} is open")
        verify_network_exists(self, self.network.root_reference.data)

    @classmethod
    def parse(cls, parser: Parser) -> InterfaceOp:
        network = parser.parse_symbol_name().data
        parser.parse_punctuation(":")
        start = parser.pos
        type = parser.parse_type()
        if not isinstance(type, FunctionType):
            parser.raise_error("expected (input) -> output", start, parser.pos)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(network, type, parser.parse_region())
        if not op.body.blocks:
            op.body.add_block(Block())
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.network.root_reference.data)
        printer.print_string(" : ")
        printer.print_attribute(self.function_type)
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_empty_block=False)


def _only_tensor(types: tuple[Attribute, ...]) -> TensorType[Attribute]:
    """The one type, which is a tensor.

    Raises:
        VerifyException: it is not.
    """
    if len(types) != 1 or not SIGNAL.verifies(types[0]):
        raise VerifyException("a network has one input and one output, tensors of i1 or f32")
    (type,) = types
    assert isa(type, TensorType[Attribute])
    return type


def verify_network_exists(op: Operation, name: str) -> None:
    """Checks that the network of this name stands beside `op`, or what it has become.

    Raises:
        VerifyException: it does not.
    """
    if op.parent is None:
        return
    for sibling in op.parent.ops:
        trait = sibling.get_trait(SymbolOpInterface)
        if trait is not None:
            symbol = trait.get_sym_attr_name(sibling)
            if symbol is not None and symbol.data == name:
                return
    raise VerifyException(f"there is no network @{name} in this module")
