"""Which operands depend on each other because they share memory.

All memories are cut where some copy of some buffer starts or ends. What lies between two cuts is a
*segment*: an operand depends on what was done before with the segments of its copy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.stream import Stream

# Columns of `SegmentMap.copies`.
FIRST, COPIES, CURRENT = range(3)
"""Where a buffer's copies begin in `bounds`, how many they are, the one that holds its values."""


@dataclass(frozen=True)
class SegmentMap:
    """The segments of a stream's buffers.

    Attributes:
        copies: [buffers, 3]; see `FIRST`.
        bounds: copy k of a buffer consists of the segments `bounds[first + k]` to, exclusively,
            `bounds[first + k + 1]`.
        count: the number of segments.
    """

    copies: NDArray[np.int64]
    bounds: NDArray[np.int64]
    count: int


def segment_map(stream: Stream) -> SegmentMap:
    """Cuts the memories of a validated stream into segments, in the order of their addresses."""
    buffers = stream.buffers
    numbers = buffers["copies"].astype(np.int64)
    copies = np.zeros((len(buffers), 3), np.int64)
    copies[:, COPIES] = numbers
    copies[:, FIRST] = np.cumsum(numbers + 1) - (numbers + 1)
    owner = np.repeat(np.arange(len(buffers)), numbers + 1)
    turn = np.arange(len(owner)) - copies[owner, FIRST]
    addresses = buffers["offset"][owner] + turn * buffers["bytes"][owner]
    bounds = np.zeros(len(owner), np.int64)
    count = 0
    for memory in np.unique(buffers["memory"]):
        here = buffers["memory"][owner] == memory
        cuts = np.unique(addresses[here])
        bounds[here] = count + np.searchsorted(cuts, addresses[here])
        count += len(cuts)
    return SegmentMap(copies, bounds, count)
