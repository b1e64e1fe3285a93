"""Passes write slices and axes that scale loops; IR text and stream say the same."""

from __future__ import annotations

from io import StringIO

import pytest
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Region
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from spikeloom.backend.assembly import disassemble
from spikeloom.backend.stream.encode import encode_program
from spikeloom.dialects.engine import Affine, BufferOp, LoopOp, ProgramOp, make_instruction
from spikeloom.dialects.instruction_set import Element

PICTURE, TILE = (4, 8, 784, 16), (4, 8, 140, 16)


def program() -> ProgramOp:
    """Loads three rows of a picture of 28 x 28, with one more on either side, at a time."""
    body, inner = Block(), Block(arg_types=[IndexType()])
    inner.args[0].name_hint = "y"
    y = inner.args[0]
    body.add_op(BufferOp("picture", Element.F32, PICTURE, "dram", 0, ("input", "")))
    body.add_op(BufferOp("tile", Element.F32, TILE, "state_sram", 0))
    places = {
        "target": ("tile", (0, 0, 0, 0), (None, None, None, None)),
        "source": ("picture", (1, 0, 2, 0), (None, y, Affine(y, 28, -30), None)),
    }
    extents = (1, y, Affine(y, 28, 56), 16)
    inner.add_op(make_instruction("load", places, extents))
    body.add_op(LoopOp(1, 27, 3, Region(inner)))
    return ProgramOp("p", 8, 4, Region(body))


def test_a_start_is_base_plus_offset_plus_scaled_loop() -> None:
    made = program()
    made.verify()
    out = StringIO()
    Printer(stream=out).print_op(made)
    assert (
        "engine.load target @tile, source @picture[1, %y, 28 * %y - 28, 0]"
        " over planes 1, groups %y, rows 28 * %y + 56, columns 16"
    ) in out.getvalue()


def test_the_stream_has_the_same_numbers_as_the_ir() -> None:
    assert (
        "  load @tile[0, 0, 0, 0] = @picture[1, %0, 28 * %0 - 28, 0]"
        " over planes 1, groups %0, rows 28 * %0 + 56, columns 16\n"
    ) in disassemble(encode_program(program()))


def test_a_loop_is_named_once_however_often_it_is_followed() -> None:
    (load,) = (op for op in program().walk() if op.name == "engine.load")
    assert len(load.operands) == 1


@pytest.mark.parametrize("scale", [0, -1, 2**31])
def test_a_scale_is_positive_and_has_32_bits(scale: int) -> None:
    (value,) = Block(arg_types=[IndexType()]).args
    target = {"target": ("x", (0, 0, 0, 0), (None, None, Affine(value, scale), None))}
    with pytest.raises(VerifyException, match="a loop is scaled by 1 to 2147483647"):
        make_instruction("clear", target, (1, 1, 1, 1))
    target = {"target": ("x", (0, 0, 0, 0), (None, None, None, None))}
    with pytest.raises(VerifyException, match="a loop is scaled by 1 to 2147483647"):
        make_instruction("clear", target, (1, 1, Affine(value, scale), 1))
