"""An ablation as a table, as JSON and as a bar chart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from spikeloom.ablation.bar_chart import Bar, Group, bar_chart
from spikeloom.ablation.experiment import Experiment
from spikeloom.ablation.measurement import Measurement
from spikeloom.ablation.variants import SWITCHES
from spikeloom.report import scaled
from spikeloom.tables import print_table


def ablation_table(measurements: Sequence[Measurement], notes: Sequence[str] = ()) -> Table:
    """A row per variant; speedup and energy saving are against the first.

    The last column has the numbers, from 1, of remarks in `notes`.
    """
    first = measurements[0]
    table = Table(box=None, pad_edge=False)
    for switch in SWITCHES:
        table.add_column(switch, no_wrap=True)
    for heading in ("cycles", "speedup", "energy", "saving", "note" if notes else ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in measurements:
        table.add_row(
            *each.variant.choices,
            f"{each.cycles:,}",
            f"{float(each.speedup_over(first)):.2f}x",
            scaled(each.energy_fj, "J"),
            f"{float(each.saving_over(first)):.2f}x",
            str(notes.index(each.remark) + 1) if each.remark in notes else "",
        )
    return table


def print_ablation(measurements: Sequence[Measurement], experiment: Experiment) -> None:
    """Prints the table with its notes, and what it was measured on."""
    notes = list(dict.fromkeys(each.remark for each in measurements if each.remark))
    print_table(ablation_table(measurements, notes))
    print()
    for number, note in enumerate(notes, start=1):
        print(f"note {number}: {note}")
    machine = experiment.machine
    print(f"{experiment.batch_words} of `{experiment.task.network}` on {machine.name};")
    print(f"speedup and saving against {measurements[0].variant.name}")
    print(f"energy table   {machine.energy_table}")


def ablation_json(measurements: Sequence[Measurement], experiment: Experiment) -> str:
    """The measurements with sorted keys, energies in femtojoules; the same bytes every time.

    `loss` is null where nothing was executed; `program` is the name of the file without its folder.
    """
    first = measurements[0]
    rows = [
        {
            "choices": dict(zip(SWITCHES, each.variant.choices, strict=True)),
            "passes": each.variant.passes,
            "cycles": each.cycles,
            "energy_fj": each.energy_fj,
            "loss": each.taken.loss,
            "speedup": float(each.speedup_over(first)),
            "energy_saving": float(each.saving_over(first)),
            "remark": each.remark,
        }
        for each in measurements
    ]
    result = {
        "program": _program(experiment),
        "network": experiment.task.network,
        "measured": experiment.batch_words,
        "machine": experiment.machine.name,
        "energy_table": experiment.machine.energy_table,
        "variants": rows,
    }
    return json.dumps(result, indent=2, sort_keys=True, allow_nan=False) + "\n"


def ablation_chart(measurements: Sequence[Measurement], experiment: Experiment) -> str:
    """Speedups as SVG: a group for each choice of all switches but the last."""
    first = measurements[0]
    groups: dict[str, list[Bar]] = {}
    for each in measurements:
        *others, last = each.variant.choices
        speedup = float(each.speedup_over(first))
        groups.setdefault(", ".join(others), []).append(Bar(last, speedup, f"{speedup:.2f}x"))
    title = f"{_program(experiment)} on {experiment.machine.name}: what each optimisation is worth"
    axis = f"speedup over {first.variant.name}, x (ratio of cycles)"
    return bar_chart(title, axis, [Group(name, tuple(bars)) for name, bars in groups.items()])


def _program(experiment: Experiment) -> str:
    return Path(experiment.task.program).name
