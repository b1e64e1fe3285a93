"""The trade-off between storage and throughput of a dataflow graph: exact Pareto points.

For each period in turn, the smallest distribution of room over the channels with a shorter one
(the question of Stuijk, Geilen & Basten, DAC 2006). A distribution that misses the target has a
critical cycle, and every better one has more room somewhere on it: the cycle is a *demand*. Best
first search over distributions meets the demands found so far, cheapest first; what it finds is
tested, and gives a new demand or is the answer. More room never slows a graph down, which is why
no distribution is overlooked.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.passes.dataflow.storage_model import UNBOUNDED, Bottleneck, StorageModel

MAX_FIRINGS_EVALUATED = 2_000_000
"""Firings of all distributions that are tested together: about half a minute."""
MAX_NODES = 200_000
"""Distributions that are looked at without a test."""
MAX_POINTS = 200


@dataclass(frozen=True)
class StoragePoint:
    """The least storage for a period.

    Attributes:
        size: tokens for which all bounded channels have room together.
        capacities: of every channel of the graph, None where the search did not bound it.
    """

    period: Fraction
    size: int
    capacities: tuple[int | None, ...]


@dataclass(frozen=True)
class StorageTradeOff:
    """Pareto points, storage ascending and periods descending.

    `complete` is False where the search was cut: the points are exact, but more follow.
    """

    points: tuple[StoragePoint, ...]
    complete: bool


def storage_trade_off(
    graph: Graph,
    capacities: Sequence[int | None] = (),
    max_evaluations: int | None = None,
    max_points: int = MAX_POINTS,
) -> StorageTradeOff:
    """The Pareto points of a graph, from the least storage that runs to the shortest period.

    Channels that have a capacity keep it, and self-loops have no bound: the others share the
    storage. A graph that deadlocks with any storage has no point.

    Raises:
        InconsistentRates: there is no repetition vector.
        TooManyFirings, OverflowError: the graph is too large.
    """
    bounds = list(capacities) or [None] * len(graph.channels)
    free = tuple(
        number
        for number, (channel, bound) in enumerate(zip(graph.channels, bounds, strict=True))
        if bound is None and channel.source != channel.target
    )
    model = StorageModel(graph.with_capacities(bounds), free)
    if max_evaluations is None:
        max_evaluations = max(8, MAX_FIRINGS_EVALUATED // max(1, model.firings))
    search = _Search(model, max_evaluations)
    points: list[StoragePoint] = []
    period: Fraction | None = None
    try:
        while (found := search.cheapest(period)) is not None and len(points) <= max_points:
            steps, period = found
            room = model.capacities(steps)
            spread = list(bounds)
            for number, capacity in zip(free, room, strict=True):
                spread[number] = capacity
            if points and points[-1].size == sum(room):
                points.pop()
            points.append(StoragePoint(period, sum(room), tuple(spread)))
    except _Exhausted:
        # The last point may have the size, but not yet the shortest period at that size.
        return StorageTradeOff(tuple(points[:-1]), False)
    if len(points) > max_points:
        return StorageTradeOff(tuple(points[:-1]), False)
    return StorageTradeOff(tuple(points), True)


class _Exhausted(Exception):
    """The search has reached its limit."""


@dataclass(frozen=True)
class _Cycle:
    """A cycle on which a step of room anywhere is as many more tokens: room x steps >= need."""

    weight: int
    tokens: int
    room: tuple[tuple[int, int], ...]

    def need(self, target: Fraction | None) -> int:
        """Tokens that the room must supply."""
        if target is None:
            return 1 - self.tokens
        return math.floor(self.weight / target - self.tokens) + 1


@dataclass(frozen=True)
class _Demand:
    """What a distribution must meet: sum of times x steps >= need, or one of `steps` be reached."""

    room: tuple[tuple[int, int], ...]
    need: int | None

    def missing(self, steps: Sequence[int]) -> int:
        """0 where the demand is met; else what a linear one lacks, or 1."""
        if self.need is None:
            return 0 if any(steps[place] >= level for place, level in self.room) else 1
        return max(0, self.need - sum(steps[place] * times for place, times in self.room))

    def cost(self, steps: Sequence[int], missing: int, step: Sequence[int]) -> int:
        """The least storage that can meet it."""
        if self.need is None:
            return min((level - steps[place]) * step[place] for place, level in self.room)
        return min(-(-missing * step[place] // times) for place, times in self.room)

    def ways(self, steps: tuple[int, ...], missing: int) -> Iterator[tuple[int, ...]]:
        """Larger distributions, one of which every distribution that meets it contains."""
        for place, number in self.room:
            if self.need is None:
                level = number
            elif len(self.room) == 1:
                level = steps[place] - (-missing // number)
            else:
                level = steps[place] + 1
            yield (*steps[:place], level, *steps[place + 1 :])


class _Search:
    """Distributions in the order of their size, with what was learnt from all of them."""

    def __init__(self, model: StorageModel, max_evaluations: int):
        self._model = model
        self._max_evaluations = max_evaluations
        self._nodes = 0
        self._cycles: dict[_Cycle, None] = {}
        self._levels: dict[_Demand, None] = {}
        self._known: dict[tuple[int, ...], Bottleneck] = {}

    def cheapest(self, target: Fraction | None) -> tuple[tuple[int, ...], Fraction] | None:
        """The smallest distribution with a period below `target`, None where there is none.

        Raises:
            _Exhausted: the limit is reached.
        """
        demands = [_Demand(cycle.room, cycle.need(target)) for cycle in self._cycles]
        demands += self._levels
        start: tuple[int, ...] = (0,) * len(self._model.step)
        heap: list[tuple[int, int, tuple[int, ...]]] = [(0, 0, start)]
        seen: set[tuple[int, ...]] = {start}
        while heap:
            self._nodes += 1
            if self._nodes > MAX_NODES:
                raise _Exhausted
            bound, _, steps = heapq.heappop(heap)
            least, chosen = self._outstanding(demands, steps)
            spent = self._spent(steps)
            if spent + least > bound:
                heapq.heappush(heap, (spent + least, -spent, steps))
                continue
            if chosen is None:
                found = self._bottleneck(steps)
                if not found.misses(target):
                    assert found.period is not None
                    return steps, found.period
                if (demand := self._learn(steps, found, target)) is None:
                    return None
                demands.append(demand)
                heapq.heappush(heap, (bound, -spent, steps))
                continue
            for larger in chosen.ways(steps, chosen.missing(steps)):
                if larger not in seen:
                    seen.add(larger)
                    spent = self._spent(larger)
                    heapq.heappush(heap, (max(bound, spent), -spent, larger))
        return None

    def _spent(self, steps: tuple[int, ...]) -> int:
        return sum(more * step for more, step in zip(steps, self._model.step, strict=True))

    def _outstanding(
        self, demands: list[_Demand], steps: tuple[int, ...]
    ) -> tuple[int, _Demand | None]:
        """Storage that unmet demands without a common channel cost, and the one to branch on."""
        unmet: list[tuple[int, int, _Demand]] = []
        for demand in demands:
            if missing := demand.missing(steps):
                cost = demand.cost(steps, missing, self._model.step)
                unmet.append((len(demand.room), -cost, demand))
        if not unmet:
            return 0, None
        unmet.sort(key=lambda entry: entry[:2])
        taken: set[int] = set()
        total = 0
        for _, cost, demand in unmet:
            places = {place for place, _ in demand.room}
            if not places & taken:
                taken |= places
                total -= cost
        return total, unmet[0][2]

    def _bottleneck(self, steps: tuple[int, ...]) -> Bottleneck:
        found = self._known.get(steps)
        if found is None:
            if self._model.evaluations >= self._max_evaluations:
                raise _Exhausted
            found = self._known[steps] = self._model.bottleneck(steps)
        return found

    def _learn(
        self, steps: tuple[int, ...], found: Bottleneck, target: Fraction | None
    ) -> _Demand | None:
        """The demand that `steps` does not meet; None where no room helps."""
        if not found.room:
            return None
        if all(self._model.fires_once(place) for place, _ in found.room):
            cycle = _Cycle(found.weight, found.tokens, found.room)
            self._cycles[cycle] = None
            return _Demand(cycle.room, cycle.need(target))
        levels = self._largest_that_misses(steps, [place for place, _ in found.room], target)
        if not levels:
            return None
        demand = _Demand(tuple((place, more + 1) for place, more in levels.items()), None)
        self._levels[demand] = None
        return demand

    def _largest_that_misses(
        self, steps: tuple[int, ...], places: list[int], target: Fraction | None
    ) -> dict[int, int]:
        """A distribution that still misses the target, with as much room as one finds."""
        trial = [UNBOUNDED] * len(steps)
        for place in places:
            trial[place] = steps[place]

        def misses(place: int, more: int) -> bool:
            now = (*trial[:place], more, *trial[place + 1 :])
            return self._bottleneck(now).misses(target)

        for place in places:
            if misses(place, UNBOUNDED):
                trial[place] = UNBOUNDED
                continue
            low, high = trial[place], trial[place] + 1
            while misses(place, high):
                low, high = high, 2 * high
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if misses(place, middle) else (low, middle)
            trial[place] = low
        return {place: more for place, more in enumerate(trial) if more != UNBOUNDED}
