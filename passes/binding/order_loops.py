"""The compiled loops over a static order and a binding."""

from __future__ import annotations

import numpy as np

from spikeloom.passes.binding.hardware_graph_loops import ORDER, WORK_PACE
from spikeloom.passes.compiled import Column, compiled


@compiled
def projected_edges(order: Column, tile: Column, first: Column, tiles: int) -> Column:
    """The edges of the projections of one order on all tiles, rows as `order_edges` has them.

    Args:
        order: the actors of one iteration in the order of a single tile.
        tile: of every actor.
        first: the first node of every actor.
    """
    edges = np.empty((4, len(order)), np.int64)
    begin, last = np.full(tiles, -1, np.int64), np.full(tiles, -1, np.int64)
    following = first.copy()
    count = 0
    for actor in order:
        node, here = following[actor], tile[actor]
        following[actor] += 1
        if last[here] < 0:
            begin[here] = node
        else:
            edges[0, count], edges[1, count], edges[2, count] = last[here], node, 0
            count += 1
        last[here] = node
    for here in range(tiles):
        if last[here] >= 0:
            edges[0, count], edges[1, count], edges[2, count] = last[here], begin[here], 1
            count += 1
    edges[3] = -ORDER
    return edges


@compiled
def fullest(work: Column, tile: Column, pace: Column) -> int:
    """The ticks of work on the tile with most of it."""
    loads = np.zeros(pace.shape[1], np.int64)
    for actor in range(len(work)):
        loads[tile[actor]] += work[actor] * pace[WORK_PACE, tile[actor]]
    return loads.max()
