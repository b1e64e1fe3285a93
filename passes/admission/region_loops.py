"""The compiled loop that grows a block of tiles."""

from __future__ import annotations

import numpy as np

from spikeloom.passes.compiled import Column, compiled


@compiled
def nearest_tiles(
    inside: Column, apart: Column, others: Column, first: Column, seed: int, count: int
) -> Column:
    """`count` of the tiles that are `inside`, one after the other; see `grown`.

    Args:
        apart: [tile, tile] cycles from one to the other and back.
        others, first: neighbours of all tiles, and where those of each begin.
        seed: the tile to begin with, -1 where any will do.
    """
    beside = np.zeros(len(inside), np.int64)
    for tile in range(len(inside)):
        for place in range(first[tile], first[tile + 1]):
            beside[tile] += inside[tile] and inside[others[place]]
    # A share of a cycle that only decides between equal distances.
    share = 1 / (4 * max(1, beside.max()))
    nearness = np.where(inside, beside * share, np.inf)
    if seed >= 0:
        nearness[seed] = -1
    taken = np.empty(count, np.int64)
    for number in range(count):
        nearest = nearness.argmin()
        taken[number] = nearest
        for tile in range(len(inside)):
            nearness[tile] += apart[nearest, tile]
        nearness[nearest] = np.inf
        for place in range(first[nearest], first[nearest + 1]):
            nearness[others[place]] -= share
    return taken
