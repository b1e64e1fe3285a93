"""The reproduction as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from spikeloom.backend.accounts.baseline import Comparison, load_gpu
from spikeloom.backend.machine.description import Machine
from spikeloom.report import scaled
from spikeloom.reproduction.dependence import Dependence
from spikeloom.reproduction.figures import Figure, common_efficiencies, efficiencies_of
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
    efficiency_origin: str
    figures: tuple[Figure, ...]
    signs: tuple[Sign, ...]
    ours: tuple[Sign, ...]
    dependence: Dependence


def print_reproduction(found: Sequence[Reproduced], machine: Machine, densities: str) -> None:
    """Prints what is published, what is modelled, and what that rests on."""
    print("H2Learn against a V100: published in its abstract, and modelled here\n")
    print_table(_figures(found))
    print("\nV5: signs of the abstract's claims\n")
    print_table(_signs([(each.workload, each.signs) for each in found]))
    for each in found:
        print(f"{each.workload:14s} sparsity and pipeline rest on {_rests_on(each)}")
    print("\nOurs, nothing is published of it (events also rest on the density of spikes)\n")
    print_table(_signs([(each.workload, each.ours) for each in found]))
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
    print(f"efficiency     {_efficiency_words(found)}")


def _rests_on(each: Reproduced) -> str:
    note = f". {each.dependence.note}" if each.dependence.note else ""
    return f"{each.dependence.densities}{note}"


def _efficiency_words(found: Sequence[Reproduced]) -> str:
    """Where the V100's efficiency comes from, and why another command declares another."""
    gpu, common = found[0].comparison.gpu, common_efficiencies([e.comparison for e in found])
    holds = "no efficiency puts V2 of all workloads above inside its range"
    if common is not None:
        low, high = float(common.low), float(common.high)
        holds = f"V2 of all workloads above lies inside for {low:.1f} to {high:.1f} %"
    return (
        f"{gpu.efficiency.value} %, {found[0].efficiency_origin}; {holds}. `run --baseline` "
        f"declares {load_gpu().efficiency.value} % by default, an assumption that favours the "
        "V100 and is not fitted to any published ratio; so its speedups are smaller than these"
    )


def _figures(found: Sequence[Reproduced]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("", "workload", "ratio", "claim", "which is"):
        table.add_column(heading, no_wrap=True)
    table.add_column("modelled", justify="right", no_wrap=True)
    table.add_column("agrees", no_wrap=True)
    table.add_column("rests on")
    for place in range(4):
        for each in found:
            figure = each.figures[place]
            words = figure.assumptions + (f". Differs: {figure.reason}" if figure.reason else "")
            table.add_row(
                figure.name, each.workload, figure.quantity, figure.claimed, figure.origin,
                f"{float(figure.modelled):.2f}x", "yes" if figure.holds else "no", words,
            )  # fmt: skip
    return table


def _signs(found: Sequence[tuple[str, tuple[Sign, ...]]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("claim", "workload"):
        table.add_column(heading, no_wrap=True)
    for heading in ("without", "with", "gain"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("holds", no_wrap=True)
    table.add_column("compared")
    for place in range(len(found[0][1])):
        for workload, signs in found:
            sign = signs[place]
            table.add_row(
                sign.claim, workload, f"{sign.without:,}", f"{sign.with_it:,}",
                f"{float(sign.gain):.2f}x", "yes" if sign.holds else "no", sign.compared,
            )  # fmt: skip
    return table


def reproduction_json(found: Sequence[Reproduced], machine: Machine, densities: str) -> str:
    """Everything of the tables with sorted keys; the same bytes every time."""
    result = {
        "machine": machine.name,
        "energy_table": machine.energy_table,
        "densities": densities,
        "efficiency": _efficiency_words(found),
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
                "claimed": figure.claimed,
                "origin": figure.origin,
                "accepted": [float(figure.accepted.low), float(figure.accepted.high)],
                "modelled": float(figure.modelled),
                "holds": figure.holds,
                "assumptions": figure.assumptions,
                "reason": figure.reason,
            }
            for figure in each.figures
        },
        "signs": [_sign(sign) for sign in each.signs],
        "ours": [_sign(sign) for sign in each.ours],
        "rests_on": list(each.dependence.kinds),
        "note": each.dependence.note,
    }


def _sign(sign: Sign) -> dict[str, object]:
    return {
        "claim": sign.claim,
        "compared": sign.compared,
        "without": sign.without,
        "with": sign.with_it,
        "gain": float(sign.gain),
        "holds": sign.holds,
    }
