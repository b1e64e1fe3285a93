"""The `engine` dialect: one operation is one instruction of one engine, its buffers named.

The instruction operations are made from the table in `instruction_set.py`, so that what an
instruction is called, reads and writes is said once. Around them stand the program, its buffers,
counted loops, and what the compiler must know of the machine.
"""

from __future__ import annotations

from xdsl.dialects.builtin import (
    StringAttr,
    SymbolNameConstraint,
)
from xdsl.ir import Block, Dialect, Region
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, NoTerminator, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.engine_affine import Affine
from spikeloom.dialects.engine_frame import BufferOp, LoopOp, MachineOp
from spikeloom.dialects.engine_instructions import (
    INSTRUCTION_OPS,
    Extent,
    InstructionOp,
    Start,
    make_instruction,
)
from spikeloom.dialects.engine_operands import (
    ExtentAttr,
    SliceAttr,
)
from spikeloom.dialects.number_text import Count, count


@irdl_op_definition
class ProgramOp(IRDLOperation):
    """One instruction stream: buffers, then instructions and loops in issue order.

    ```mlir
    engine.program @train samples 64 steps 16 { ... }
    ```
    """

    name = "engine.program"

    sym_name = prop_def(SymbolNameConstraint())
    samples = prop_def(Count)
    steps = prop_def(Count)
    body = region_def("single_block")

    traits = traits_def(SymbolOpInterface(), SymbolTable(), IsolatedFromAbove(), NoTerminator())

    def __init__(self, name: str, samples: int, steps: int, body: Region):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "samples": count(samples),
                "steps": count(steps),
            },
            regions=[body],
        )

    def buffers(self) -> dict[str, BufferOp]:
        """All buffers by name, in the order in which they are declared."""
        return {op.sym_name.data: op for op in self.body.block.ops if isinstance(op, BufferOp)}

    def verify_(self) -> None:
        known = self.buffers()
        for op in self.walk():
            if not isinstance(op, InstructionOp):
                continue
            for role, slice in op.role_slices():
                if slice is None:
                    continue
                buffer = known.get(slice.buffer_name)
                if buffer is None:
                    raise VerifyException(
                        f"{op.name} names @{slice.buffer_name}, which is no buffer of the program"
                    )
                if buffer.kind not in role.elements:
                    raise VerifyException(
                        f"{op.name} cannot use @{slice.buffer_name} of {buffer.kind.value} "
                        f"as its {role.name}"
                    )

    @classmethod
    def parse(cls, parser: Parser) -> ProgramOp:
        name = parser.parse_symbol_name().data
        parser.parse_keyword("samples")
        samples = parser.parse_integer()
        parser.parse_keyword("steps")
        steps = parser.parse_integer()
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(name, samples, steps, parser.parse_region())
        if not op.body.blocks:
            op.body.add_block(Block())
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(f" samples {self.samples.value.data} steps {self.steps.value.data}")
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_empty_block=False)


ENGINE = Dialect(
    "engine",
    [MachineOp, ProgramOp, BufferOp, LoopOp, *INSTRUCTION_OPS.values()],
    [SliceAttr, ExtentAttr],
)

__all__ = [
    "ENGINE",
    "INSTRUCTION_OPS",
    "Affine",
    "BufferOp",
    "Extent",
    "InstructionOp",
    "LoopOp",
    "MachineOp",
    "ProgramOp",
    "Start",
    "make_instruction",
]
