"""An ablation as a table, as JSON and as a bar chart."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.table import Table

from spikeloom.ablation.bar_chart import Bar, Group, bar_chart
from spikeloom.ablation.measurement import Measurement
from spikeloom.ablation.variants import SWITCHES
from spikeloom.backend.host.plan import Task
from spikeloom.backend.machine.description import Machine
from spikeloom.report import scaled
from spikeloom.tables import print_table


def ablation_table(measurements: Sequence[Measurement]) -> Table:
    """A row per variant; speedup and energy saving are against the first."""
    first = measurements[0]
    table = Table(box=None, pad_edge=False)
    for switch in SWITCHES:
        table.add_column(switch, no_wrap=True)
    for heading in ("cycles", "speedup", "energy", "saving"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in measurements:
        table.add_row(
            *each.variant.choices,
            f"{each.cycles:,}",
            f"{float(each.speedup_over(first)):.2f}x",
            scaled(each.energy_fj, "J"),
            f"{float(each.saving_over(first)):.2f}x",
        )
    return table


def print_ablation(measurements: Sequence[Measurement], task: Task, machine: Machine) -> None:
    """Prints the table, and what it was measured on."""
    print_table(ablation_table(measurements))
    print(f"\none executed training batch of `{task.network}` on {machine.name};")
    print(f"speedup and saving against {measurements[0].variant.name}")
    print(f"energy table   {machine.energy_table}")


def ablation_json(measurements: Sequence[Measurement], task: Task, machine: Machine) -> str:
    """The measurements with sorted keys, energies in femtojoules; the same bytes every time."""
    first = measurements[0]
    rows = [
        {
            "choices": dict(zip(SWITCHES, each.variant.choices, strict=True)),
            "passes": each.variant.passes,
            "cycles": each.cycles,
            "energy_fj": each.energy_fj,
            "loss": each.loss,
            "speedup": float(each.speedup_over(first)),
            "energy_saving": float(each.saving_over(first)),
        }
        for each in measurements
    ]
    result = {
        "program": task.program,
        "network": task.network,
        "machine": machine.name,
        "energy_table": machine.energy_table,
        "variants": rows,
    }
    return json.dumps(result, indent=2, sort_keys=True, allow_nan=False) + "\n"


def ablation_chart(measurements: Sequence[Measurement], task: Task, machine: Machine) -> str:
    """Speedups as SVG: a group for each choice of all switches but the last."""
    first = measurements[0]
    groups: dict[str, list[Bar]] = {}
    for each in measurements:
        *others, last = each.variant.choices
        speedup = float(each.speedup_over(first))
        groups.setdefault(", ".join(others), []).append(Bar(last, speedup, f"{speedup:.2f}x"))
    title = f"{task.network} on {machine.name}: speedup over {first.variant.name}"
    return bar_chart(title, [Group(name, tuple(bars)) for name, bars in groups.items()])
