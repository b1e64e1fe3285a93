"""Where the energy went: per component, layer and source line, and beside a GPU's model."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from rich.markup import escape
from rich.table import Table

from spikeloom.backend.accounts.baseline import Comparison
from spikeloom.backend.accounts.energy import Amount, energy_of
from spikeloom.backend.host.session import SessionResult
from spikeloom.backend.machine.area import SQUARE_NANOMETRES_PER_SQUARE_MILLIMETRE, area_of
from spikeloom.report import scaled
from spikeloom.tables import print_table

LINES_SHOWN = 10
"""Source lines listed; the rest are one row."""
_NONE = "(none)"


def energy_table(result: SessionResult) -> Table:
    """Dynamic, static and total energy by component (with its area), layer and source line."""
    totals, machine = result.totals, result.machine
    energy = energy_of(totals.ledger(), totals.cycles, machine)
    area = area_of(machine)
    table = Table(box=None, pad_edge=False)
    table.add_column("energy")
    for heading in ("dynamic", "static", "share", "area"):
        table.add_column(heading, justify="right", no_wrap=True)
    _section(table, "component", energy.components, energy.total, area)
    _section(table, "layer", _sorted(energy.layers), energy.total)
    _section(table, "source line", _top(by_line(energy.locations)), energy.total)
    whole = [_joules(energy.dynamic), _joules(energy.static), "100.0 %"]
    table.add_row()
    table.add_row("[bold]total[/bold]", *whole, _square_millimetres(sum(area.values())))
    return table


def by_line(locations: Mapping[str, Amount]) -> dict[str, Amount]:
    """Amounts by `file:line`, columns left out."""
    found: dict[str, Amount] = {}
    for location, amount in locations.items():
        line = location.rpartition(":")[0]
        found[line] = found.get(line, Amount(0, 0)).plus(amount)
    return found


def print_energy(result: SessionResult) -> None:
    """Prints the energy table to standard output, with the name of the table it comes from."""
    machine = result.machine
    description = f"{machine.energy_table} ({machine.energies.description})"
    print_table(energy_table(result))
    print(f"\nenergy table   {description}\n")


def print_comparison(comparison: Comparison) -> None:
    """Prints a GPU's modelled figures beside the machine's, its efficiency at every ratio."""
    gpu, work = comparison.gpu, comparison.work
    bound = "compute" if comparison.compute_time >= comparison.memory_time else "memory"
    credit = f"{gpu.name} at {gpu.efficiency.value} % of its peak, {gpu.efficiency.source}"
    own = scaled(float(comparison.machine_time), "s"), scaled(comparison.machine_energy, "J")
    table = Table(box=None, pad_edge=False)
    table.add_column("a model, not a measurement")
    for heading in (gpu.name, "machine", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    time, energy = scaled(comparison.time, "s"), scaled(comparison.energy, "J")
    table.add_row(f"time ({bound} bound)", time, own[0], _times(comparison.speedup), credit)
    table.add_row("energy", energy, own[1], _times(comparison.energy_saving), credit)
    power = _watts(Fraction(comparison.machine_energy), comparison.machine_time)
    drawn = f"{gpu.power.value} W"
    table.add_row("average power", drawn, power, _times(comparison.power_ratio), credit)
    chips = _square_millimetres(comparison.area), _square_millimetres(comparison.machine_area)
    node = f"{gpu.name} in {gpu.node.value} nm, not scaled"
    table.add_row("area", *chips, _times(comparison.area_saving), node)
    print()
    print_table(table)
    print(f"\n{gpu.name} work      {work.operations:,} operations, {work.bytes:,} bytes")


def _section(
    table: Table,
    title: str,
    amounts: Mapping[str, Amount],
    whole: int,
    area: Mapping[str, int] | None = None,
) -> None:
    table.add_row()
    table.add_row(f"[bold]{title}[/bold]")
    for name, amount in amounts.items():
        square = area.get(name, 0) if area is not None else 0
        if amount.total or square:
            share = f"{100 * amount.total / whole:.1f} %" if whole else ""
            space = _square_millimetres(square) if square else ""
            row = [_joules(amount.dynamic), _joules(amount.static), share, space]
            table.add_row(f"  {escape(_printable(name) or _NONE)}", *row)


def _sorted(amounts: Mapping[str, Amount]) -> dict[str, Amount]:
    """The largest first."""
    order = sorted(amounts, key=lambda name: (-amounts[name].total, name))
    return {name: amounts[name] for name in order}


def _top(amounts: Mapping[str, Amount]) -> dict[str, Amount]:
    """The largest first, and all beyond `LINES_SHOWN` as one."""
    found = _sorted(amounts)
    if len(found) <= LINES_SHOWN:
        return found
    names = list(found)
    rest = Amount(0, 0)
    for name in names[LINES_SHOWN:]:
        rest = rest.plus(found[name])
    shown = {name: found[name] for name in names[:LINES_SHOWN]}
    return {**shown, f"{len(names) - LINES_SHOWN} more": rest}


def _printable(name: str) -> str:
    """The name without control characters: a stream from a file may hold any."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


def _joules(femtojoules: int) -> str:
    return scaled(femtojoules, "J") if femtojoules else "0"


def _square_millimetres(square_nanometres: int) -> str:
    return f"{square_nanometres / SQUARE_NANOMETRES_PER_SQUARE_MILLIMETRE:,.2f} mm2"


def _watts(femtojoules: Fraction, femtoseconds: Fraction) -> str:
    return f"{float(femtojoules / femtoseconds):.3g} W" if femtoseconds else ""


def _times(ratio: Fraction | None) -> str:
    return "" if ratio is None else f"{float(ratio):.2f}x"
