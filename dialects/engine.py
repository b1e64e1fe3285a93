"""The `engine` dialect: one operation is one instruction of one engine, its buffers named.

The instruction operations are made from the table in `instruction_set.py`, so that what an
instruction is called, reads and writes is said once. Around them stand the program, its buffers,
counted loops, and what the compiler must know of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    IndexType,
    IntAttr,
    IntegerAttr,
    LocationAttr,
    StringAttr,
    SymbolNameConstraint,
    UnitAttr,
)
from xdsl.ir import Attribute, Block, Dialect, Region, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    region_def,
    traits_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, NoTerminator, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.engine_operands import (
    NO_LOOP,
    ExtentAttr,
    LoopOperands,
    SliceAttr,
    parse_extent,
    parse_slice,
    print_extent,
    print_slice,
)
from spikeloom.dialects.instruction_set import (
    INSTRUCTIONS,
    MEMORIES,
    Element,
    InstructionSpec,
    Role,
    buffer_bytes,
)
from spikeloom.dialects.number_text import Count, Real, count, parse_real, print_real, real

_MAX_EXTENT = 2**31 - 1


@irdl_op_definition
class MachineOp(IRDLOperation):
    """What the compiler must know of the machine: bytes of each on-chip memory.

    ```mlir
    engine.machine @h2learn {spike_sram = 1048576 : i64, weight_sram = 4194304 : i64, ...}
    ```
    """

    name = "engine.machine"

    sym_name = prop_def(SymbolNameConstraint())
    memories = prop_def(DictionaryAttr)

    traits = traits_def(SymbolOpInterface())
    assembly_format = "$sym_name $memories attr-dict"

    def __init__(self, name: str, memories: Mapping[str, int]):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "memories": DictionaryAttr({k: count(v) for k, v in sorted(memories.items())}),
            }
        )

    def sizes(self) -> dict[str, int]:
        """Bytes of each on-chip memory, by name."""
        return {
            name: value.value.data
            for name, value in self.memories.data.items()
            if isinstance(value, IntegerAttr)
        }

    def verify_(self) -> None:
        sizes = self.sizes()
        for memory in MEMORIES[1:]:
            if sizes.get(memory, 0) < 1:
                raise VerifyException(f"the machine does not say how large {memory} is")


@irdl_op_definition
class BufferOp(IRDLOperation):
    """A named box of a memory; `role` is what the host knows it as.

    ```mlir
    engine.buffer @hidden.weight : f32[1, 64, 128] in dram at 0x00000000 role parameter
      "hidden.weight"
    ```
    """

    name = "engine.buffer"

    sym_name = prop_def(SymbolNameConstraint())
    element = prop_def(StringAttr)
    shape = prop_def(ArrayAttr[IntAttr])
    memory = prop_def(StringAttr)
    offset = prop_def(Count)
    role = opt_prop_def(StringAttr)
    subject = opt_prop_def(StringAttr)

    traits = traits_def(SymbolOpInterface())

    def __init__(
        self,
        name: str,
        element: Element,
        shape: tuple[int, int, int],
        memory: str,
        offset: int,
        role: tuple[str, str] | None = None,
    ):
        super().__init__(
            properties={
                "sym_name": StringAttr(name),
                "element": StringAttr(element.value),
                "shape": ArrayAttr([IntAttr(extent) for extent in shape]),
                "memory": StringAttr(memory),
                "offset": count(offset),
                "role": None if role is None else StringAttr(role[0]),
                "subject": None if role is None else StringAttr(role[1]),
            }
        )

    @property
    def extents(self) -> tuple[int, int, int]:
        """Cells along (step, sample, feature) or (0, input, output)."""
        first, second, third = (extent.data for extent in self.shape)
        return first, second, third

    @property
    def kind(self) -> Element:
        """What a cell holds."""
        return Element(self.element.data)

    @property
    def size(self) -> int:
        """Bytes, rows padded."""
        return buffer_bytes(self.kind, self.extents)

    def verify_(self) -> None:
        if self.element.data not in {element.value for element in Element}:
            raise VerifyException(f"unknown element {self.element.data!r}")
        if self.memory.data not in MEMORIES:
            raise VerifyException(
                f"unknown memory {self.memory.data!r}, expected one of {', '.join(MEMORIES)}"
            )
        if len(self.shape) != 3 or not all(1 <= e.data <= _MAX_EXTENT for e in self.shape):
            raise VerifyException("a buffer has three dimensions of at least one cell")
        if self.offset.value.data < 0:
            raise VerifyException("a buffer's offset must not be negative")

    @classmethod
    def parse(cls, parser: Parser) -> BufferOp:
        name = parser.parse_symbol_name().data
        parser.parse_punctuation(":")
        element = parser.parse_identifier()
        shape = parser.parse_comma_separated_list(
            parser.Delimiter.SQUARE, lambda: IntAttr(parser.parse_integer())
        )
        parser.parse_keyword("in")
        memory = parser.parse_identifier()
        parser.parse_keyword("at")
        offset = parser.parse_integer()
        properties: dict[str, Attribute] = {
            "sym_name": StringAttr(name),
            "element": StringAttr(element),
            "shape": ArrayAttr(shape),
            "memory": StringAttr(memory),
            "offset": count(offset),
        }
        if parser.parse_optional_keyword("role"):
            properties["role"] = StringAttr(parser.parse_identifier())
            properties["subject"] = StringAttr(parser.parse_optional_str_literal() or "")
        return cls.create(properties=properties, attributes=parser.parse_optional_attr_dict())

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        shape = ", ".join(str(extent.data) for extent in self.shape)
        printer.print_string(f" : {self.element.data}[{shape}] in {self.memory.data}")
        printer.print_string(f" at 0x{self.offset.value.data:08x}")
        if self.role is not None:
            printer.print_string(f" role {self.role.data}")
            if self.subject is not None and self.subject.data:
                printer.print_string(" ")
                printer.print_string_literal(self.subject.data)
        printer.print_op_attributes(self.attributes)


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
        printer.print_region(self.body)


@irdl_op_definition
class LoopOp(IRDLOperation):
    """A counted loop: `engine.loop %tile = 0 to 128 step 64 { ... }`; a step may be negative.

    Where an axis follows the loop it is as long as what is left: min(|step|, |stop - value|).
    """

    name = "engine.loop"

    start = prop_def(Count)
    stop = prop_def(Count)
    step = prop_def(Count)
    body = region_def("single_block")

    traits = traits_def(NoTerminator())

    def __init__(self, start: int, stop: int, step: int, body: Region):
        super().__init__(
            properties={"start": count(start), "stop": count(stop), "step": count(step)},
            regions=[body],
        )

    @property
    def bounds(self) -> tuple[int, int, int]:
        """(start, stop, step)."""
        return self.start.value.data, self.stop.value.data, self.step.value.data

    def verify_(self) -> None:
        if tuple(self.body.block.arg_types) != (IndexType(),):
            raise VerifyException("a loop's block has one argument of type index")
        start, stop, step = self.bounds
        if step == 0:
            raise VerifyException("a loop's step must not be 0")
        if len(range(start, stop, step)) == 0:
            raise VerifyException(f"the loop from {start} to {stop} by {step} never runs")

    @classmethod
    def parse(cls, parser: Parser) -> LoopOp:
        variable = parser.parse_argument(expect_type=False).resolve(IndexType())
        parser.parse_punctuation("=")
        start = parser.parse_integer()
        parser.parse_keyword("to")
        stop = parser.parse_integer()
        parser.parse_keyword("step")
        step = parser.parse_integer()
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(start, stop, step, parser.parse_region([variable]))
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        start, stop, step = self.bounds
        printer.print_string(" ")
        printer.print_ssa_value(self.body.block.args[0])
        printer.print_string(f" = {start} to {stop} step {step}")
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)


class InstructionOp(IRDLOperation):
    """The base of all instructions; `SPEC` is the row of the table.

    ```mlir
    engine.accumulate current @i, spikes @s[0, 0, %k], weight @w
      over steps 16, samples %g, inputs %k, outputs 64
    ```
    """

    SPEC: ClassVar[InstructionSpec]

    loops = var_operand_def(IndexType)
    slices = prop_def(ArrayAttr[SliceAttr | UnitAttr])
    extents = prop_def(ArrayAttr[ExtentAttr])
    immediates = prop_def(ArrayAttr[Real])
    layer = opt_prop_def(StringAttr)

    def role_slices(self) -> list[tuple[Role, SliceAttr | None]]:
        """Every buffer operand of the table with its slice, None where it is absent."""
        return [
            (role, slice if isinstance(slice, SliceAttr) else None)
            for role, slice in zip(self.SPEC.roles, self.slices, strict=True)
        ]

    def verify_(self) -> None:
        spec = self.SPEC
        for what, got, expected in (
            ("buffers", len(self.slices), len(spec.roles)),
            ("extents", len(self.extents), len(spec.axes)),
            ("immediates", len(self.immediates), len(spec.immediates)),
        ):
            if got != expected:
                raise VerifyException(f"{self.name} has {expected} {what}, got {got}")
        for role, slice in self.role_slices():
            if slice is None and not role.optional:
                raise VerifyException(f"{self.name} needs the buffer {role.name!r}")
        positions = [
            position.data
            for _, slice in self.role_slices()
            if slice is not None
            for position in slice.loops
        ] + [extent.loop.data for extent in self.extents]
        if any(not NO_LOOP <= position < len(self.loops) for position in positions):
            raise VerifyException(f"{self.name} refers to a loop that is not among its operands")

    @classmethod
    def parse(cls, parser: Parser) -> InstructionOp:
        spec, operands = cls.SPEC, LoopOperands([])
        slices: list[Attribute] = []
        first = True
        for role in spec.roles:
            # After the first buffer a comma announces the next; an optional one may be missing.
            if role.optional and not _announced(parser, role.name, first):
                slices.append(UnitAttr())
                continue
            if not role.optional:
                if not first:
                    parser.parse_punctuation(",")
                parser.parse_keyword(role.name)
            slices.append(parse_slice(parser, operands))
            first = False
        extents: list[ExtentAttr] = []
        for index, axis in enumerate(spec.axes):
            parser.parse_punctuation(",") if index else parser.parse_keyword("over")
            parser.parse_keyword(axis)
            extents.append(parse_extent(parser, operands))
        immediates: list[Real] = []
        for index, immediate in enumerate(spec.immediates):
            parser.parse_punctuation(",") if index else parser.parse_keyword("with")
            parser.parse_keyword(immediate.name)
            immediates.append(parse_real(parser))
        properties: dict[str, Attribute] = {
            "slices": ArrayAttr(slices),
            "extents": ArrayAttr(extents),
            "immediates": ArrayAttr(immediates),
        }
        if parser.parse_optional_keyword("layer"):
            properties["layer"] = StringAttr(parser.parse_str_literal())
        return cls.create(
            operands=operands.values,
            properties=properties,
            attributes=parser.parse_optional_attr_dict(),
        )

    def print(self, printer: Printer) -> None:
        first = True
        for role, slice in self.role_slices():
            if slice is None:
                continue
            printer.print_string(f" {role.name} " if first else f", {role.name} ")
            print_slice(printer, slice, self.loops)
            first = False
        for index, (axis, extent) in enumerate(zip(self.SPEC.axes, self.extents, strict=True)):
            printer.print_string(f", {axis} " if index else f" over {axis} ")
            print_extent(printer, extent, self.loops)
        pairs = zip(self.SPEC.immediates, self.immediates, strict=True)
        for index, (immediate, value) in enumerate(pairs):
            printer.print_string(f", {immediate.name} " if index else f" with {immediate.name} ")
            print_real(printer, value)
        if self.layer is not None:
            printer.print_string(" layer ")
            printer.print_string_literal(self.layer.data)
        printer.print_op_attributes(self.attributes)


def _announced(parser: Parser, role: str, first: bool) -> bool:
    """Whether the next buffer of the text is `role`; reads the comma and the name if so."""
    if first:
        return parser.parse_optional_keyword(role) is not None
    position = parser._current_token  # pyright: ignore[reportPrivateUsage]
    if parser.parse_optional_punctuation(",") is None:
        return False
    if parser.parse_optional_keyword(role) is not None:
        return True
    parser._resume_from(position.span.start)  # pyright: ignore[reportPrivateUsage]
    return False


def _instruction(spec: InstructionSpec) -> type[InstructionOp]:
    """The operation class of one row of the instruction table."""
    name = "".join(part.capitalize() for part in spec.name.split("_")) + "Op"
    members = {
        "name": f"engine.{spec.name}",
        "SPEC": spec,
        "__doc__": f"{spec.description} (engine `{spec.engine.value}`)",
        "__module__": __name__,
        "__annotations__": {"SPEC": ClassVar[InstructionSpec]},
    }
    return irdl_op_definition(cast(type[InstructionOp], type(name, (InstructionOp,), members)))


INSTRUCTION_OPS: dict[str, type[InstructionOp]] = {
    spec.name: _instruction(spec) for spec in INSTRUCTIONS
}
"""The operation class of each instruction, by the instruction's name."""


