"""The result of a run as JSON: the same bytes for the same program, seed and machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from spikeloom.backend.accounts.energy import energy_of
from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.host.plan import Plan
from spikeloom.backend.host.progress import EpochReport
from spikeloom.backend.host.totals import Totals
from spikeloom.backend.machine.description import Machine
from spikeloom.dialects.activity_profile import ActivityProfile


def result_json(
    plan: Plan,
    seed: int,
    machine: Machine,
    epochs: tuple[EpochReport, ...],
    test_accuracy: float | None,
    totals: Totals,
    counted: Mapping[str, object] | None = None,
) -> str:
    """The result with sorted keys; accuracies lie in [0, 1], energy is in femtojoules.

    `energy_table` names the table of the machine file that the energies were computed with;
    `energy_fj_by_layer` adds up to `energy_fj`, and holds under "" what belongs to no layer.
    `profile` is what `analyze-sparsity{profile=...}` reads. `counted` says that nothing was
    executed, and from what the counts are.
    """
    activity = totals.activity
    profile = ActivityProfile(
        network=plan.network,
        steps=plan.sizes.steps,
        input=activity.input,
        layers=activity.layers,
    )
    result: dict[str, object] = {
        "program": plan.program,
        "seed": seed,
        "epochs": [epoch.model_dump() for epoch in epochs],
        "test_accuracy": test_accuracy,
        "cycles": totals.cycles,
        "counters": totals.counters,
        "energy_fj": totals.energy_fj,
        "energy_fj_by_layer": {
            name: {"dynamic": amount.dynamic, "static": amount.static}
            for name, amount in energy_of(totals.ledger(), totals.cycles, machine).layers.items()
        },
        "energy_table": machine.energy_table,
        "machine": machine.name,
        "profile": profile.model_dump(),
    }
    if counted is not None:
        result["counted"] = counted
    return json.dumps(result, indent=2, sort_keys=True, allow_nan=False) + "\n"


def write_result(path: Path, text: str) -> None:
    """Writes the result; raises a `DiagnosticError` (E0402) when that is impossible."""
    write_atomically(path, text.encode())
