"""Max-plus algebra of a dataflow graph: one iteration as a matrix over its initial tokens.

With x[k] the times at which the initial tokens are there for iteration k, x[k + 1] = M (x) x[k],
where (M (x) x)[i] = max over j of M[i, j] + x[j]. The period is the eigenvalue of M, which is the
maximum cycle mean of its precedence graph (Baccelli et al., Synchronization and Linearity, 1992;
Geilen 2010). Found by Karp's theorem (1978), independently of Howard's policy iteration.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.firing_order import sequential_order
from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.dialects.dataflow.repetition import repetition_vector

Integers = NDArray[np.int64]
NEVER = -(2**60)
"""Stands for minus infinity: no dependence."""


@dataclass(frozen=True)
class Iteration:
    """One iteration of a graph.

    Attributes:
        matrix: [t, t], cycles from the presence of token j to that of its successor i.
        finish: [actors, t], cycles from the presence of token j to the end of the last firing of
            each actor; `NEVER` where it does not depend on it.
        from_start: [actors], the end of each actor's last firing if nothing is waited for.
    """

    matrix: Integers
    finish: Integers
    from_start: Integers

    @property
    def latency(self) -> int:
        """Cycles until the first iteration is over when it starts with all initial tokens."""
        return int(max(self.finish.max(initial=0), self.from_start.max(initial=0)))

    def period(self) -> Fraction:
        """The eigenvalue of the matrix; 0 where no token depends on itself."""
        return maximum_cycle_mean(self.matrix)


def iteration_of(graph: Graph) -> Iteration:
    """Executes one iteration symbolically: every token carries what it depends on.

    Raises:
        InconsistentRates: there is no repetition vector.
        Deadlock: the iteration cannot be completed.
    """
    order = sequential_order(graph, repetition_vector(graph))
    count = sum(channel.tokens for channel in graph.channels)
    # The last column stands for the beginning: a firing that needs no initial token starts at 0.
    beginning = np.full(count + 1, NEVER, np.int64)
    beginning[count] = 0
    queues: list[deque[Integers]] = []
    number = 0
    for channel in graph.channels:
        queue: deque[Integers] = deque()
        for _ in range(channel.tokens):
            token = np.full(count + 1, NEVER, np.int64)
            token[number] = 0
            queue.append(token)
            number += 1
        queues.append(queue)
    entering: list[list[int]] = [[] for _ in graph.actors]
    leaving: list[list[int]] = [[] for _ in graph.actors]
    for index, channel in enumerate(graph.channels):
        entering[channel.target].append(index)
        leaving[channel.source].append(index)
    finish = np.full((len(graph.actors), count + 1), NEVER, np.int64)
    for actor in order:
        start = beginning
        for index in entering[actor]:
            for _ in range(graph.channels[index].consumption):
                start = np.maximum(start, queues[index].popleft())
        end = np.where(start > NEVER, start + graph.actors[actor].time, NEVER)
        finish[actor] = np.maximum(finish[actor], end)
        for index in leaving[actor]:
            queues[index].extend([end] * graph.channels[index].production)
    rows = [token for queue in queues for token in queue]
    matrix = np.stack(rows)[:, :count] if rows else np.zeros((0, 0), np.int64)
    return Iteration(matrix, finish[:, :count], finish[:, count])


def maximum_cycle_mean(matrix: Integers) -> Fraction:
    """Karp's theorem on a square matrix; entry [i, j] is the weight of the edge from j to i.

    Every node may be a start, so that the graph need not be strongly connected:
    the largest over v of min over k < n of (D[n, v] - D[k, v]) / (n - k), D[k, v] being the
    largest weight of a walk of k edges to v.
    """
    n = len(matrix)
    if not n:
        return Fraction(0)
    walks = np.zeros((n + 1, n), np.int64)
    for k in range(n):
        reached = np.where(walks[k] > NEVER, walks[k], NEVER)
        sums = np.where((matrix > NEVER) & (reached > NEVER), matrix + reached, NEVER)
        walks[k + 1] = sums.max(axis=1)
    best: Fraction | None = None
    for v in range(n):
        if walks[n, v] > NEVER:
            least = min(
                Fraction(int(walks[n, v] - walks[k, v]), n - k)
                for k in range(n)
                if walks[k, v] > NEVER
            )
            best = least if best is None else max(best, least)
    return Fraction(0) if best is None else best
