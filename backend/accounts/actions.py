"""Actions: what costs energy, how often it happened and for whom; the export for other tables.

An action is one row: `count` times `energy_per_action`. Arithmetic belongs to the engine that
does it, traffic to the memory, and leakage is an action of each component per elapsed cycle, so
that the rows add up to the whole energy.
"""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, dataclass
from pathlib import Path

from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.counters import QUANTITIES
from spikeloom.backend.accounts.owner import Ledger, Owner
from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.machine.components import leakage_per_cycle
from spikeloom.backend.machine.description import Machine
from spikeloom.dialects.instruction_set import MEMORIES

LEAKAGE = "leakage"
HEADER = (
    "component",
    "action",
    "layer",
    "location",
    "count",
    "unit",
    "energy_fj_per_action",
    "energy_fj",
)
"""The columns of the exported file."""


@dataclass(frozen=True)
class PricedAction:
    """An action of the energy table: the quantity that counts it, femtojoules for one.

    `memory` is "" where the engine itself does it.
    """

    name: str
    quantity: int
    memory: str
    energy: int

    def component(self, owner: Owner) -> str:
        """The engine or memory in which the owner's action takes place."""
        return self.memory or owner.engine.value


@dataclass(frozen=True, order=True)
class ActionCount:
    """One row of the export, its fields in the order of `HEADER`; energies in femtojoules."""

    component: str
    action: str
    layer: str
    location: str
    count: int
    unit: str
    energy_per_action: int
    energy: int


def priced_actions(machine: Machine) -> tuple[PricedAction, ...]:
    """Every dynamic action with its price in the machine's energy table."""
    table = machine.energies
    found = [
        PricedAction("addition", q.ADDITIONS_ISSUED, "", table.addition.value),
        PricedAction("multiplication", q.MULTIPLICATIONS, "", table.multiplication.value),
    ]
    for index, memory in enumerate(MEMORIES):
        read, write = table.per_byte(memory)
        found.append(PricedAction("read", q.BYTES_READ + index, memory, read))
        found.append(PricedAction("write", q.BYTES_WRITTEN + index, memory, write))
    return tuple(found)


def action_counts(ledger: Ledger, elapsed: int, machine: Machine) -> tuple[ActionCount, ...]:
    """All actions that happened, sorted; their energies add up to the whole energy.

    Leakage has no layer and no location: its count is `elapsed`, in cycles.
    """
    sums: dict[tuple[str, str, str, str, str, int], int] = {}
    actions = priced_actions(machine)
    for owner, counts in ledger.items():
        for action in actions:
            if count := counts[action.quantity]:
                place = (action.component(owner), action.name, owner.layer, owner.location)
                key = (*place, QUANTITIES[action.quantity].unit, action.energy)
                sums[key] = sums.get(key, 0) + count
    for name, energy in leakage_per_cycle(machine).items():
        if elapsed:
            sums[name, LEAKAGE, "", "", "cycles", energy] = elapsed
    return tuple(sorted(ActionCount(*k[:4], n, *k[4:], n * k[5]) for k, n in sums.items()))


def actions_csv(actions: tuple[ActionCount, ...]) -> str:
    """The rows as CSV text with a header; the same text for the same actions."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(astuple(action) for action in actions)
    return text.getvalue()


def write_actions(path: Path, actions: tuple[ActionCount, ...]) -> None:
    """Writes the rows; raises a `DiagnosticError` (E0402) when that is impossible."""
    write_atomically(path, actions_csv(actions).encode("utf-8", "backslashreplace"))
