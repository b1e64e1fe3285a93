"""Which buffers depend on each other because they share memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.stream import Stream


def dependence_classes(stream: Stream) -> NDArray[np.int64]:
    """A number for every buffer; buffers whose addresses overlap, even indirectly, share one.

    Numbers are dense, in the order of memories and addresses.
    """
    buffers = stream.buffers
    classes = np.zeros(len(buffers), np.int64)
    order = sorted(
        range(len(buffers)), key=lambda i: (int(buffers["memory"][i]), int(buffers["offset"][i]))
    )
    current, memory, end = -1, -1, 0
    for index in order:
        start = int(buffers["offset"][index])
        if int(buffers["memory"][index]) != memory or start >= end:
            current, memory, end = current + 1, int(buffers["memory"][index]), 0
        end = max(end, start + int(buffers["bytes"][index]))
        classes[index] = current
    return classes
