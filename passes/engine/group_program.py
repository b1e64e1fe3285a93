"""Writes a step as a loop over groups of samples, each of which goes through all operations.

Weights are loaded once, in front of the loop; sums are stored, and parameters updated, behind it.
What an update needs beside its gradient is loaded in front of the loop as well, so that nothing but
the gradient is waited for. Where there is no room for that, updates follow as they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Block, Operation

from spikeloom.dialects import bptt
from spikeloom.dialects.schedule import group_of
from spikeloom.passes.engine.addresses import Overflow, place_tiles
from spikeloom.passes.engine.groups import Nests
from spikeloom.passes.engine.memory import TileMemory
from spikeloom.passes.engine.residence import drop_unread_stores, instructions, keep_on_chip
from spikeloom.passes.engine.writer import Writer

Lower = Callable[[Operation], None]
"""Writes the nests of one operation."""


@dataclass(frozen=True)
class Plan:
    """What takes room on chip during all groups, beside weights and sums.

    Attributes:
        updates: the parameters' moments, and the parameters once more for the optimizer.
        tables: tables of weights, as many as fit into half of their memory.
    """

    updates: bool
    tables: bool


PLANS = (Plan(True, True), Plan(True, False), Plan(False, True), Plan(False, False))
"""From the fastest to the smallest."""


def write_groups(
    writer: Writer, step: bptt.StepOp, memories: Mapping[str, int], lower: Lower, plan: Plan
) -> Overflow | Operation | None:
    """Writes the program; what is in the way where it cannot be written in groups.

    That is a memory which a group's tiles of whole layers do not fit, or an operation whose nests
    are cut within a layer, or the step, where one operation needs what all samples together yield.
    """
    samples = writer.layout.samples
    writer.memory.group = min(group_of(step) or samples, samples)
    writer.memory.tables_stay = plan.tables
    nests = Nests((0, samples, writer.memory.group))
    late: list[Operation] = []
    for op in step.body.block.ops:
        update = isinstance(op, bptt.OptimizeOp)
        if update and not plan.updates:
            late.append(op)
            continue
        with writer.apart() as block:
            lower(op)
        add = nests.add_update if update else nests.add
        if not (block.is_empty or add(block, writer.sample_loops)):
            return op
    if not nests.are_independent():
        return step
    tiles = {tile.sym_name.data: tile for tile in writer.tile_buffers}
    keep_on_chip(nests.parts(), tiles)
    _forget_unused(writer, nests.parts())
    used = place_tiles(writer.tile_buffers, nests.lifetimes(), memories)
    if isinstance(used, Overflow):
        return used
    writer.body.add_ops(nests.program(step))
    writer.memory = TileMemory.behind(step, memories, used)
    for op in late:
        lower(op)
    drop_unread_stores([writer.body], {home.name for home in writer.layout.homes if home.role})
    _forget_unused(writer, [writer.body])
    return None


def _forget_unused(writer: Writer, parts: Sequence[Operation | Block]) -> None:
    """Takes tiles that no instruction names out of the program, and homes that nobody asks for."""
    named = {
        slice.buffer_name
        for op in instructions(parts)
        for _, slice in op.role_slices()
        if slice is not None
    }
    tiles, homes = writer.tile_buffers, writer.layout.homes
    tiles[:] = [tile for tile in tiles if tile.sym_name.data in named]
    homes[:] = [home for home in homes if home.role or home.name in named]
