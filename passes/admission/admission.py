"""Admission: tiles, a binding and a guarantee for a program while others run, or why not.

As few tiles as the limits allow, in a compact block of free ones; a load-balanced binding, the
order of the single tile projected on it, and the guarantee of that. Where the guarantee is not
enough, as many tiles as can be of use, and then fewer again; where no number of tiles is, a bounded
local search on as many tiles as can be of use. Everything that takes long (clusters,
repetition vector, order, buffers) was done when the application was prepared.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from spikeloom.passes.admission.bounds import Limit, least_tiles, shortest_period
from spikeloom.passes.admission.chip import ChipState, Running
from spikeloom.passes.admission.local_search import evaluations_for, is_small, searched_on
from spikeloom.passes.admission.regions import compact_block
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.load_balance import BALANCED, Weights, balanced_binding
from spikeloom.passes.binding.resources import Infeasible
from spikeloom.passes.binding.transfers import Unconnected
from spikeloom.passes.dataflow.throughput import Throughput

MAX_ATTEMPTS = 3
"""Numbers of tiles that one decision tries."""

SHOWN_ACTORS = 6

_ATTEMPTS = ((BALANCED, None), (Weights(), None))
"""Weights and moves (None: as many as there are actors) that are tried with the same tiles."""


@dataclass(frozen=True)
class Admitted:
    """Yes.

    Attributes:
        state: the chip's state with the program on it.
        orders: the static order of every tile, empty where the program owns none.
        throughput: the guarantee, with its critical cycle.
    """

    state: ChipState
    program: Running
    orders: tuple[tuple[int, ...], ...]
    throughput: Throughput


@dataclass(frozen=True)
class Refused:
    """No.

    Attributes:
        limit: what stands against it.
        reason: the object, the limit and the values, in one line.
        remedy: what would help.
        best: the shortest period found, None where there was no binding.
        complete: False where more numbers of tiles might have been tried, or the local search was
            cut at its number of guarantees.
    """

    limit: Limit
    reason: str
    remedy: str
    best: Fraction | None = None
    complete: bool = True


def admit(
    state: ChipState,
    name: str,
    application: Application,
    period: Fraction,
    attempts: int = MAX_ATTEMPTS,
) -> Admitted | Refused:
    """Whether a program can run with a guaranteed period, given what runs already.

    Args:
        period: the longest one wanted, in cycles per iteration.
        attempts: numbers of tiles to try at most.

    Raises:
        ValueError: the period is not positive, or a program of this name runs.
        Deadlock, TooManyFirings, OverflowError: the graph cannot be analysed.
    """
    if period <= 0:
        raise ValueError(f"{name} wants a period of {period}, which is not positive")
    if any(each.name == name for each in state.running):
        raise ValueError(f"a program called {name} is running")
    least = _least(state, name, application, period)
    if isinstance(least, Refused):
        return least
    most = max(least, min(len(state.free), len(application.states)))
    search = _Search(state, application, period)
    search.run(least, most, attempts)
    if not search.is_enough:
        search.search_on(most)
    if search.best is None or not search.is_enough:
        return search.refusal(name, least, most)
    program = Running(name, application, search.binding, period, search.best.period)
    orders = application.orders(search.binding, state.platform)
    return Admitted(state.admitted(program), program, orders, search.best)


def _least(
    state: ChipState, name: str, application: Application, period: Fraction
) -> int | Refused:
    """The fewest tiles to try, or a refusal where a bound says that no binding will do."""
    if not state.usable:
        return Refused(Limit.TILES, "all tiles of the chip are broken", "use another chip")
    shortest = shortest_period(application, state.platform, state.usable)
    if shortest.period > period:
        return Refused(
            Limit.PERIOD,
            f"{name} cannot have a period of {period}: {shortest.whose}, {shortest.period} cycles",
            f"ask for a period of {shortest.period} or more, or divide the work",
            shortest.period,
        )
    demand = least_tiles(application, state.platform, state.free, period)
    if demand.count is not None:
        return demand.count
    whole = least_tiles(application, state.platform, state.usable, period)
    if whole.count is None:
        return Refused(
            Limit.TILES if whole.limit is Limit.ACTORS else whole.limit,
            f"{name} needs {whole.needed}, more than all {len(state.usable)} usable tiles have",
            _smaller(whole.limit),
        )
    return Refused(
        Limit.TILES,
        f"{name} needs at least {whole.count} tiles for {whole.needed}, "
        f"and {len(state.free)} of {len(state.usable)} are free",
        "wait until programs depart" + _or_smaller(whole.limit),
    )


def _smaller(limit: Limit) -> str:
    if limit is Limit.PERIOD:
        return "ask for a longer period, or use more or faster tiles"
    if limit is Limit.MEMORY:
        return "use smaller buffers or tokens, or tiles with more memory"
    return "use a larger chip, or larger crossbars"


def _or_smaller(limit: Limit) -> str:
    return ", or ask for a longer period" if limit is Limit.PERIOD else ""


class _Search:
    """Attempts with several numbers of tiles, and the best of them."""

    def __init__(self, state: ChipState, application: Application, period: Fraction):
        self._state, self._application, self._period = state, application, period
        self.binding: tuple[int, ...] = ()
        self.best: Throughput | None = None
        self._tried: set[tuple[int, ...]] = set()
        self._known: dict[tuple[int, ...], Throughput] = {}
        self._evaluations = 0
        self._reason: Infeasible | Unconnected | None = None
        self._load: Fraction | None = None
        self._complete = True

    @property
    def is_enough(self) -> bool:
        """Whether the best guarantee is short enough."""
        return self.best is not None and self.best.period <= self._period

    def run(self, least: int, most: int, attempts: int) -> None:
        """The fewest tiles first; the most, if they are not enough; then between the two."""
        if self._attempt(least, thorough=least == most) or least == most:
            return
        if attempts < 2 or not self._attempt(most, thorough=True):
            self._complete = most - least <= 1
            return
        enough, few = most, least
        for _ in range(attempts - 2):
            if enough - few <= 1:
                return
            middle = (enough + few) // 2
            if self._attempt(middle):
                enough = middle
            else:
                few = middle

    def _attempt(self, count: int, thorough: bool = False) -> bool:
        """Tries so many tiles; True where the guarantee is good enough."""
        state = self._state
        usable = [False] * len(state.platform.tiles)
        for tile in compact_block(state.platform, state.free, count, state.blocks):
            usable[tile] = True
        for weights, moves in _ATTEMPTS if thorough else _ATTEMPTS[:1]:
            try:
                binding = balanced_binding(
                    self._application, state.platform, weights, usable, moves
                )
                if self._is_enough(binding):
                    return True
            except (Infeasible, Unconnected) as problem:
                self._reason = problem
        return False

    def search_on(self, most: int) -> None:
        """Searches locally on as many tiles as can be of use, since no bound says no.

        Where actors are few, then also on twice as many, between which they can be spread.
        """
        free = len(self._state.free)
        wider = min(free, 2 * most) if is_small(self._application) else most
        left = evaluations_for(self._application)
        for count in dict.fromkeys((most, wider)):
            before = self._evaluations
            complete = self._searched(count, left)
            left -= self._evaluations - before
            if self.is_enough:
                return
            if left < 1 or not complete:
                self._complete = False
                return

    def _searched(self, count: int, evaluations: int) -> bool:
        """Searches with so many tiles; False where that was cut."""
        state = self._state
        block = compact_block(state.platform, state.free, count, state.blocks)
        try:
            found = searched_on(
                self._application, state.platform, block, self._period, evaluations, self._known
            )
        except (Infeasible, Unconnected) as problem:
            self._reason = self._reason or problem
            return True
        self._evaluations += found.evaluations - len(self._known)
        self._known[found.binding] = found.throughput
        if self.best is None or found.throughput.period < self.best.period:
            self.binding, self.best = found.binding, found.throughput
        return found.complete

    def _is_enough(self, binding: tuple[int, ...]) -> bool:
        """Keeps a binding that is enough, or the best one."""
        if binding in self._tried:
            return False
        self._tried.add(binding)
        load = self._application.load(binding, self._state.platform)
        if load > self._period:
            # The period is at least that; the guarantee need not be computed.
            self._load = load if self._load is None else min(load, self._load)
            return False
        found = self._application.guarantee(binding, self._state.platform)
        self._known[binding] = found
        self._evaluations += 1
        enough = found.period <= self._period
        if enough or self.best is None or found.period < self.best.period:
            self.binding, self.best = binding, found
        return enough

    def refusal(self, name: str, least: int, most: int) -> Refused:
        """Why no attempt was good enough."""
        complete = self._complete
        if self.best is not None or self._load is not None:
            return self._too_slow(name, least, most, complete)
        limit = Limit(getattr(self._reason, "limit", None) or Limit.REACH.value)
        reason = (
            f"{name} has no binding that was found on {most} of {len(self._state.free)} free "
            f"tiles: {self._reason}"
        )
        return Refused(limit, reason, self._remedy(_remedies[limit]), None, complete)

    def _too_slow(self, name: str, least: int, most: int, complete: bool) -> Refused:
        tiles = f"{least} tiles" if least == most else f"{least} to {most} tiles"
        if self.best is None:
            best, cycle = self._load, "the work of its fullest tile"
            assert best is not None
        else:
            best = self.best.period
            names = [step.source for step in self.best.critical_cycle]
            shown = " -> ".join(names[:SHOWN_ACTORS])
            cycle = f"critical cycle {shown}{' ...' if len(names) > SHOWN_ACTORS else ''}"
        plural = "" if self._evaluations == 1 else "s"
        return Refused(
            Limit.PERIOD,
            f"{name} wants a period of {self._period}; the best guarantee found on {tiles} "
            f"is {best} ({cycle}); none is shorter in {self._evaluations} evaluation{plural}",
            self._remedy(f"ask for a period of {best} or more"),
            best,
            complete,
        )

    def _remedy(self, words: str) -> str:
        """A remedy; that others depart is one only where others run."""
        return f"{words}, or let other programs depart" if self._state.running else words


_remedies = {
    Limit.TILES: "use a larger chip",
    Limit.ACTORS: "use tiles with more crossbars",
    Limit.MEMORY: "use smaller buffers or tokens, or tiles with more memory",
    Limit.CONNECTIONS: "use fewer clusters or channels, or tiles with more connections",
    Limit.REACH: "use tiles that are connected",
    Limit.PERIOD: "ask for a longer period",
}
