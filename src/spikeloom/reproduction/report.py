"""The reproduction as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from spikeloom.backend.accounts.baseline import Comparison
from spikeloom.backend.machine.description import Machine
from spikeloom.report import scaled
from spikeloom.reproduction.figures import Figure, efficiencies_of
from spikeloom.reproduction.signs import Sign
from spikeloom.tables import print_table


@dataclass(frozen=True)
class Reproduced:
    """A workload on the whole machine, beside the GPU's model, and the sign of every claim."""

    workload: str
    batch: int
    steps: int
    cycles: int
    energy_fj: int
    comparison: Comparison
    figures: tuple[Figure, ...]
    signs: tuple[Sign, ...]


def print_reproduction(found: Sequence[Reproduced], machine: Machine, densities: str) -> None:
    """Prints what is published, what is modelled, and what that rests on."""
    print("H2Learn against a V100: published in its abstract, and modelled here\n")
    print_table(_figures(found))
    print("\nV5: signs of the abstract's claims\n")
    print_table(_signs(found))
    print(f"\nmachine        {machine.name}, energy table {machine.energy_table}")
    print(f"densities      {densities}, given, not measured in these programs")
    print("not executed   counted from the same instruction streams as an executed batch")
    for each in found:
        time = scaled(float(each.comparison.machine_time), "s")
        size = f"batch of {each.batch} over {each.steps} steps"
        energy = scaled(each.energy_fj, "J")
        print(f"{each.workload:14s} {size}: {each.cycles:,} cycles, {time}, {energy}")
    for each in found:
        inside = efficiencies_of(each.comparison)
        words = f"{float(inside.low):.1f} % to {float(inside.high):.1f} %"
        print(f"{each.workload:14s} V2 agrees for a V100 at {words} of its peak")


def _figures(found: Sequence[Reproduced]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "workload", "ratio", "published"):
        table.add_column(heading, no_wrap=True)
    table.add_column("modelled", justify="right", no_wrap=True)
    table.add_column("agrees", no_wrap=True)
    table.add_column("rests on")
    for place in range(4):
        for each in found:
            figure = each.figures[place]
            words = figure.assumptions + (f". Differs: {figure.reason}" if figure.reason else "")
            table.add_row(
                figure.name, each.workload, figure.quantity, figure.published,
                f"{float(figure.modelled):.2f}x", "yes" if figure.holds else "no", words,
            )  # fmt: skip
    return table


def _signs(found: Sequence[Reproduced]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("claim", "workload"):
        table.add_column(heading, no_wrap=True)
    for heading in ("without", "with", "gain"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("holds", no_wrap=True)
    table.add_column("compared")
    for place in range(len(found[0].signs)):
        for each in found:
            sign = each.signs[place]
            table.add_row(
                sign.claim, each.workload, f"{sign.without:,}", f"{sign.with_it:,}",
                f"{float(sign.gain):.2f}x", "yes" if sign.holds else "no", sign.compared,
            )  # fmt: skip
    return table


def reproduction_json(found: Sequence[Reproduced], machine: Machine, densities: str) -> str:
    """Everything of the tables with sorted keys; the same bytes every time."""
    result = {
        "machine": machine.name,
        "energy_table": machine.energy_table,
        "densities": densities,
        "workloads": {each.workload: _workload(each) for each in found},
    }
    return json.dumps(result, indent=2, sort_keys=True, allow_nan=False) + "\n"


def _workload(each: Reproduced) -> dict[str, object]:
    inside = efficiencies_of(each.comparison)
    return {
        "batch": each.batch,
        "steps": each.steps,
        "cycles": each.cycles,
        "energy_fj": each.energy_fj,
        "efficiencies": [float(inside.low), float(inside.high)],
        "figures": {
            figure.name: {
                "quantity": figure.quantity,
                "published": figure.published,
                "accepted": [float(figure.accepted.low), float(figure.accepted.high)],
                "modelled": float(figure.modelled),
                "holds": figure.holds,
                "assumptions": figure.assumptions,
                "reason": figure.reason,
            }
            for figure in each.figures
        },
        "signs": [
            {
                "claim": sign.claim,
                "compared": sign.compared,
                "without": sign.without,
                "with": sign.with_it,
                "gain": float(sign.gain),
                "holds": sign.holds,
            }
            for sign in each.signs
        ],
    }
