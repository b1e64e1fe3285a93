"""The `engine` dialect: one operation is one instruction of one engine, its buffers named.

The instruction operations are made from the table in `instruction_set.py`, so that what an
instruction is called, reads and writes is said once. Around them stand the program, its buffers,
counted loops, and what the compiler must know of the machine.
"""

from __future__ import annotations

from xdsl.dialects.builtin import (
    StringAttr,
    SymbolNameConstraint,
    UnitAttr,
)
from xdsl.ir import Block, Dialect, Region
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, NoTerminator, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.engine.affine import Affine
from spikeloom.dialects.engine.frame import PROGRAM_BUFFERS, BufferOp, LoopOp, MachineOp
from spikeloom.dialects.engine.instructions import (
    INSTRUCTION_OPS,
    Extent,
    InstructionOp,
    Start,
    make_instruction,
)
from spikeloom.dialects.engine.operands import (
    ExtentAttr,
    SliceAttr,
)
from spikeloom.dialects.number_text import Count, count, parse_count
from spikeloom.dialects.snn import MAX_COUNT


@irdl_op_definition
class ProgramOp(IRDLOperation):
    """One instruction stream: buffers, then instructions and loops in issue order.

    ```mlir
    engine.program @train samples 64 steps 16 { ... }
    ```

    A `serial` program issues an instruction only when all before it have finished.
    """

    name = "engine.program"

    sym_name = prop_def(SymbolNameConstraint())
    samples = prop_def(Count)
    steps = prop_def(Count)
    serial = opt_prop_def(UnitAttr)
    body = region_def("single_block")

    traits = traits_def(SymbolOpInterface(), SymbolTable(), IsolatedFromAbove(), NoTerminator())

    def __init__(self, name: str, samples: int, steps: int, body: Region, serial: bool = False):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "samples": count(samples),
                "steps": count(steps),
                "serial": UnitAttr() if serial else None,
            },
            regions=[body],
        )

    def buffers(self) -> dict[str, BufferOp]:
        """All buffers by name, in the order in which they are declared."""
        return PROGRAM_BUFFERS.of(self)

    def verify(self, verify_nested_ops: bool = True) -> None:
        """As every operation is verified."""
        with PROGRAM_BUFFERS.remembered(self):
            super().verify(verify_nested_ops)

    def verify_(self) -> None:
        for name, value in (("samples", self.samples), ("steps", self.steps)):
            if not 1 <= value.value.data <= MAX_COUNT:
                raise VerifyException(
                    f"{name} must lie in [1, {MAX_COUNT}], got {value.value.data}"
                )
        for op in self.walk():
            if op is not self and not isinstance(op, BufferOp | LoopOp | InstructionOp):
                raise VerifyException(f"{op.name} is no part of a program")

    @classmethod
    def parse(cls, parser: Parser) -> ProgramOp:
        name = parser.parse_symbol_name().data
        parser.parse_keyword("samples")
        samples = parse_count(parser).value.data
        parser.parse_keyword("steps")
        steps = parse_count(parser).value.data
        serial = parser.parse_optional_keyword("serial") is not None
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(name, samples, steps, parser.parse_region(), serial)
        if not op.body.blocks:
            op.body.add_block(Block())
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(f" samples {self.samples.value.data} steps {self.steps.value.data}")
        if self.serial is not None:
            printer.print_string(" serial")
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
