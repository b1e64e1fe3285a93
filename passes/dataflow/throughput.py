"""Throughput of a dataflow graph: its period per iteration, exact, and the cycle that causes it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from spikeloom.dialects.dataflow.graph import Deadlock, Graph, Repetition, Step
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.dataflow.cycle_ratio import (
    CycleRatio,
    Integers,
    TokenFreeCycle,
    maximum_cycle_ratio,
)
from spikeloom.passes.dataflow.expansion import Precedences, expand

MANY_PRECEDENCES = 50_000
"""From so many on compiled loops pay, which must be loaded (and compiled once per computer)."""


@dataclass(frozen=True)
class Throughput:
    """What self-timed execution reaches in the long run.

    Attributes:
        period: cycles per iteration of the graph; 0 where nothing bounds it.
        critical_cycle: the channels around a cycle whose time by tokens is the period.
    """

    period: Fraction
    repetition: Repetition
    critical_cycle: tuple[Step, ...]


def throughput_of(graph: Graph) -> Throughput:
    """The period of a graph by Howard's policy iteration on its expansion.

    A graph of several strongly connected parts is as fast as the slowest of them.

    Raises:
        InconsistentRates: there is no repetition vector.
        Deadlock: some cycle has too few initial tokens to go round once.
        OverflowError: times and tokens are too large.
    """
    repetition = repetition_vector(graph)
    firings = expand(graph, repetition)
    columns = firings.source, firings.target, firings.weight, firings.tokens
    try:
        found = _ratio(firings.nodes, *columns)
    except TokenFreeCycle as stuck:
        raise Deadlock(steps_of(graph, firings, stuck.cycle)) from None
    if found is None:
        return Throughput(Fraction(0), repetition, ())
    return Throughput(found.ratio, repetition, tuple(steps_of(graph, firings, found.cycle)))


def _ratio(
    nodes: int, source: Integers, target: Integers, weight: Integers, tokens: Integers
) -> CycleRatio | None:
    """Iteration of policies in numpy, or compiled and in sweeps where there is much to do."""
    if len(source) < MANY_PRECEDENCES:
        return maximum_cycle_ratio(nodes, source, target, weight, tokens)
    from spikeloom.passes.dataflow.swept_cycle_ratio import swept_cycle_ratio

    return swept_cycle_ratio(nodes, np.stack([source, target, tokens]), weight)


def steps_of(graph: Graph, firings: Precedences, cycle: tuple[int, ...]) -> list[Step]:
    """The cycle's channels in order, a channel that follows itself once."""
    steps: list[Step] = []
    for edge in cycle:
        channel = graph.channels[int(firings.channel[edge])]
        step = Step(
            graph.actors[channel.source].name, channel.name, graph.actors[channel.target].name
        )
        if not steps or steps[-1] != step:
            steps.append(step)
    if len(steps) > 1 and steps[0] == steps[-1]:
        steps.pop()
    return steps
