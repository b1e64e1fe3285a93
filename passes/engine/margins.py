"""The zeros around values in DRAM, known only when every nest has said what its halos need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import ArrayAttr, UnitAttr
from xdsl.ir import Block, Operation

from spikeloom.dialects.engine import InstructionOp, make_instruction
from spikeloom.dialects.engine.operands import SliceAttr
from spikeloom.passes.engine.layout import Home

_POSITION = 2


def shift_positions(block: Block, homes: Sequence[Home]) -> None:
    """Makes positions that count from an image's first one count from its buffer's."""
    margins = {home.name: home.margin_positions for home in homes if home.margin}
    if not margins:
        return
    for op in block.walk():
        if not isinstance(op, InstructionOp):
            continue
        slices = [
            slice if isinstance(slice, UnitAttr) else _shifted(slice, margins)
            for slice in op.slices
        ]
        op.slices = ArrayAttr(slices)


def _shifted(slice: SliceAttr, margins: dict[str, int]) -> SliceAttr:
    margin = margins.get(slice.buffer_name, 0)
    if not margin:
        return slice
    bases, loops, scales = ([*column] for column in zip(*slice.starts, strict=True))
    bases[_POSITION] += margin
    return SliceAttr.get(slice.buffer_name, bases, loops, scales)


def clears(home: Home, source: Operation, layer: str) -> Iterator[InstructionOp]:
    """Zeros before the first and after the last step, and above and below all images.

    They belong to `layer`. The host writes those of the input together with the data.
    """
    if home.role == ("input", ""):
        return
    planes, samples, positions, features = home.shape
    margin = home.margin_positions
    padded = positions + 2 * margin
    boxes = [
        ((0, 0), (home.lead, samples, padded)),
        ((home.lead + planes, 0), (home.trail, samples, padded)),
        ((home.lead, 0), (planes, samples, margin)),
        ((home.lead, margin + positions), (planes, samples, margin)),
    ]
    for (plane, position), (steps, groups, pixels) in boxes:
        if steps and pixels:
            target = (home.name, (plane, 0, position, 0), (None, None, None, None))
            extents = (steps, groups, pixels, features)
            place = source.location
            yield make_instruction("clear", {"target": target}, extents, (), layer, place)
