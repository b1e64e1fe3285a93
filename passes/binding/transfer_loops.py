"""The compiled loop over channels that says how long their tokens are under way."""

from __future__ import annotations

import numpy as np

from spikeloom.passes.binding.buffers import SIZE, SOURCE, TARGET
from spikeloom.passes.compiled import Column, compiled


@compiled
def transfer_cycles(
    channels: Column, tile: Column, cycles: Column, interfaces: Column, bandwidth: int
) -> tuple[Column, Column]:
    """Of every channel the delay and the cycles for the size of a token; 0 inside a tile.

    Args:
        channels: a `channel_table`.
        tile: of every actor.
        cycles, interfaces: of the platform; a delay is -1 where nothing connects the tiles.
        bandwidth: of a connection, -1 if unlimited.
    """
    count = channels.shape[1]
    delay, bits = np.zeros(count, np.int64), np.zeros(count, np.int64)
    sharing = np.zeros(interfaces.shape, np.int64)
    for channel in range(count):
        source, target = tile[channels[SOURCE, channel]], tile[channels[TARGET, channel]]
        if source != target:
            sharing[0, source] += 1
            sharing[1, target] += 1
    for channel in range(count):
        source, target = tile[channels[SOURCE, channel]], tile[channels[TARGET, channel]]
        if source == target:
            continue
        size = channels[SIZE, channel]
        delay[channel] = cycles[source, target]
        if bandwidth > 0:
            bits[channel] = -(-size // bandwidth)
        for row, end in ((0, source), (1, target)):
            if interfaces[row, end] > 0:
                shared = -(-size * sharing[row, end] // interfaces[row, end])
                bits[channel] = max(bits[channel], shared)
    return delay, bits
