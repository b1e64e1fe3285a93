"""The binding with the shortest guaranteed period that a bounded search finds.

Load-balanced bindings with several weights, each also placed anew where tiles are alike, then moves
of actors that lie on the critical cycle. What decides is always the guarantee itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.load_balance import BALANCED, Weights, balanced_binding
from spikeloom.passes.binding.placement import place
from spikeloom.passes.binding.resources import Infeasible, check_binding
from spikeloom.passes.binding.transfers import Unconnected
from spikeloom.passes.dataflow.throughput import Throughput

PORTFOLIO = (BALANCED, Weights(), Weights(bandwidth=4.0, connections=1.0), Weights(distance=4.0))
"""The weights that are tried, the default ones first."""

MAX_EVALUATIONS = 64


@dataclass(frozen=True)
class Bound:
    """A binding and what it guarantees.

    `complete` is False where the search was cut before it ran out of moves that might help.
    """

    binding: tuple[int, ...]
    throughput: Throughput
    complete: bool


def best_binding(
    application: Application,
    platform: Platform,
    weights: Sequence[Weights] = PORTFOLIO,
    evaluations: int = MAX_EVALUATIONS,
) -> Bound:
    """The best binding found within a number of guarantees computed.

    Raises:
        Infeasible: none of the weights leads to a binding; says why for the first of them.
    """
    seen: set[tuple[int, ...]] = set()
    best: Bound | None = None
    for binding in _candidates(application, platform, weights):
        if binding in seen or len(seen) >= max(1, evaluations):
            continue
        seen.add(binding)
        found = application.guarantee(binding, platform)
        if best is None or found.period < best.throughput.period:
            best = Bound(binding, found, True)
    assert best is not None
    return _improved(application, platform, best, seen, evaluations)


def _candidates(
    application: Application, platform: Platform, weights: Sequence[Weights]
) -> Iterator[tuple[int, ...]]:
    reason: Infeasible | None = None
    found = False
    placed_before: set[tuple[int, ...]] = set()
    for each in weights:
        try:
            binding = balanced_binding(application, platform, each)
        except Infeasible as problem:
            reason = reason or problem
            continue
        found = True
        yield binding
        if (groups := _groups(binding)) not in placed_before:
            placed_before.add(groups)
            yield placed(application, binding, platform)
    if not found:
        raise reason or Infeasible("no weights were given")


def _groups(binding: tuple[int, ...]) -> tuple[int, ...]:
    """Who shares a tile with whom, whatever the tile."""
    numbers: dict[int, int] = {}
    return tuple(numbers.setdefault(tile, len(numbers)) for tile in binding)


def placed(
    application: Application, binding: tuple[int, ...], platform: Platform
) -> tuple[int, ...]:
    """The same groups of actors on other tiles, so that traffic takes less time on its way.

    The binding itself where tiles differ or some are not connected.
    """
    first = platform.tiles[0]
    alike = all(replace(tile, name=first.name) == first for tile in platform.tiles)
    away = [
        delay
        for tile, row in enumerate(platform.delays)
        for other, delay in enumerate(row)
        if other != tile
    ]
    if not alike or None in away:
        return binding
    count = len(platform.tiles)
    traffic = np.zeros((count, count), np.int64)
    counts = application.repetition.counts
    for channel, size in zip(application.graph.channels, application.sizes, strict=True):
        moved = size * channel.production * counts[channel.source]
        traffic[binding[channel.source], binding[channel.target]] += moved
    delays = [[0 if each is None else each for each in row] for row in platform.delays]
    position = place(traffic, np.array(delays, np.int64)).position
    return tuple(position[tile] for tile in binding)


def _improved(
    application: Application,
    platform: Platform,
    best: Bound,
    seen: set[tuple[int, ...]],
    evaluations: int,
) -> Bound:
    """Moves one actor of the critical cycle at a time, as long as the period falls."""
    numbers = {actor.name: number for number, actor in enumerate(application.graph.actors)}
    while True:
        cycle = {step.source for step in best.throughput.critical_cycle}
        actors = sorted({numbers[name.split("#")[0]] for name in cycle if name in numbers})
        better: Bound | None = None
        for binding in _moves(actors, best.binding, len(platform.tiles)):
            if binding in seen:
                continue
            if len(seen) >= evaluations:
                return replace(best, complete=False)
            try:
                check_binding(application, binding, platform)
            except (Infeasible, Unconnected):
                continue
            seen.add(binding)
            found = application.guarantee(binding, platform)
            if found.period < best.throughput.period:
                better = Bound(binding, found, True)
                break
        if better is None:
            return best
        best = better


def _moves(
    actors: Sequence[int], binding: tuple[int, ...], tiles: int
) -> Iterator[tuple[int, ...]]:
    for actor in actors:
        for tile in range(tiles):
            if tile != binding[actor]:
                yield (*binding[:actor], tile, *binding[actor + 1 :])
