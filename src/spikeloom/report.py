"""The end of a run: accuracy, cycles, energy and the counters as a table."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from spikeloom.backend.accounts.counters import COUNTERS
from spikeloom.backend.host.progress import Totals
from spikeloom.backend.host.session import SessionResult
from spikeloom.bubble_report import bubble_table
from spikeloom.dialects.instruction_set import ENGINE_DESCRIPTIONS
from spikeloom.tables import print_table

_REST = "machine and memories"
_UNITS = {engine.value: text for engine, text in ENGINE_DESCRIPTIONS.items()}


def scaled(value: float, unit: str) -> str:
    """A quantity given in `unit` x 1e-15 with the prefix that suits it: `1.23 mJ`."""
    for prefix, factor in (("f", 1e3), ("p", 1e3), ("n", 1e3), ("µ", 1e3), ("m", 1e3)):
        if value < 999.5:
            return f"{value:.3g} {prefix}{unit}"
        value /= factor
    return f"{value:,.3g} {unit}"


def _section(counter: str) -> str:
    unit = counter.partition("__")[0]
    return unit if unit in _UNITS else _REST


def counter_table(totals: Totals) -> Table:
    """Every counter that is not zero: name, value, unit, description; a section per engine.

    An engine that has counted nothing has no section.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("counter", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("description (counters that are zero are left out)")
    for section, description in {**_UNITS, _REST: ""}.items():
        found = [(n, v) for n, v in sorted(totals.counters.items()) if v and _section(n) == section]
        if not found:
            continue
        table.add_row()
        table.add_row(f"[bold]{escape(section)}[/bold]", "", "", escape(description))
        for name, value in found:
            spec = COUNTERS[name]
            table.add_row(f"  {name}", f"{value:,}", spec.unit, escape(spec.description))
    return table


def summary(result: SessionResult) -> str:
    """Accuracy, cycles with the time that they take on the machine, and energy."""
    lines: list[str] = []
    if result.test_accuracy is not None:
        lines.append(f"test accuracy  {result.test_accuracy:.4f}")
    megahertz = result.machine.clock.frequency.value
    time = scaled(result.totals.cycles * 1e9 / megahertz, "s")
    clock = f"{result.machine.name} at {megahertz:,} MHz"
    lines.append(f"cycles         {result.totals.cycles:,} ({time} on {clock})")
    lines.append(f"energy         {scaled(result.totals.energy_fj, 'J')}")
    return "\n".join(lines)


def print_report(result: SessionResult) -> None:
    """Prints counters, bubbles and summary, as wide as a terminal is or as needed."""
    for table in (counter_table(result.totals), bubble_table(result.totals)):
        print_table(table)
        print()
    print(summary(result))
