"""`spikeloom reproduce h2learn`: what the abstract claims, beside what the model gives."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from rich.console import Console as Terminal

from spikeloom.ablation.variants import Variant
from spikeloom.backend.accounts.baseline import Gpu, load_gpu
from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.host.session import check_outputs
from spikeloom.backend.host.totals import Totals
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.commands.count import prepare_counting
from spikeloom.reproduction.dependence import dependence_of
from spikeloom.reproduction.figures import figures_of
from spikeloom.reproduction.measurement import Workload, beside_gpu
from spikeloom.reproduction.published import CHOSEN, DECLARED, DENSITIES, EFFICIENCY, WORKLOADS
from spikeloom.reproduction.report import Reproduced, print_reproduction, reproduction_json
from spikeloom.reproduction.signs import ALL_ON, against_events, signs_of
from spikeloom.terminal import EXIT_OK


def command(parsed: argparse.Namespace) -> int:
    """Counts one batch of every workload in every variant that a claim needs, and reports.

    Raises:
        DiagnosticError: an option is wrong, or the machine is too small for a workload.
    """
    check_outputs((parsed.json,))
    machine = load_machine(parsed.machine).with_energy_table(parsed.energy_table)
    gpu = load_gpu().with_efficiency(parsed.efficiency or EFFICIENCY)
    origin = DECLARED if parsed.efficiency else CHOSEN
    densities = parsed.density or DENSITIES
    workloads = [Workload.load(name) for name in parsed.workload or WORKLOADS]
    prepare_counting()
    found = _reproduce_all(workloads, machine, gpu, densities, origin)
    print_reproduction(found, machine, densities)
    if parsed.json is not None:
        write_atomically(parsed.json, reproduction_json(found, machine, densities).encode())
    return EXIT_OK


def _reproduce_all(
    workloads: Sequence[Workload], machine: Machine, gpu: Gpu, densities: str, origin: str
) -> list[Reproduced]:
    found: list[Reproduced] = []
    with Terminal(stderr=True).status("") as status:
        for workload in workloads:

            def count(variant: Variant, workload: Workload = workload) -> Totals:
                status.update(f"{workload.name}: {variant.name}")
                return workload.count(variant, machine, densities)

            best = count(ALL_ON)

            def count_with(shares: str, workload: Workload = workload) -> Totals:
                status.update(f"{workload.name}: densities {shares}")
                return workload.count(ALL_ON, machine, shares)

            dependence = dependence_of(count_with, best, workload.module, densities)
            comparison = beside_gpu(best, machine, gpu)
            training = workload.task.training
            assert training is not None
            found.append(
                Reproduced(
                    workload.name,
                    training.batch,
                    training.steps,
                    best.cycles,
                    best.energy_fj,
                    comparison,
                    origin,
                    figures_of(comparison, machine, dependence.densities, origin),
                    signs_of(count, best),
                    against_events(count, best),
                    dependence,
                )
            )
    return found
