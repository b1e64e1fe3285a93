"""An order in which one processor can fire all actors of one iteration."""

from __future__ import annotations

from spikeloom.dialects.dataflow.graph import Deadlock, Graph, Repetition, Step, TooManyFirings

MAX_FIRINGS = 2**22
"""Firings of one iteration that are looked at one by one."""


def sequential_order(graph: Graph, repetition: Repetition) -> tuple[int, ...]:
    """Actors in an admissible order of one iteration, each as often as it fires.

    An actor fires as soon and as often as its tokens allow (class S of Lee & Messerschmitt 1987,
    which finds an order where there is one).

    Raises:
        Deadlock: there is none; names a cycle of actors that wait for one another.
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
    left = list(repetition.counts)
    order: list[int] = []
    waiting = list(range(len(graph.actors)))
    for actor in waiting:
        times = left[actor]
        for number in entering[actor]:
            channel = graph.channels[number]
            if channel.source != actor:
                times = min(times, tokens[number] // channel.consumption)
            elif tokens[number] < channel.consumption:
                times = 0
        if not times:
            continue
        order.extend([actor] * times)
        left[actor] -= times
        for number in entering[actor]:
            tokens[number] -= times * graph.channels[number].consumption
        for number in leaving[actor]:
            tokens[number] += times * graph.channels[number].production
            target = graph.channels[number].target
            if left[target]:
                waiting.append(target)
    if any(left):
        raise Deadlock(_waiting_cycle(graph, tokens, left))
    return tuple(order)


def _waiting_cycle(graph: Graph, tokens: list[int], left: list[int]) -> list[Step]:
    """Follows what each actor lacks back to an actor that was seen before."""
    lacking: dict[int, int] = {}
    for number, channel in enumerate(graph.channels):
        if left[channel.target] and tokens[number] < channel.consumption:
            lacking.setdefault(channel.target, number)
    actor = next(iter(lacking))
    seen: dict[int, int] = {}
    path: list[Step] = []
    while actor not in seen:
        seen[actor] = len(path)
        channel = graph.channels[lacking[actor]]
        names = graph.actors
        path.append(Step(names[channel.source].name, channel.name, names[channel.target].name))
        actor = channel.source
    return path[: seen[actor] - 1 if seen[actor] else None : -1]
