"""The conservation laws of a run. They are asserted in every run, not only in tests.

- every engine's states and its idle time add up to the elapsed cycles;
- totals per instruction, engine, layer and source location agree;
- operations issued, skipped for either reason or both, and fused make up the dense ones;
- energy per component, engine, layer and source location, and the exported actions, agree with
  count x constant, in dynamic and in static energy;
- nothing is counted on an engine that cannot count it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spikeloom.backend.accounts import counters
from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.actions import action_counts
from spikeloom.backend.accounts.energy import Amount, energy_weights
from spikeloom.backend.accounts.results import ENGINES, CounterTotals, Counts, RunResult
from spikeloom.backend.machine.components import leakage_per_cycle

_MEANINGFUL = np.array(
    [
        [engine in counters.QUANTITIES[number].engines for number in range(q.QUANTITIES)]
        for engine in ENGINES
    ]
)
"""[engines, quantities]: whether the engine can count the quantity."""


class IdentityError(AssertionError):
    """A conservation law is broken: an error of the interpreter, never of the user."""


def check_identities(result: RunResult) -> None:
    """Checks all laws on one run.

    Raises:
        IdentityError: with the law, the place and both values.
    """
    totals = result.totals()
    engines = totals.per_engine()
    _check_states(engines, result)
    _check_work(result.counts, "additions", q.ADDITIONS_DENSE, q.ADDITION_PARTS)
    _check_work(result.counts, "multiplications", q.MULTIPLICATIONS_DENSE, q.MULTIPLICATION_PARTS)
    _check_totals(result.counts, engines, totals)
    _check_energy(result, totals)
    _check_registry(engines)


def _require(law: str, place: str, found: int, expected: int) -> None:
    if found != expected:
        raise IdentityError(f"{law}: {place}: {found} instead of {expected}")


def _check_states(engines: Counts, result: RunResult) -> None:
    for engine, row, idle in zip(ENGINES, engines, result.idle, strict=True):
        spent = int(row[list(q.STATES)].sum()) + int(idle)
        _require("states add up to the elapsed cycles", engine.value, spent, result.elapsed)


def _check_work(counts: Counts, what: str, dense: int, parts: tuple[int, ...]) -> None:
    known = counts[:, list(parts)].sum(axis=1)
    for record in np.flatnonzero(known != counts[:, dense]):
        law, place = f"issued + skipped + fused = dense {what}", f"instruction {record}"
        _require(law, place, int(known[record]), int(counts[record, dense]))


def _check_totals(counts: Counts, engines: Counts, totals: CounterTotals) -> None:
    expected = counts.sum(axis=0)
    groups = {
        "engine": list(engines),
        "layer": list(totals.per_layer().values()),
        "location": list(totals.per_location().values()),
    }
    for name, rows in groups.items():
        found = np.sum(rows, axis=0) if rows else np.zeros_like(expected)
        for column in np.flatnonzero(found != expected):
            law = f"totals per {name} and per instruction agree"
            place = counters.QUANTITIES[int(column)].name
            _require(law, place, int(found[column]), int(expected[column]))


def _check_energy(result: RunResult, totals: CounterTotals) -> None:
    # Python integers: a machine file may name energies beyond 64 bits of femtojoules.
    counted: list[int] = result.counts.sum(axis=0).tolist()
    weights: list[int] = energy_weights(result.machine).tolist()
    dynamic = sum(count * weight for count, weight in zip(counted, weights, strict=True))
    static = result.elapsed * sum(leakage_per_cycle(result.machine).values())
    energy = totals.energy()
    law = "energy is the sum of count x constant"
    views: dict[str, Iterable[Amount]] = {
        "component": energy.components.values(),
        "engine": energy.engines.values(),
        "layer": energy.layers.values(),
        "location": energy.locations.values(),
    }
    for name, amounts in views.items():
        found = [sum(parts) for parts in zip(*amounts, strict=True)] or [0, 0]
        _require(law, f"dynamic, by {name}", found[0], dynamic)
        _require(law, f"static, by {name}", found[1], static)
    actions = action_counts(totals.ledger(), result.elapsed, result.machine)
    _require(law, "by action", sum(action.energy for action in actions), dynamic + static)


def _check_registry(engines: Counts) -> None:
    stray: list[list[int]] = np.argwhere(~_MEANINGFUL & (engines != 0)).tolist()
    for row, column in stray:
        place = f"{ENGINES[row].value} {counters.QUANTITIES[column].name}"
        _require("nothing is counted where it has no meaning", place, int(engines[row, column]), 0)
