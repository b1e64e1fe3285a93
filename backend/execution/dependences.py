"""Which operands depend on each other because they share memory.

On-chip memories are cut where some copy of some buffer starts or ends; what lies between two cuts
is a *segment*, and an operand depends on what was done before with the segments of its copy.
A buffer in DRAM is cut into the parts that the machine watches, along its samples or, where there
is only one, along its positions (the rows of a matrix); an operand depends on what was done with
the parts that its box touches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.stream.stream import Stream
from spikeloom.dialects.instruction_set import MEMORIES

DRAM = MEMORIES.index("dram")

# Columns of `SegmentMap.copies`.
FIRST, COPIES, CURRENT, PART = range(4)
"""Where a buffer's copies begin in `bounds`, how many they are, the one that holds its values; and
the cells of a part of a buffer in DRAM, 0 of one on chip."""
COLUMNS = 4

WATCHED = (1, 2)
"""The dimensions that are cut: samples, or positions."""


@dataclass(frozen=True)
class SegmentMap:
    """The segments of a stream's buffers.

    Attributes:
        copies: [buffers, COLUMNS]; see `FIRST`.
        bounds: copy k of a buffer consists of the segments `bounds[first + k]` to, exclusively,
            `bounds[first + k + 1]`.
        count: the number of segments.
    """

    copies: NDArray[np.int64]
    bounds: NDArray[np.int64]
    count: int


def watched_dimension(shape: Sequence[int]) -> int:
    """The dimension along which a buffer in DRAM is watched."""
    samples, positions = WATCHED
    return samples if shape[samples] > 1 else positions


def part_length(length: int, parts: int) -> int:
    """Cells of a part: a power of two, so that tiles seldom share one."""
    cells = 1
    while cells * parts < length:
        cells *= 2
    return cells


def segment_map(stream: Stream, parts: int) -> SegmentMap:
    """Cuts the memories of a validated stream into segments; DRAM buffers into up to `parts`."""
    buffers = stream.buffers
    numbers = buffers["copies"].astype(np.int64)
    copies = np.zeros((len(buffers), COLUMNS), np.int64)
    copies[:, COPIES] = numbers
    copies[:, FIRST] = np.cumsum(numbers + 1) - (numbers + 1)
    owner = np.repeat(np.arange(len(buffers)), numbers + 1)
    turn = np.arange(len(owner)) - copies[owner, FIRST]
    addresses = buffers["offset"][owner] + turn * buffers["bytes"][owner]
    bounds = np.zeros(len(owner), np.int64)
    count = 0
    for memory in np.unique(buffers["memory"]):
        if memory == DRAM:
            continue
        here = buffers["memory"][owner] == memory
        cuts = np.unique(addresses[here])
        bounds[here] = count + np.searchsorted(cuts, addresses[here])
        count += len(cuts)
    for index in np.flatnonzero(buffers["memory"] == DRAM).tolist():
        shape: list[int] = buffers["shape"][index].tolist()
        length = shape[watched_dimension(shape)]
        cells = copies[index, PART] = part_length(length, parts)
        first = copies[index, FIRST]
        bounds[first] = count
        count += -(-length // cells)
        bounds[first + 1] = count
    return SegmentMap(copies, bounds, count)
