"""The instruction operations, made from the rows of the instruction table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, TypeAlias, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    IndexType,
    LocationAttr,
    StringAttr,
    UnitAttr,
)
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    var_operand_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.engine.affine import NO_LOOP, Affine, LoopOperands
from spikeloom.dialects.engine.frame import PROGRAM_BUFFERS, enclosing_program
from spikeloom.dialects.engine.operands import (
    ExtentAttr,
    SliceAttr,
    make_extent,
    make_slice,
    parse_extent,
    parse_slice,
    print_extent,
    print_slice,
)
from spikeloom.dialects.instruction_set import (
    CROSSBAR_ENGINES,
    INSTRUCTIONS,
    MAX_INSTANCES,
    InstructionSpec,
    Role,
)
from spikeloom.dialects.number_text import (
    Count,
    Real,
    count,
    parse_count,
    parse_real,
    print_real,
    real,
)


class InstructionOp(IRDLOperation):
    """The base of all instructions; `SPEC` is the row of the table.

    ```mlir
    engine.accumulate current @i, spikes @s[0, 0, 28 * %y, %k], weight @w
      over steps 16, samples %g, positions 28 * %y, inputs %k, outputs 64
    ```

    An engine of which there are several is named with the number of the instance:
    `engine.release on 3 source @b over moved_cells 8`. Without a number it is 0.
    """

    SPEC: ClassVar[InstructionSpec]

    loops = var_operand_def(IndexType)
    slices = prop_def(ArrayAttr[SliceAttr | UnitAttr])
    extents = prop_def(ArrayAttr[ExtentAttr])
    immediates = prop_def(ArrayAttr[Real])
    layer = opt_prop_def(StringAttr)
    instance = opt_prop_def(Count)

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
        used = self.role_slices()
        for role, slice in used:
            if slice is None and not role.optional:
                raise VerifyException(f"{self.name} needs the buffer {role.name!r}")
        positions = {
            position.data for _, slice in used if slice is not None for position in slice.loops
        } | {extent.loop.data for extent in self.extents}
        loops = range(NO_LOOP, len(self.loops))
        if any(position not in loops for position in positions):
            raise VerifyException(f"{self.name} refers to a loop that is not among its operands")
        around = set(_blocks_around(self))
        if any(loop.owner not in around for loop in self.loops):
            raise VerifyException(f"{self.name} follows a loop that is not around it")
        for immediate, value in zip(spec.immediates, self.immediates, strict=True):
            if not math.isfinite(value.value.data):
                raise VerifyException(f"{immediate.name} must be a finite number")
        self._verify_instance()
        self._verify_buffers(used)

    def _verify_instance(self) -> None:
        if self.instance is None:
            return
        if self.SPEC.engine not in CROSSBAR_ENGINES:
            raise VerifyException(f"there is only one engine {self.SPEC.engine.value!r}")
        if not 1 <= self.instance.value.data < MAX_INSTANCES:
            raise VerifyException(f"an instance lies in [1, {MAX_INSTANCES - 1}], 0 is not written")

    def _verify_buffers(self, used: Sequence[tuple[Role, SliceAttr | None]]) -> None:
        """Every buffer exists, holds what its role takes, and lies on the right side."""
        known = PROGRAM_BUFFERS.of(enclosing_program(self))
        for role, slice in used:
            if slice is None:
                continue
            name = slice.buffer_name
            if (buffer := known.get(name)) is None:
                raise VerifyException(f"the program has no buffer @{name}")
            if all(buffer.element.data != element.value for element in role.elements):
                raise VerifyException(f"@{name} of {buffer.element.data} cannot be its {role.name}")
            in_dram = buffer.memory.data == "dram"
            if in_dram != role.dram and self.SPEC.name != "clear":
                place = "in dram" if role.dram else "on chip"
                raise VerifyException(f"its {role.name} must lie {place}, unlike @{name}")

    @classmethod
    def parse(cls, parser: Parser) -> InstructionOp:
        spec, operands = cls.SPEC, LoopOperands([])
        instance = parse_count(parser) if parser.parse_optional_keyword("on") else None
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
        if instance is not None and instance.value.data:
            properties["instance"] = instance
        if parser.parse_optional_keyword("layer"):
            properties["layer"] = StringAttr(parser.parse_str_literal())
        return cls.create(
            operands=operands.values,
            properties=properties,
            attributes=parser.parse_optional_attr_dict(),
        )

    def print(self, printer: Printer) -> None:
        if self.instance is not None:
            printer.print_string(f" on {self.instance.value.data}")
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


def _blocks_around(op: Operation) -> Iterator[Block]:
    """The block of an operation, that of the loop around it, and so on."""
    block = op.parent
    while block is not None:
        yield block
        outer = block.parent_op()
        block = None if outer is None else outer.parent


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


Start: TypeAlias = SSAValue | Affine | None
"""What a slice's start along one dimension follows beside its base: a loop, scaled, or none."""

Extent: TypeAlias = int | SSAValue | Affine | ExtentAttr
"""An axis: cells, what is left of a tile loop, that scaled, or `ExtentAttr.all_steps()`."""


def make_instruction(
    name: str,
    slices: Mapping[str, tuple[str, Sequence[int], Sequence[Start]]],
    extents: Sequence[Extent],
    immediates: Sequence[float] = (),
    layer: str = "",
    location: LocationAttr | None = None,
    instance: int = 0,
) -> InstructionOp:
    """An instruction with its buffers given by role: (buffer, base, start per dimension)."""
    operation = INSTRUCTION_OPS[name]
    operands = LoopOperands([])
    slice_attributes = [
        make_slice(operands, *slices[role.name]) if role.name in slices else UnitAttr()
        for role in operation.SPEC.roles
    ]
    properties: dict[str, Attribute] = {
        "slices": ArrayAttr(slice_attributes),
        "extents": ArrayAttr([make_extent(operands, extent) for extent in extents]),
        "immediates": ArrayAttr([real(value) for value in immediates]),
    }
    if instance:
        properties["instance"] = count(instance)
    if layer:
        properties["layer"] = StringAttr(layer)
    op = operation.create(operands=operands.values, properties=properties)
    if location is not None:
        op.location = location
    return op
