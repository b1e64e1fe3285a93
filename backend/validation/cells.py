"""Coarse cells: a buffer divided at all points where any box starts or ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.validation.boxes import Box, Interval
from spikeloom.dialects.instruction_set import DIMENSIONS

MAX_POINTS = 2**22
MAX_CELLS = 2**26
"""Starts of boxes, and cells of all buffers."""

Points = NDArray[np.int64]


class TooLarge(Exception):
    """The division would take too much memory, or using it too long; the text says which."""


@dataclass(frozen=True, slots=True)
class _Edges:
    """Where the boxes of one interval start and end; the rows belong together."""

    starts: Points
    ends: Points


_Key: TypeAlias = tuple[Interval, int, int]


def _key(interval: Interval) -> _Key:
    """What edges depend on; ranges with the same values are equal, but tiles end at the stop."""
    tiles = interval.tile.values
    return interval, interval.values.stop, 0 if tiles is None else tiles.stop


class Cells:
    """The division of all buffers.

    Attributes:
        cuts: for every buffer and dimension in turn the points of division, ascending.
        cut_first: where those of dimension d of buffer b begin, at [4 b + d].
        mark_first: where the cells of buffer b begin when all are numbered.
    """

    def __init__(self, buffers: int, boxes: Iterable[tuple[int, Box]]):
        """Divides `buffers` buffers by boxes, each with its buffer; may raise `TooLarge`."""
        self._edges: dict[_Key, _Edges] = {}
        self._points = 0
        divided: set[tuple[int, int, _Key]] = set()
        by_dimension: dict[tuple[int, int], list[Points]] = {}
        for buffer, box in boxes:
            for dimension, interval in enumerate(box):
                key = _key(interval)
                if (buffer, dimension, key) not in divided:
                    divided.add((buffer, dimension, key))
                    edges = self._edges_of(key, interval)
                    parts = by_dimension.setdefault((buffer, dimension), [])
                    parts += [edges.starts, edges.ends]
        empty = np.zeros(0, np.int64)
        cuts = [
            np.unique(np.concatenate(by_dimension.get((buffer, dimension), [empty])))
            for buffer in range(buffers)
            for dimension in range(DIMENSIONS)
        ]
        lengths = np.array([len(points) for points in cuts], np.int64)
        self.cuts: Points = np.concatenate([*cuts, empty])
        self.cut_first: Points = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        # A buffer that is never used has no cuts and no cells. The product of all dimensions
        # may exceed 64 bits, hence the limit is checked in floating point.
        sizes = np.maximum(lengths.reshape(-1, DIMENSIONS) - 1, 0)
        total = float(sizes.astype(np.float64).prod(axis=1).sum())
        if total > MAX_CELLS:
            raise TooLarge(f"{total:.3g} cells to keep track of, the limit is {MAX_CELLS}")
        self.mark_first: Points = np.concatenate([[0], np.cumsum(sizes.prod(axis=1))]).astype(
            np.int64
        )

    def coordinates(self, buffer: int, cell: int) -> list[int]:
        """Per dimension the first of the buffer's own cells that a coarse cell covers."""
        found: list[int] = []
        for dimension in reversed(range(DIMENSIONS)):
            cuts = self._cuts(buffer, dimension)
            cell, number = divmod(cell, len(cuts) - 1)
            found.insert(0, int(cuts[number]))
        return found

    def _cuts(self, buffer: int, dimension: int) -> Points:
        at = DIMENSIONS * buffer + dimension
        return self.cuts[self.cut_first[at] : self.cut_first[at + 1]]

    def _edges_of(self, key: _Key, interval: Interval) -> _Edges:
        self._points += len(interval.values)
        if self._points > MAX_POINTS:
            raise TooLarge(f"boxes start at over {MAX_POINTS} points")
        if (known := self._edges.get(key)) is None:
            known = self._edges[key] = _edges(interval)
        return known


def _edges(interval: Interval) -> _Edges:
    values, tile = interval.values, interval.tile
    offsets = np.arange(values.start, values.stop, values.step, dtype=np.int64)
    starts = interval.base + interval.scale * offsets
    if tile.values is None:
        return _Edges(starts, starts + tile.cells)
    if interval.tied:
        step, left = abs(values.step), np.abs(values.stop - offsets)
        return _Edges(starts, starts + tile.cells + tile.scale * np.minimum(step, left))
    # Another loop sets the extent: all its tiles are alike but the last.
    extents = (tile.greatest, tile.least)
    ends = np.concatenate([starts + extent for extent in extents])
    return _Edges(np.concatenate([starts, starts]), ends)
