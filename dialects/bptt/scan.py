"""`bptt.scan`: a walk over time, where `previous` closes a cycle.

```mlir
%s, %u = bptt.scan forward over (%x = %i : tensor<?x?x256xf32>)
         carrying (%sp : tensor<?x256xi1>, %up : tensor<?x256xf32>)
         -> (tensor<?x?x256xi1>, tensor<?x?x256xf32>) {
  %r = bptt.synapse %sp, @hidden.2.weight : tensor<?x256xi1> -> tensor<?x256xf32>
  ...
  bptt.yield next %s, %u : ... collect %s, %u : ...
}
```

`forward` walks from the first step to the last, `backward` from the last to the first. The body
sees one step of each sequence it walks over; carried values are zero before the first turn and
what `next` said afterwards; what is collected becomes a sequence again.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX, StringAttr, TensorType
from xdsl.ir import Attribute, BlockArgument, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    lazy_traits_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import HasParent, IsTerminator, Pure, SingleBlockImplicitTerminator
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.bptt.types import is_tensor
from spikeloom.dialects.locations import parse_located_argument

DIRECTIONS = ("forward", "backward")


def step_of(type: Attribute) -> TensorType[Attribute]:
    """One step of a sequence: the type without its first dimension, which is time."""
    assert is_tensor(type)
    return TensorType(type.element_type, type.get_shape()[1:])


def sequence_of(type: Attribute) -> TensorType[Attribute]:
    """The sequence of which `type` is one step."""
    assert is_tensor(type)
    return TensorType(type.element_type, [DYNAMIC_INDEX, *type.get_shape()])


@irdl_op_definition
class ScanOp(IRDLOperation):
    """A walk over time, step by step, forward or backward: a cycle through `previous`."""

    name = "bptt.scan"

    sequences = var_operand_def(TensorType)
    direction = prop_def(StringAttr)
    collected = var_result_def(TensorType)
    body = region_def("single_block")

    traits = lazy_traits_def(lambda: (Pure(), SingleBlockImplicitTerminator(YieldOp)))

    def __init__(
        self,
        sequences: Sequence[SSAValue],
        direction: str,
        body: Region,
        result_types: Sequence[Attribute],
    ):
        super().__init__(
            operands=[sequences],
            properties={"direction": StringAttr(direction)},
            regions=[body],
            result_types=[result_types],
        )

    @property
    def is_backward(self) -> bool:
        """Whether the walk goes from the last step to the first."""
        return self.direction.data == "backward"

    @property
    def step_arguments(self) -> tuple[BlockArgument, ...]:
        """One step of each sequence, inside the body."""
        return tuple(self.body.block.args[: len(self.sequences)])

    @property
    def carried_arguments(self) -> tuple[BlockArgument, ...]:
        """What the turn before handed on."""
        return tuple(self.body.block.args[len(self.sequences) :])

    @property
    def yielded(self) -> YieldOp:
        """The body's terminator."""
        last = self.body.block.last_op
        assert isinstance(last, YieldOp)
        return last

    def verify_(self) -> None:
        if self.direction.data not in DIRECTIONS:
            raise VerifyException(f"a scan goes forward or backward, not {self.direction.data!r}")
        if not isinstance(self.body.block.last_op, YieldOp):
            raise VerifyException("a scan's body ends with bptt.yield")
        if len(self.body.block.args) < len(self.sequences):
            raise VerifyException("a scan's body has an argument for every sequence")
        for sequence, argument in zip(self.sequences, self.step_arguments, strict=True):
            if step_of(sequence.type) != argument.type:
                raise VerifyException(
                    f"one step of {sequence.type} is {step_of(sequence.type)}, not {argument.type}"
                )
        carried = [value.type for value in self.yielded.carried]
        if carried != [argument.type for argument in self.carried_arguments]:
            raise VerifyException("`next` hands on one value of the right type per carried value")
        collected = [sequence_of(value.type) for value in self.yielded.collected]
        if collected != [result.type for result in self.collected]:
            raise VerifyException("a scan yields the sequences of what it collects")

    @classmethod
    def parse(cls, parser: Parser) -> ScanOp:
        direction = parser.parse_keyword_in(DIRECTIONS)
        sequences: list[SSAValue] = []
        arguments: list[Parser.Argument] = []

        def parse_sequence() -> None:
            argument = parser.parse_argument(expect_type=False)
            parser.parse_punctuation("=")
            operand = parser.parse_unresolved_operand()
            parser.parse_punctuation(":")
            type = parser.parse_type()
            if not (is_tensor(type) and len(type.get_shape()) >= 1):
                parser.raise_error("expected a tensor with a time dimension")
            sequences.append(parser.resolve_operand(operand, type))
            arguments.append(argument.resolve(step_of(type)))

        parser.parse_keyword("over")
        parser.parse_comma_separated_list(parser.Delimiter.PAREN, parse_sequence)
        parser.parse_keyword("carrying")
        arguments += parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, lambda: parse_located_argument(parser)
        )
        parser.parse_punctuation("->")
        results = parser.parse_comma_separated_list(parser.Delimiter.PAREN, parser.parse_type)
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(sequences, direction, parser.parse_region(arguments), results)
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(f" {self.direction.data} over (")
        pairs = zip(self.step_arguments, self.sequences, strict=True)

        def print_sequence(pair: tuple[SSAValue, SSAValue]) -> None:
            printer.print_ssa_value(pair[0])
            printer.print_string(" = ")
            printer.print_ssa_value(pair[1])
            printer.print_string(" : ")
            printer.print_attribute(pair[1].type)

        printer.print_list(pairs, print_sequence)
        printer.print_string(") carrying (")
        printer.print_list(self.carried_arguments, printer.print_block_argument)
        printer.print_string(") -> (")
        printer.print_list(self.collected.types, printer.print_attribute)
        printer.print_string(")")
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)


@irdl_op_definition
class YieldOp(IRDLOperation):
    """What a turn hands on (`next`) and what it adds to the collected sequences (`collect`)."""

    name = "bptt.yield"

    carried = var_operand_def(TensorType)
    collected = var_operand_def(TensorType)

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(IsTerminator(), HasParent(ScanOp))
    assembly_format = (
        "(`next` $carried^ `:` type($carried))? (`collect` $collected^ `:` type($collected))? "
        "attr-dict"
    )

    def __init__(self, carried: Sequence[SSAValue] = (), collected: Sequence[SSAValue] = ()):
        super().__init__(operands=[carried, collected])
