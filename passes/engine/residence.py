"""What a turn of the loop over sample groups keeps on chip instead of moving it to DRAM and back.

A nest stores its results in DRAM and the next one loads them. In a turn both work on the same
samples: where the box that is loaded is the box that was stored, or loaded before, the instructions
behind work on the tile that is there already. A load that nothing needs any more goes, and so does
the store of a value that is read nowhere else and that the host does not ask for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Block, Operation, SSAValue

from spikeloom.dialects.engine import BufferOp, InstructionOp, LoopOp
from spikeloom.dialects.engine.operands import ExtentAttr, SliceAttr

_LOADS = ("load", "load_update")
_STORES = ("store", "store_update")

_Affine: TypeAlias = tuple[int, SSAValue | None, int]
"""A number: its constant part, the loop that it follows, and the factor on that."""


@dataclass(frozen=True)
class _Box:
    """Cells of a buffer: where they start and how many they are, along each dimension."""

    buffer: str
    starts: tuple[_Affine, ...]
    extents: tuple[_Affine, ...]

    @property
    def at_origin(self) -> bool:
        """Whether it starts at the buffer's first cell."""
        return all(start == (0, None, 1) for start in self.starts)


def keep_on_chip(parts: Sequence[Block], tiles: Mapping[str, BufferOp]) -> None:
    """Takes loads out of consecutive parts of a program whose cells are on chip already.

    `tiles` are the buffers on chip, by name.
    """
    present: dict[_Box, str] = {}
    instead: dict[str, str] = {}
    done = Counter[str]()
    writes = Counter(name for op in instructions(parts) for name in _written(op))
    for op in [*instructions(parts)]:
        done.update(_written(op))
        if op.SPEC.name not in (*_LOADS, *_STORES):
            continue
        target, source = _boxes(op)
        stores = op.SPEC.name in _STORES
        outside, inside = (target, source) if stores else (source, target)
        if stores:
            present = {box: tile for box, tile in present.items() if box.buffer != outside.buffer}
        final = done[inside.buffer] == writes[inside.buffer]
        if not (final and inside.at_origin and _once(op, parts)):
            continue
        known = present.get(outside)
        if known is None:
            present[outside] = inside.buffer
        elif writes[inside.buffer] == 1 and _alike(tiles[inside.buffer], tiles[known]):
            instead[inside.buffer] = known
            op.detach()
            op.erase()
    _replace(parts, instead)


def drop_unread_stores(parts: Sequence[Operation | Block], wanted: set[str]) -> None:
    """Takes out stores to buffers in DRAM that no instruction reads and the host does not want."""
    read = {
        slice.buffer_name
        for op in instructions(parts)
        for role, slice in op.role_slices()
        if slice is not None and role.dram and (op.SPEC.name not in _STORES)
    }
    for op in [*instructions(parts)]:
        if op.SPEC.name in _STORES and _boxes(op)[0].buffer not in read | wanted:
            op.detach()
            op.erase()


def instructions(parts: Sequence[Operation | Block]) -> Iterator[InstructionOp]:
    """All instructions, in order."""
    for part in parts:
        for op in part.walk():
            if isinstance(op, InstructionOp):
                yield op


def _written(op: InstructionOp) -> list[str]:
    """The buffers that an instruction writes."""
    slices = list(op.slices)[: len(op.SPEC.writes)]
    return [slice.buffer_name for slice in slices if isinstance(slice, SliceAttr)]


def _boxes(op: InstructionOp) -> tuple[_Box, _Box]:
    """Target and source of an instruction that moves cells."""
    extents = tuple(_extent(extent, op.loops) for extent in op.extents)
    (_, target), (_, source) = op.role_slices()
    assert target is not None
    assert source is not None
    first, second = (
        _Box(each.buffer_name, tuple(_start(s, op.loops) for s in each.starts), extents)
        for each in (target, source)
    )
    return first, second


def _start(start: tuple[int, int, int], loops: Sequence[SSAValue]) -> _Affine:
    base, position, scale = start
    loop = None if position < 0 else loops[position]
    if loop is None or (only := _only_turn(loop)) is None:
        return (base, loop, scale)
    return (base + scale * only.start, None, 1)


def _extent(extent: ExtentAttr, loops: Sequence[SSAValue]) -> _Affine:
    cells, position, scale = extent.cells.data, extent.loop.data, extent.scale.data
    loop = None if position < 0 else loops[position]
    if loop is None or (only := _only_turn(loop)) is None:
        return (cells, loop, scale)
    left = min(abs(only.step), abs(only.stop - only.start))
    return (cells + scale * left, None, 1)


def _only_turn(loop: SSAValue) -> range | None:
    """The values of a loop of a single turn."""
    owner = loop.owner
    around = owner.parent_op() if isinstance(owner, Block) else None
    if isinstance(around, LoopOp) and len(values := range(*around.bounds)) == 1:
        return values
    return None


def _once(op: Operation, parts: Sequence[Block]) -> bool:
    """Whether an instruction is executed once whenever its part is."""
    block = op.parent
    while block not in parts:
        around = None if block is None else block.parent_op()
        if not (isinstance(around, LoopOp) and len(range(*around.bounds)) == 1):
            return False
        block = around.parent
    return True


def _alike(tile: BufferOp, other: BufferOp) -> bool:
    return (tile.kind, tile.extents) == (other.kind, other.extents)


def _replace(parts: Sequence[Block], instead: Mapping[str, str]) -> None:
    """Lets instructions work on other buffers."""
    for op in instructions(parts):
        slices = [
            SliceAttr.get(instead[slice.buffer_name], *zip(*slice.starts, strict=True))
            if isinstance(slice, SliceAttr) and slice.buffer_name in instead
            else slice
            for slice in op.slices
        ]
        op.slices = ArrayAttr(slices)
