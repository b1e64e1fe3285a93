"""The frame of a network in the `snn` dialect: its body and its output."""

from __future__ import annotations

from xdsl.dialects.builtin import FunctionType, StringAttr, SymbolNameConstraint
from xdsl.ir import Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import (
    HasParent,
    IsolatedFromAbove,
    IsTerminator,
    SymbolOpInterface,
    SymbolTable,
)
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.locations import parse_located_argument
from spikeloom.dialects.snn.parameter import ParameterOp
from spikeloom.dialects.snn.types import VALUE


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

    def parameter(self, name: str) -> ParameterOp:
        """The parameter with that name.

        Raises:
            VerifyException: there is none.
        """
        found = self._by_name.get(name)
        # Passes may have moved, renamed or replaced it since it was last looked up.
        if found is None or found.parent_op() is not self or found.sym_name.data != name:
            self._by_name.clear()
            self._by_name.update(self.parameters())
            found = self._by_name.get(name)
        if found is None:
            raise VerifyException(f"the network has no parameter @{name}")
        return found

    @property
    def _by_name(self) -> dict[str, ParameterOp]:
        # xDSL admits neither fields nor cached properties in the definition of an operation.
        return vars(self).setdefault("parameters by name", {})

    def verify_(self) -> None:
        block = self.body.block
        if tuple(block.arg_types) != tuple(self.function_type.inputs):
            raise VerifyException("the block's arguments differ from the network's inputs")
        if len(block.args) != 1 or len(self.function_type.outputs) != 1:
            raise VerifyException("a network has exactly one input and one output")
        if not isinstance(block.last_op, ReturnOp):
            raise VerifyException("a network must end with snn.return")
        for type in (*self.function_type.inputs, *self.function_type.outputs):
            if not VALUE.verifies(type):
                raise VerifyException(f"inputs and outputs are tensors of i1 or f32, got {type}")

    @classmethod
    def parse(cls, parser: Parser) -> NetworkOp:
        name = parser.parse_symbol_name().data
        arguments = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, lambda: parse_located_argument(parser)
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

    output = operand_def(VALUE)
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
