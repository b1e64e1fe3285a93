"""Static orders: one for a single tile, and its projection on any binding.

A tile that keeps its part of an order which one processor could follow never deadlocks with the
others: following the one order from beginning to end is an execution of all of them together, and
a dataflow graph does whatever any of its executions does, only sooner. So an order is made once, at
design time, and a binding at run time needs no scheduling.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from spikeloom.dialects.dataflow.firing_order import MAX_FIRINGS, sequential_order
from spikeloom.dialects.dataflow.graph import Graph, Repetition, TooManyFirings


def single_tile_order(graph: Graph, repetition: Repetition) -> tuple[int, ...]:
    """The order of one iteration on one tile, self-timed: first enabled, first fired.

    An actor queues up when its tokens are there, and again behind the others after it has fired,
    which keeps the pipeline of channels with initial tokens full and their buffers small.

    Raises:
        Deadlock: the iteration cannot be completed; names a cycle of actors that wait.
        TooManyFirings: the iteration is longer than `MAX_FIRINGS`.
    """
    if repetition.total > MAX_FIRINGS:
        raise TooManyFirings(repetition.total, MAX_FIRINGS)
    entering: list[list[int]] = [[] for _ in graph.actors]
    leaving: list[list[int]] = [[] for _ in graph.actors]
    for number, channel in enumerate(graph.channels):
        entering[channel.target].append(number)
        leaving[channel.source].append(number)
    tokens = [channel.tokens for channel in graph.channels]
    needed = [channel.consumption for channel in graph.channels]
    left = list(repetition.counts)
    queued = [False] * len(graph.actors)
    queue: deque[int] = deque()

    def enqueue(actor: int) -> None:
        enabled = all(tokens[number] >= needed[number] for number in entering[actor])
        if left[actor] and not queued[actor] and enabled:
            queued[actor] = True
            queue.append(actor)

    for actor in range(len(graph.actors)):
        enqueue(actor)
    order: list[int] = []
    while queue:
        actor = queue.popleft()
        queued[actor] = False
        left[actor] -= 1
        order.append(actor)
        for number in entering[actor]:
            tokens[number] -= needed[number]
        for number in leaving[actor]:
            tokens[number] += graph.channels[number].production
        for number in leaving[actor]:
            enqueue(graph.channels[number].target)
        enqueue(actor)
    if any(left):
        sequential_order(graph, repetition)  # raises the deadlock, with its cycle
    return tuple(order)


def projection(
    order: Sequence[int], binding: Sequence[int], tiles: int
) -> tuple[tuple[int, ...], ...]:
    """The part of an order that falls on each tile, given the tile of every actor."""
    parts: list[list[int]] = [[] for _ in range(tiles)]
    for actor in order:
        parts[binding[actor]].append(actor)
    return tuple(tuple(part) for part in parts)
