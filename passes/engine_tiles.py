"""Tiles: how much of a layer an instruction takes at once, so that the on-chip memories hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spikeloom.diagnostics import SourceLocation, error
from spikeloom.dialects.instruction_set import Element, Shape, buffer_bytes

LANES = 64
"""Units of a tile come in multiples of this, so that rows of bits start on whole words."""

SAMPLE_GROUP = 16
"""Samples of a large tile come in multiples of this, so that rows of labels start aligned."""


@dataclass(frozen=True)
class Axis:
    """One tiled dimension: its length, and the smallest tile that an instruction can take."""

    name: str
    length: int
    minimum: int

    def smaller(self, tile: int) -> int | None:
        """The next smaller tile, None when there is none."""
        minimum = min(self.minimum, self.length)
        if tile <= minimum:
            return None
        half = -(-tile // 2)
        group = LANES if self.minimum == LANES else SAMPLE_GROUP
        if half > group:
            half = -(-half // group) * group
        return max(minimum, half)


def units(name: str, length: int) -> Axis:
    """Neurons, inputs or outputs."""
    return Axis(name, length, LANES)


def samples(length: int, minimum: int = 1) -> Axis:
    """Samples of the batch."""
    return Axis("samples", length, minimum)


@dataclass(frozen=True)
class TileBuffer:
    """An on-chip buffer of a loop nest; a dimension is a number or the name of an axis."""

    role: str
    element: Element
    memory: str
    dims: tuple[int | str, int | str, int | str, int | str]

    def shape(self, tiles: Mapping[str, int]) -> Shape:
        """The buffer's shape for these tiles."""
        first, second, third, fourth = (
            dim if isinstance(dim, int) else tiles[dim] for dim in self.dims
        )
        return first, second, third, fourth


def fit_tiles(
    nest: str,
    axes: Sequence[Axis],
    buffers: Sequence[TileBuffer],
    memories: Mapping[str, int],
    location: SourceLocation | None,
) -> dict[str, int]:
    """The largest tiles with which all buffers fit; earlier axes are cut first.

    Raises:
        DiagnosticError: even the smallest tiles do not fit (E0302), naming the largest buffer.
    """
    tiles = {axis.name: axis.length for axis in axes}
    while (full := _overflowing(buffers, tiles, memories)) is not None:
        for axis in axes:
            touched = any(axis.name in b.dims for b in buffers if b.memory == full)
            if touched and (smaller := axis.smaller(tiles[axis.name])) is not None:
                tiles[axis.name] = smaller
                break
        else:
            raise _too_small(nest, full, buffers, tiles, memories[full], location)
    return tiles


def _overflowing(
    buffers: Sequence[TileBuffer], tiles: Mapping[str, int], memories: Mapping[str, int]
) -> str | None:
    used: dict[str, int] = {}
    for buffer in buffers:
        size = buffer_bytes(buffer.element, buffer.shape(tiles))
        used[buffer.memory] = used.get(buffer.memory, 0) + size
    return next((memory for memory, size in used.items() if size > memories[memory]), None)


def _too_small(
    nest: str,
    memory: str,
    buffers: Sequence[TileBuffer],
    tiles: Mapping[str, int],
    available: int,
    location: SourceLocation | None,
):
    sizes = {b: buffer_bytes(b.element, b.shape(tiles)) for b in buffers if b.memory == memory}
    largest = max(sizes, key=sizes.__getitem__)
    follows_time = memory in ("spike_sram", "state_sram")
    return error(
        "E0302",
        f"the machine is too small: {nest} needs {sum(sizes.values())} bytes of {memory} "
        f"even with the smallest tiles, {sizes[largest]} of them for its buffer "
        f"`{largest.role}` {list(largest.shape(tiles))}, but only {available} are available",
        location,
        f"use a machine with a larger {memory}{', or fewer steps' if follows_time else ''}",
    )
