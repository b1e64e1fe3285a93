"""The binding with the shortest guaranteed period that a bounded search finds.

Load-balanced bindings with several weights, each also placed anew where tiles are alike, then moves
of actors that lie on the critical cycle. What decides is always the guarantee itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

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

    `complete` is False where the search was cut before it ran out of moves that might help;
    `evaluations` are the guarantees that were computed.
    """

    binding: tuple[int, ...]
    throughput: Throughput
    complete: bool
    evaluations: int = 1


@dataclass(frozen=True)
class Within:
    """What a search stays within, where it is in a hurry or others own tiles.

    Attributes:
        tiles: that may be used.
        enough: a period at which the search ends.
        checks: moves of which the limits are looked at, at most.
        placing: also places groups anew: some rounds over all pairs of groups and tiles.
        known: guarantees of bindings that were computed before; the search begins with them, and
            they count as evaluations.
    """

    tiles: tuple[int, ...]
    enough: Fraction
    checks: int
    placing: bool
    known: Mapping[tuple[int, ...], Throughput]


def best_binding(
    application: Application,
    platform: Platform,
    weights: Sequence[Weights] = PORTFOLIO,
    evaluations: int = MAX_EVALUATIONS,
    within: Within | None = None,
) -> Bound:
    """The best binding found within a number of guarantees computed.

    Raises:
        Infeasible: none of the weights leads to a binding; says why for the first of them.
        Unconnected: a channel joins tiles without a connection.
    """
    seen: set[tuple[int, ...]] = set()
    best: Bound | None = None
    for binding in _candidates(application, platform, weights, within):
        if binding in seen or _is_too_much(application, platform, binding, best, within):
            continue
        if len(seen) >= max(1, evaluations):
            break
        seen.add(binding)
        known = None if within is None else within.known.get(binding)
        found = application.guarantee(binding, platform) if known is None else known
        if best is None or found.period < best.throughput.period:
            best = Bound(binding, found, True, len(seen))
        if _is_enough(best, within):
            return best
    assert best is not None
    return _improved(application, platform, best, seen, evaluations, within)


def _is_enough(best: Bound, within: Within | None) -> bool:
    return within is not None and best.throughput.period <= within.enough


def _is_too_much(
    application: Application,
    platform: Platform,
    binding: tuple[int, ...],
    best: Bound | None,
    within: Within | None,
) -> bool:
    """Whether the load says without a guarantee that a binding is no better than the best one."""
    if within is None or best is None:
        return False
    return application.load(binding, platform) >= best.throughput.period


def _candidates(
    application: Application,
    platform: Platform,
    weights: Sequence[Weights],
    within: Within | None,
) -> Iterator[tuple[int, ...]]:
    reason: Infeasible | None = None
    found = within is not None and len(within.known) > 0
    usable = None
    if within is not None:
        yield from within.known
        usable = [False] * len(platform.tiles)
        for tile in within.tiles:
            usable[tile] = True
    placed_before: set[tuple[int, ...]] = set()
    for each in weights:
        try:
            binding = balanced_binding(application, platform, each, usable)
        except Infeasible as problem:
            reason = reason or problem
            continue
        found = True
        yield binding
        if within is not None and not within.placing:
            continue
        if (groups := _groups(binding)) not in placed_before:
            placed_before.add(groups)
            yield placed(application, binding, platform, within and within.tiles)
    if not found:
        raise reason or Infeasible("no weights were given")


def _groups(binding: tuple[int, ...]) -> tuple[int, ...]:
    """Who shares a tile with whom, whatever the tile."""
    numbers: dict[int, int] = {}
    return tuple(numbers.setdefault(tile, len(numbers)) for tile in binding)


def placed(
    application: Application,
    binding: tuple[int, ...],
    platform: Platform,
    tiles: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """The same groups of actors on other tiles, so that traffic takes less time on its way.

    The binding itself where tiles differ or some are not connected.

    Args:
        tiles: that may be used, all those of the binding among them; all where left out.
    """
    chosen = list(range(len(platform.tiles)) if tiles is None else tiles)
    first = platform.tiles[chosen[0]]
    alike = all(replace(platform.tiles[each], name=first.name) == first for each in chosen)
    cycles = platform.cycles[np.ix_(chosen, chosen)]
    if not alike or (cycles < 0).any():
        return binding
    number = {tile: place for place, tile in enumerate(chosen)}
    traffic = np.zeros((len(chosen), len(chosen)), np.int64)
    counts = application.repetition.counts
    for channel, size in zip(application.graph.channels, application.sizes, strict=True):
        moved = size * channel.production * counts[channel.source]
        traffic[number[binding[channel.source]], number[binding[channel.target]]] += moved
    position = place(traffic, cycles).position
    return tuple(chosen[position[number[tile]]] for tile in binding)


def _improved(
    application: Application,
    platform: Platform,
    best: Bound,
    seen: set[tuple[int, ...]],
    evaluations: int,
    within: Within | None,
) -> Bound:
    """Moves one actor of the critical cycle at a time, as long as the period falls."""
    numbers = {actor.name: number for number, actor in enumerate(application.graph.actors)}
    tiles = range(len(platform.tiles)) if within is None else within.tiles
    checks = 0
    while not _is_enough(best, within):
        cycle = {step.source for step in best.throughput.critical_cycle}
        actors = sorted({numbers[name.split("#")[0]] for name in cycle if name in numbers})
        better: Bound | None = None
        for binding in _moves(actors, best.binding, tiles):
            if binding in seen:
                continue
            if len(seen) >= evaluations or (within is not None and checks >= within.checks):
                return replace(best, complete=False, evaluations=len(seen))
            checks += 1
            if _is_too_much(application, platform, binding, best, within):
                continue
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
            break
        best = better
    return replace(best, evaluations=len(seen))


def _moves(
    actors: Sequence[int], binding: tuple[int, ...], tiles: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    for actor in actors:
        for tile in tiles:
            if tile != binding[actor]:
                yield (*binding[:actor], tile, *binding[actor + 1 :])
