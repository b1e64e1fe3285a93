"""Tiles: how much of a layer an instruction takes at once, so that the on-chip memories hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import lcm, prod
from typing import TypeAlias

from spikeloom.diagnostics import SourceLocation, error
from spikeloom.dialects.instruction_set import Element, Shape, buffer_bytes

LANES = 64
"""Units of a tile come in multiples of this, so that rows of bits start on whole words."""

SAMPLES = "samples"
"""The name of the axis of the batch."""

SAMPLE_GROUP = 16
"""Samples of a large tile come in multiples of this; smaller tiles have any number."""


@dataclass(frozen=True)
class Axis:
    """One tiled dimension.

    Attributes:
        length: cells of the whole.
        minimum: the smallest tile that an instruction can take.
        group: larger tiles come in multiples of it.
    """

    name: str
    length: int
    minimum: int
    group: int

    def smaller(self, tile: int) -> int | None:
        """The next smaller tile, None when there is none."""
        minimum = min(self.minimum, self.length)
        if tile <= minimum:
            return None
        half = -(-tile // 2)
        if half > self.group:
            half = -(-half // self.group) * self.group
        return max(minimum, half)


def units(name: str, length: int, size: int = 1) -> Axis:
    """Neurons, inputs or outputs; tiles of groups of `size` hold whole groups."""
    least = lcm(LANES, size)
    return Axis(name, length, least, least)


def samples(length: int, minimum: int = 1) -> Axis:
    """Samples of the batch."""
    return Axis(SAMPLES, length, minimum, SAMPLE_GROUP)


def rows(length: int) -> Axis:
    """Rows of an image."""
    return Axis("rows", length, 1, 1)


def positions(length: int) -> Axis:
    """Pixels of an image, where each is worked on by itself."""
    return Axis("positions", length, 1, SAMPLE_GROUP)


def times(length: int) -> Axis:
    """Time steps, of what keeps no state from one to the next."""
    return Axis("steps", length, 1, 1)


def taps(length: int) -> Axis:
    """Pixels of a window."""
    return Axis("taps", length, 1, 1)


@dataclass(frozen=True)
class Span:
    """Cells along one dimension that follow the tile of an axis.

    Where the axis is cut they are `scale` x the tile's length + `extra`, and start at `scale` x
    the tile's start + `first`; a single tile takes all of the `whole`.
    """

    axis: Axis
    scale: int
    whole: int
    first: int = 0
    extra: int = 0

    def cells(self, tile: int) -> int:
        """The cells of a tile of that length."""
        return self.whole if tile >= self.axis.length else self.scale * tile + self.extra


@dataclass(frozen=True)
class Groups:
    """Groups of `size` of the cells of a box with these dimensions; the last may be smaller."""

    dims: tuple[int | str | Span, ...]
    size: int

    def cells(self, tiles: Mapping[str, int]) -> int:
        """How many there are for these tiles."""
        return -(-prod(_cells(dim, tiles) for dim in self.dims) // self.size)


Dim: TypeAlias = int | str | Span | Groups
"""The length of a buffer along one dimension: cells, the name of an axis, or what follows one."""


@dataclass(frozen=True)
class TileBuffer:
    """An on-chip buffer of a loop nest; a dimension is a number or the name of an axis.

    With two `copies` it is a double buffer.
    """

    role: str
    element: Element
    memory: str
    dims: tuple[Dim, Dim, Dim, Dim]
    copies: int = 1

    def size(self, tiles: Mapping[str, int]) -> int:
        """Bytes of all copies."""
        return self.copies * buffer_bytes(self.element, self.shape(tiles))

    def shape(self, tiles: Mapping[str, int]) -> Shape:
        """The buffer's shape for these tiles."""
        first, second, third, fourth = (_cells(dim, tiles) for dim in self.dims)
        return first, second, third, fourth

    def follows(self, axis: Axis) -> bool:
        """Whether smaller tiles of the axis make it smaller."""
        return any(_follows(dim, axis) for dim in self.dims)


def _follows(dim: Dim, axis: Axis) -> bool:
    match dim:
        case Span():
            return dim.axis == axis
        case Groups():
            return any(_follows(part, axis) for part in dim.dims)
        case _:
            return dim == axis.name


def _cells(dim: Dim, tiles: Mapping[str, int]) -> int:
    match dim:
        case int():
            return dim
        case str():
            return tiles[dim]
        case Span():
            return dim.cells(tiles.get(dim.axis.name, dim.axis.length))
        case Groups():
            return dim.cells(tiles)


def fit_tiles(
    nest: str,
    axes: Sequence[Axis],
    buffers: Sequence[TileBuffer],
    memories: Mapping[str, int],
    location: SourceLocation | None,
    largest: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """The largest tiles with which all buffers fit; earlier axes are cut first.

    No tile is larger than `largest` says, where it says anything.

    Raises:
        DiagnosticError: even the smallest tiles do not fit (E0302), naming the largest buffer.
    """
    tiles = {axis.name: axis.length for axis in axes} | dict(largest or {})
    while (full := _overflowing(buffers, tiles, memories)) is not None:
        for axis in axes:
            touched = any(b.follows(axis) for b in buffers if b.memory == full)
            if touched and (smaller := axis.smaller(tiles[axis.name])) is not None:
                tiles[axis.name] = smaller
                break
        else:
            raise _too_small(nest, full, buffers, tiles, memories.get(full, 0), location)
    return tiles


def _overflowing(
    buffers: Sequence[TileBuffer], tiles: Mapping[str, int], memories: Mapping[str, int]
) -> str | None:
    used: dict[str, int] = {}
    for buffer in buffers:
        used[buffer.memory] = used.get(buffer.memory, 0) + buffer.size(tiles)
    return next((memory for memory, size in used.items() if size > memories.get(memory, 0)), None)


def _too_small(
    nest: str,
    memory: str,
    buffers: Sequence[TileBuffer],
    tiles: Mapping[str, int],
    available: int,
    location: SourceLocation | None,
):
    sizes = {b: b.size(tiles) for b in buffers if b.memory == memory}
    largest = max(sizes, key=sizes.__getitem__)
    follows_time = memory in ("spike_sram", "state_sram") and "steps" not in tiles
    return error(
        "E0302",
        f"the machine is too small: {nest} needs {sum(sizes.values())} bytes of {memory} "
        f"even with the smallest tiles, {sizes[largest]} of them for its buffer "
        f"`{largest.role}` {list(largest.shape(tiles))}, but only {available} are available",
        location,
        f"use a machine with a larger {memory}{', or fewer steps' if follows_time else ''}",
    )
