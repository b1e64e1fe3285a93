"""Latency of a dataflow graph: how long one iteration takes when all initial tokens are there.

The longest chain of firings within one iteration, the same number as the `latency` of the max-plus
matrix (`iteration_of`), found without the matrix: its size does not depend on initial tokens.
"""

from __future__ import annotations

import numpy as np

from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.dataflow.expansion import expand


def latency_of(graph: Graph) -> int:
    """Cycles until the last firing of the first iteration ends; every firing starts at once it can.

    The graph must not deadlock: a cycle without tokens is left out of the answer.

    Raises:
        InconsistentRates: there is no repetition vector.
        TooManyFirings: the iteration is too long to be looked at.
    """
    firings = expand(graph, repetition_vector(graph))
    now = np.flatnonzero(firings.tokens == 0)
    source, target = firings.source[now], firings.target[now]
    first: list[int] = np.searchsorted(source, np.arange(firings.nodes + 1)).tolist()
    onward: list[int] = target.tolist()
    waits_for: list[int] = np.bincount(target, minlength=firings.nodes).tolist()
    times = np.array([actor.time for actor in graph.actors], np.int64)
    time: list[int] = times[firings.actor].tolist()
    start = [0] * firings.nodes
    ready = [node for node in range(firings.nodes) if not waits_for[node]]
    last = 0
    for node in ready:
        end = start[node] + time[node]
        last = max(last, end)
        for other in onward[first[node] : first[node + 1]]:
            start[other] = max(start[other], end)
            waits_for[other] -= 1
            if not waits_for[other]:
                ready.append(other)
    return last
