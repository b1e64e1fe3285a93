"""Where the box of an operand lies in each iteration, exactly, without running the loops."""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.backend.stream.records import Instruction, Operand
from spikeloom.backend.stream.stream import NO_LOOP, NO_SCALE, LoopExtent


@dataclass(frozen=True, slots=True)
class Tile:
    """The extent of a box along one dimension: a number of cells, and what a tile loop adds.

    Attributes:
        cells: the constant part.
        values: the values of the tile loop, else None.
        depth: the depth of the tile loop, or NO_LOOP.
        scale: the factor on what is left of the tile loop, positive.
    """

    cells: int
    values: range | None = None
    depth: int = NO_LOOP
    scale: int = NO_SCALE

    @property
    def greatest(self) -> int:
        """The greatest extent; a tile loop's first tile is the largest."""
        return self.cells if self.values is None else self.at(self.values.start)

    @property
    def least(self) -> int:
        """The least extent; a tile loop's last tile is the smallest."""
        return self.cells if self.values is None else self.at(self.values[-1])

    def at(self, value: int) -> int:
        """The extent while the tile loop has this value; what is left of it is scaled."""
        if self.values is None:
            return self.cells
        left = min(abs(self.values.step), abs(self.values.stop - value))
        return self.cells + self.scale * left


@dataclass(frozen=True, slots=True)
class Interval:
    """One dimension of a box over all iterations: cells `base + scale x value` to `+ extent`.

    Attributes:
        base: the constant part of the start.
        values: the values of the loop added to it, `range(1)` without one.
        depth: the depth of that loop, or NO_LOOP.
        scale: the factor on the loop's value, positive.
        tile: the extent.
    """

    base: int
    values: range
    depth: int
    scale: int
    tile: Tile

    def start(self, value: int) -> int:
        """The start while the loop has this value."""
        return self.base + self.scale * value

    @property
    def first(self) -> int:
        """The least start."""
        return self.start(min(self.values[0], self.values[-1]))

    @property
    def end(self) -> int:
        """The greatest end."""
        if self.tied:
            # Whole tiles lie side by side. The last one may be shorter, and where the extent is
            # scaled more than the start it may end before the one in front of it.
            last = (self.values[0], *self.values[-2:])
            return max(self.start(value) + self.tile.at(value) for value in last)
        return self.start(max(self.values[0], self.values[-1])) + self.tile.greatest

    @property
    def tied(self) -> bool:
        """Whether the same loop moves the start and sets the extent."""
        return self.depth != NO_LOOP and self.depth == self.tile.depth

    def aligned(self, cells: int) -> bool:
        """Whether every start is a multiple of `cells`."""
        if self.start(self.values.start) % cells:
            return False
        return len(self.values) == 1 or (self.scale * self.values.step) % cells == 0

    def apart(self, other: Interval) -> bool:
        """Whether the two have no cell in common in any one iteration of the loops."""
        if self.end <= other.first or other.end <= self.first:
            return True
        if self.depth != other.depth:
            return False
        return self._always_before(other) or other._always_before(self)

    def _always_before(self, other: Interval) -> bool:
        """Whether this one, at its greatest, ends before the other, which follows the same loop."""
        # Both starts are linear in the loop's value: what holds at its ends holds between them.
        return all(
            self.start(value) + self.tile.greatest <= other.start(value)
            for value in (self.values[0], self.values[-1])
        )


Box = tuple[Interval, Interval, Interval, Interval]
_NO_VALUES = range(1)


def box_of(instruction: Instruction, operand: Operand, loops: tuple[range, ...]) -> Box:
    """The box of an operand, `loops` being the values of the open loops."""
    start = operand.slice
    first, second, third, fourth = (
        Interval(base, _NO_VALUES if depth == NO_LOOP else loops[depth], depth, scale, tile)
        for base, depth, scale, tile in zip(
            start.base,
            start.loops,
            start.scales,
            (tile_of(extent, loops) for extent in instruction.box(operand)),
            strict=True,
        )
    )
    return (first, second, third, fourth)


def tile_of(extent: int | LoopExtent, loops: tuple[range, ...]) -> Tile:
    """An extent with the values of its tile loop."""
    if isinstance(extent, int):
        return Tile(extent)
    return Tile(extent.offset, loops[extent.depth], extent.depth, extent.scale)
