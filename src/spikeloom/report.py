"""The end of a run: accuracy, cycles, energy and the counters as a table."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spikeloom.backend.counters import COUNTERS
from spikeloom.backend.host.progress import Totals
from spikeloom.backend.host.session import SessionResult
from spikeloom.dialects.instruction_set import ENGINE_DESCRIPTIONS

_PLAIN_WIDTH = 120
"""Columns of the table where standard output is no terminal."""

_UNITS = {engine.value: text for engine, text in ENGINE_DESCRIPTIONS.items()}


def scaled(value: float, unit: str) -> str:
    """A quantity given in `unit` x 1e-15 with the prefix that suits it: `1.23 mJ`."""
    for prefix, factor in (("f", 1e3), ("p", 1e3), ("n", 1e3), ("µ", 1e3), ("m", 1e3)):
        if value < 999.5:
            return f"{value:.3g} {prefix}{unit}"
        value /= factor
    return f"{value:,.3g} {unit}"


def counter_table(totals: Totals) -> Table:
    """Every counter that is not zero: name, value, unit, description; a section per unit."""
    table = Table(box=None, pad_edge=False)
    table.add_column("counter", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("description")
    counted = [name for name, value in sorted(totals.counters.items()) if value]
    for unit, names in groupby(counted, key=lambda name: name.partition("__")[0]):
        table.add_row()
        table.add_row(f"[bold]{escape(unit)}[/bold]", "", "", escape(_UNITS.get(unit, "")))
        for name in names:
            spec = COUNTERS[name]
            value = f"{totals.counters[name]:,}"
            table.add_row(f"  {escape(name)}", value, spec.unit, escape(spec.description))
    return table


def print_report(result: SessionResult) -> None:
    """Prints the summary of a run to standard output."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PLAIN_WIDTH)
    console.print(counter_table(result.totals))
    console.print()
    if result.test_accuracy is not None:
        console.print(f"test accuracy  {result.test_accuracy:.4f}")
    megahertz = result.machine.clock.frequency.value
    femtoseconds = result.totals.cycles * 1e9 / megahertz
    time = scaled(femtoseconds, "s")
    clock = f"{result.machine.name} at {megahertz:,} MHz"
    console.print(f"cycles         {result.totals.cycles:,} ({time} on {escape(clock)})")
    console.print(f"energy         {scaled(result.totals.energy_fj, 'J')}")
