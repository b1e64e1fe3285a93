"""Where the box of an operand lies in each iteration, exactly, without running the loops."""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.backend.records import Instruction, Operand
from spikeloom.backend.stream import NO_LOOP, LoopExtent


@dataclass(frozen=True, slots=True)
class Tile:
    """The extent of a box along one dimension: a number of cells, or what a tile loop leaves.

    Attributes:
        cells: the extent where it is constant, else 0.
        values: the values of the tile loop, else None.
        depth: the depth of the tile loop, or NO_LOOP.
    """

    cells: int
    values: range | None = None
    depth: int = NO_LOOP

    @property
    def greatest(self) -> int:
        """The greatest extent; a tile loop's first tile is the largest."""
        return self.cells if self.values is None else self.at(self.values.start)

    @property
    def least(self) -> int:
        """The least extent; a tile loop's last tile is the smallest."""
        return self.cells if self.values is None else self.at(self.values[-1])

    def at(self, value: int) -> int:
        """The extent while the tile loop has this value: min(|step|, |stop - value|)."""
        if self.values is None:
            return self.cells
        return min(abs(self.values.step), abs(self.values.stop - value))


@dataclass(frozen=True, slots=True)
class Interval:
    """One dimension of a box over all iterations: cells `base + value` to `+ extent`.

    Attributes:
        base: the constant part of the start.
        values: the values of the loop added to it, `range(1)` without one.
        depth: the depth of that loop, or NO_LOOP.
        tile: the extent.
    """

    base: int
    values: range
    depth: int
    tile: Tile

    @property
    def first(self) -> int:
        """The least start."""
        return self.base + min(self.values[0], self.values[-1])

    @property
    def end(self) -> int:
        """The greatest end."""
        greatest = max(self.values[0], self.values[-1])
        if self.tied:
            # Only the last tile may be shorter, and it is the one that ends last.
            return self.base + greatest + self.tile.at(greatest)
        return self.base + greatest + self.tile.greatest

    @property
    def tied(self) -> bool:
        """Whether the same loop moves the start and sets the extent."""
        return self.depth != NO_LOOP and self.depth == self.tile.depth

    def aligned(self, cells: int) -> bool:
        """Whether every start is a multiple of `cells`."""
        if (self.base + self.values.start) % cells:
            return False
        return len(self.values) == 1 or self.values.step % cells == 0

    def apart(self, other: Interval) -> bool:
        """Whether the two have no cell in common in any one iteration of the loops."""
        if self.end <= other.first or other.end <= self.first:
            return True
        if self.depth != other.depth:
            return False
        return (
            self.base + self.tile.greatest <= other.base
            or other.base + other.tile.greatest <= self.base
        )


Box = tuple[Interval, Interval, Interval]
_NO_VALUES = range(1)


def box_of(instruction: Instruction, operand: Operand, loops: tuple[range, ...]) -> Box:
    """The box of an operand, `loops` being the values of the open loops."""
    bases, depths = operand.slice.base, operand.slice.loops
    first, second, third = (
        Interval(
            bases[dimension],
            _NO_VALUES if depths[dimension] == NO_LOOP else loops[depths[dimension]],
            depths[dimension],
            tile_of(extent, loops),
        )
        for dimension, extent in enumerate(instruction.box(operand))
    )
    return (first, second, third)


def tile_of(extent: int | LoopExtent, loops: tuple[range, ...]) -> Tile:
    """An extent with the values of its tile loop."""
    if isinstance(extent, int):
        return Tile(extent)
    return Tile(0, loops[extent.depth], extent.depth)
