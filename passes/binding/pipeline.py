"""Pipelining before binding: a prologue that lets parts of different iterations run together.

In a static order every round of a tile is one iteration. Where a tile has an early and a late actor
of a chain, the next round of the early one waits for the late one, and with it for everything
between: the period becomes the latency. After a prologue, in which earlier parts of the graph run
some iterations ahead, a round holds different iterations of different parts, and nothing in it has
to wait for the same round on another tile. Rates and cycles keep their meaning (this is retiming,
Leiserson & Saxe 1991); channels hold the tokens that the prologue has put there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from spikeloom.dialects.dataflow.graph import Graph, Repetition
from spikeloom.passes.dataflow.strong_components import strong_components


@dataclass(frozen=True)
class Pipelined:
    """A graph after its prologue.

    Attributes:
        ahead: iterations that every actor completes in the prologue, in an admissible order.
    """

    graph: Graph
    ahead: tuple[int, ...]


def pipelined(graph: Graph, repetition: Repetition) -> Pipelined:
    """One stage after the other along every channel between strongly connected parts.

    Channels that already hold the tokens of an iteration need no further stage.
    """
    edges = [(channel.source, channel.target) for channel in graph.channels]
    # Tarjan's algorithm finds the parts behind a part before the part itself.
    parts = strong_components(len(graph.actors), edges)[::-1]
    part_of = {actor: number for number, part in enumerate(parts) for actor in part}
    counts = repetition.counts
    leaving: list[list[tuple[int, int]]] = [[] for _ in parts]
    for channel in graph.channels:
        source, target = part_of[channel.source], part_of[channel.target]
        if source != target:
            held = channel.tokens // (channel.production * counts[channel.source])
            leaving[source].append((target, 1 - held))
    stage = [0] * len(parts)
    for number in range(len(parts)):
        for target, distance in leaving[number]:
            stage[target] = max(stage[target], stage[number] + distance)
    last = max(stage, default=0)
    ahead = tuple(last - stage[part_of[actor]] for actor in range(len(graph.actors)))
    channels = tuple(
        replace(
            channel,
            tokens=channel.tokens
            + channel.production
            * counts[channel.source]
            * (ahead[channel.source] - ahead[channel.target]),
        )
        for channel in graph.channels
    )
    return Pipelined(Graph(graph.actors, channels, graph.name), ahead)
