"""Where engines stood still: the share of the time that each worked, and what it waited for."""

from __future__ import annotations

from rich.table import Table

from spikeloom.backend.accounts import counters
from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.host.progress import Totals
from spikeloom.dialects.instruction_set import TRAINING_ENGINES, Engine

CAUSES_SHOWN = 3
"""Causes named per engine, the largest; the counters have all."""


def causes(totals: Totals, engine: Engine) -> dict[str, int]:
    """Cycles in which an engine did not work, by what it waited for, the largest first.

    The names are engines whose results were waited for, and `issue`, `back-pressure` and `end`
    (nothing left to do). Together with the active cycles they are all elapsed cycles.
    """
    found = {
        producer.value: totals.counters[counters.engine_counter(engine, q.CYCLES_STALLED_ON + n)]
        for n, producer in enumerate(TRAINING_ENGINES)
    }
    for name, number in (
        ("issue", q.CYCLES_WAITING_FOR_ISSUE),
        ("back-pressure", q.CYCLES_STALLED_ON_BACKPRESSURE),
    ):
        found[name] = totals.counters[counters.engine_counter(engine, number)]
    found["end"] = totals.counters[counters.idle_counter(engine)]
    order = sorted(found, key=lambda name: (-found[name], name))
    return {name: found[name] for name in order if found[name]}


def bubble_table(totals: Totals) -> Table:
    """A row per engine: cycles it worked, their share, and the largest causes of the rest."""
    table = Table(box=None, pad_edge=False)
    table.add_column("engine", no_wrap=True)
    table.add_column("active", justify="right", no_wrap=True)
    table.add_column("of all", justify="right", no_wrap=True)
    table.add_column("otherwise waiting for", no_wrap=True)
    for engine in TRAINING_ENGINES:
        active = totals.counters[counters.engine_counter(engine, q.CYCLES_ACTIVE)]
        waits = list(causes(totals, engine).items())[:CAUSES_SHOWN]
        words = ", ".join(f"{name} {_share(cycles, totals.cycles)}" for name, cycles in waits)
        table.add_row(engine.value, f"{active:,}", _share(active, totals.cycles), words)
    return table


def _share(cycles: int, elapsed: int) -> str:
    return f"{100 * cycles / elapsed:.1f} %" if elapsed else ""
