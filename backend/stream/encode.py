"""From the `engine` dialect to the columnar stream: one operation, one record."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from xdsl.ir import Block, SSAValue

from spikeloom.backend.stream.stream import (
    NO_LOOP,
    LoopExtent,
    Slice,
    Stream,
    StreamBuilder,
    per_dimension,
)
from spikeloom.diagnostics import error
from spikeloom.dialects.engine import BufferOp, InstructionOp, LoopOp, ProgramOp
from spikeloom.dialects.engine.operands import ExtentAttr, SliceAttr
from spikeloom.dialects.locations import location_of


def encode_program(program: ProgramOp) -> Stream:
    """The stream of a verified program; it is still to be validated.

    Raises:
        DiagnosticError: a number is too large for a stream (E0304).
    """
    builder = StreamBuilder(serial=program.serial is not None)
    encoder = _Encoder(builder, program.steps.value.data, {}, {})
    for name, buffer in program.buffers().items():
        encoder.buffers[name] = _declare(encoder.builder, buffer)
    encoder.block(program.body.block)
    with _numbers_fit(program):
        return encoder.builder.finish()


@contextmanager
def _numbers_fit(op: ProgramOp | LoopOp | InstructionOp) -> Generator[None]:
    """IR has numbers of any size, a stream 16, 32 or 64 bits for each."""
    try:
        yield
    except OverflowError:
        message = f"a number of {op.name} is too large for an instruction stream"
        raise error("E0304", message, location_of(op)) from None


def _declare(builder: StreamBuilder, op: BufferOp) -> int:
    role = ("", "")
    if op.role is not None:
        role = (op.role.data, op.subject.data if op.subject is not None else "")
    place = (op.memory.data, op.offset.value.data)
    return builder.buffer(op.sym_name.data, op.kind, op.extents, *place, role, op.copy_count)


@dataclass(frozen=True)
class _Encoder:
    """Buffer indices by name, and the depth of every open loop by its value."""

    builder: StreamBuilder
    steps: int
    buffers: dict[str, int]
    depths: dict[SSAValue, int]

    def block(self, block: Block) -> None:
        for op in block.ops:
            if isinstance(op, LoopOp):
                with _numbers_fit(op):
                    depth = self.builder.open_loop(*op.bounds, location=_location(op))
                self.depths[op.body.block.args[0]] = depth
                self.block(op.body.block)
                self.builder.close_loop()
            elif isinstance(op, InstructionOp):
                with _numbers_fit(op):
                    self._instruction(op)
            else:
                assert isinstance(op, BufferOp), f"{op.name} is no part of a program"

    def _instruction(self, op: InstructionOp) -> None:
        operands = {
            role.name: self._slice(op, slice)
            for role, slice in op.role_slices()
            if slice is not None
        }
        self.builder.emit(
            op.SPEC.name,
            operands,
            [self._extent(op, extent) for extent in op.extents],
            [value.value.data for value in op.immediates],
            _location(op),
            "" if op.layer is None else op.layer.data,
            0 if op.instance is None else op.instance.value.data,
        )

    def _slice(self, op: InstructionOp, slice: SliceAttr) -> Slice:
        return Slice(
            self.buffers[slice.buffer_name],
            per_dimension([base.data for base in slice.base]),
            per_dimension([self._depth(op, loop.data) for loop in slice.loops]),
            per_dimension([scale.data for scale in slice.scales]),
        )

    def _extent(self, op: InstructionOp, extent: ExtentAttr) -> int | LoopExtent:
        if extent.covers_all_steps:
            return self.steps
        if extent.loop.data == NO_LOOP:
            return extent.cells.data
        depth = self._depth(op, extent.loop.data)
        return LoopExtent(depth, extent.scale.data, extent.cells.data)

    def _depth(self, op: InstructionOp, position: int) -> int:
        return NO_LOOP if position == NO_LOOP else self.depths[op.loops[position]]


def _location(op: LoopOp | InstructionOp) -> str:
    location = location_of(op)
    return "" if location is None else str(location)
