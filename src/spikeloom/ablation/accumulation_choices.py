"""What `fuse-luts` chooses for each layer and engine, beside every choice forced on all of them.

A batch is counted with declared densities, or executed and compiled for the densities that it
measured. Compared are the cycles of the batch, and the energy that the instructions of the Forward
and the Weight Update Engine cause.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from spikeloom.ablation.experiment import Executed
from spikeloom.ablation.variants import Variant
from spikeloom.backend.accounts.energy import energy_of
from spikeloom.backend.host.executor import Executor
from spikeloom.backend.host.totals import Totals
from spikeloom.backend.machine.description import Machine
from spikeloom.compiler import compile_program
from spikeloom.dialects.activity_profile import ActivityProfile
from spikeloom.dialects.instruction_set import Engine
from spikeloom.reproduction.measurement import Workload

FORCED = ("accumulate=plain", "accumulate=events", "width=1", "width=2", "width=3", "width=4")
"""All uniform choices on the bundled machine, as options of `fuse-luts`."""

Measure = Callable[[Variant], Totals]
"""A batch compiled in one way."""


@dataclass(frozen=True)
class Compared:
    """Cycles with goal=time, femtojoules with goal=energy, and both of what was forced."""

    cycles: int
    energy_fj: int
    forced: Mapping[str, tuple[int, int]]

    @property
    def best_cycles(self) -> tuple[int, str]:
        """The fewest cycles of a forced choice, and that choice."""
        return min((cycles, name) for name, (cycles, _) in self.forced.items())

    @property
    def best_energy(self) -> tuple[int, str]:
        """The least energy of a forced choice, and that choice."""
        return min((energy, name) for name, (_, energy) in self.forced.items())


def compare_choices(
    measure: Measure, analysis: str, machine: Machine, forced: Sequence[str] = FORCED
) -> Compared:
    """The choices of one program; `analysis` is the pass that says what densities are expected."""

    def choice(options: str) -> tuple[int, int]:
        passes = f"mask-gradients,{analysis},fuse-luts{{{options}}},schedule-engines"
        totals = measure(Variant((options,), passes))
        engines = energy_of(totals.ledger(), totals.cycles, machine).engines
        adding = (engines[Engine.FORWARD].dynamic, engines[Engine.WEIGHT_UPDATE].dynamic)
        return totals.cycles, sum(adding)

    cycles, _ = choice("goal=time")
    _, energy = choice("goal=energy")
    return Compared(cycles, energy, {options: choice(options) for options in forced})


def compare_counted(
    workload: Workload, densities: str, machine: Machine, forced: Sequence[str] = FORCED
) -> Compared:
    """The choices of a workload's batch, counted with these densities.

    Raises:
        DiagnosticError: the densities are not well written, or the machine is too small.
    """

    def measure(variant: Variant) -> Totals:
        return workload.count(variant, machine, densities)

    analysis = f'analyze-sparsity{{density="{densities}"}}'
    return compare_choices(measure, analysis, machine, forced)


def compare_executed(experiment: Executed, forced: Sequence[str] = FORCED) -> Compared:
    """The choices of an executed batch, compiled for the densities that a first run measured.

    Raises:
        DiagnosticError: a pass refuses the program, or the machine is too small for it.
    """
    task, machine, sizes = experiment.task, experiment.machine, experiment.sizes
    plan = task.with_sizes(sizes)

    def measure(variant: Variant) -> Totals:
        image = compile_program(
            experiment.module, task, machine, sizes=sizes, pipeline=variant.pipeline
        )
        executor = Executor(image, plan, machine, experiment.seed, experiment.threads)
        return executor.run("train", experiment.batch).totals

    active = measure(Variant(("first",), "mask-gradients,fuse-luts,schedule-engines")).activity
    profile = ActivityProfile(
        network=task.network, steps=sizes.steps, input=active.input, layers=active.layers
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "profile.json"
        path.write_text(json.dumps({"profile": profile.model_dump(mode="json")}))
        return compare_choices(measure, f'analyze-sparsity{{profile="{path}"}}', machine, forced)