Extent: TypeAlias = int | SSAValue | ExtentAttr
"""An axis: a number of cells, what is left of a tile loop, or `ExtentAttr.all_steps()`."""


def make_instruction(
    name: str,
    slices: Mapping[str, tuple[str, Sequence[int], Sequence[SSAValue | None]]],
    extents: Sequence[Extent],
    immediates: Sequence[float] = (),
    layer: str = "",
    location: LocationAttr | None = None,
) -> InstructionOp:
    """An instruction with its buffers given by role: (buffer, base, loop values per dimension)."""
    operation = INSTRUCTION_OPS[name]
    operands = LoopOperands([])
    slice_attributes: list[Attribute] = []
    for role in operation.SPEC.roles:
        if role.name not in slices:
            slice_attributes.append(UnitAttr())
            continue
        buffer, base, loops = slices[role.name]
        positions = [operands.position(loop) for loop in loops]
        slice_attributes.append(SliceAttr.get(buffer, base, positions))
    extent_attributes = [
        ExtentAttr.of_loop(operands.position(extent))
        if isinstance(extent, SSAValue)
        else ExtentAttr.constant(extent)
        if isinstance(extent, int)
        else extent
        for extent in extents
    ]
    properties: dict[str, Attribute] = {
        "slices": ArrayAttr(slice_attributes),
        "extents": ArrayAttr(extent_attributes),
        "immediates": ArrayAttr([real(value) for value in immediates]),
    }
    if layer:
        properties["layer"] = StringAttr(layer)
    op = operation.create(operands=operands.values, properties=properties)
    if location is not None:
        op.location = location
    return op


ENGINE = Dialect(
    "engine",
    [MachineOp, ProgramOp, BufferOp, LoopOp, *INSTRUCTION_OPS.values()],
    [SliceAttr, ExtentAttr],
)
