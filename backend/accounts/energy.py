"""Energy in integer femtojoules: the sum of count x constant, and nothing else.

Dynamic energy belongs to the engine that computes or the memory that moves, and to the layer and
source location of the instruction. Static energy is leakage per cycle times the elapsed cycles of
each component; layers and locations share it by the cycles in which their instructions were
active, which is a convention.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.actions import priced_actions
from spikeloom.backend.accounts.owner import Ledger, Owner
from spikeloom.backend.machine.components import leakage_per_cycle
from spikeloom.backend.machine.description import Machine
from spikeloom.dialects.instruction_set import TRAINING_ENGINES, Engine

K = TypeVar("K")


class Amount(NamedTuple):
    """Femtojoules caused by actions, and by the mere passing of time."""

    dynamic: int
    static: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.dynamic + self.static

    def plus(self, other: Amount) -> Amount:
        """The sum, part by part."""
        return Amount(self.dynamic + other.dynamic, self.static + other.static)


_NOTHING = Amount(0, 0)


@dataclass(frozen=True)
class Energy:
    """Femtojoules, seen in four ways that agree in dynamic and in static energy.

    Attributes:
        components: arithmetic of every engine, traffic of every memory, leakage of both.
        engines: what each engine's instructions caused: arithmetic and traffic.
        layers, locations: the same by layer and by source location, "" for none.
    """

    components: Mapping[str, Amount]
    engines: Mapping[Engine, Amount]
    layers: Mapping[str, Amount]
    locations: Mapping[str, Amount]

    @property
    def dynamic(self) -> int:
        """What actions caused."""
        return sum(amount.dynamic for amount in self.components.values())

    @property
    def static(self) -> int:
        """Leakage during the elapsed cycles."""
        return sum(amount.static for amount in self.components.values())

    @property
    def total(self) -> int:
        """All of it."""
        return self.dynamic + self.static


def energy_weights(machine: Machine) -> NDArray[np.int64]:
    """Femtojoules per unit of each quantity; shape [quantities]."""
    weights = np.zeros(q.QUANTITIES, np.int64)
    for action in priced_actions(machine):
        weights[action.quantity] = action.energy
    return weights


def energy_of(ledger: Ledger, elapsed: int, machine: Machine) -> Energy:
    """Energy of what has been counted in `elapsed` cycles."""
    actions, leakage = priced_actions(machine), leakage_per_cycle(machine)
    parts = dict.fromkeys(leakage, 0)
    dynamic = dict.fromkeys(ledger, 0)
    for owner, counts in ledger.items():
        for action in actions:
            if count := counts[action.quantity]:
                parts[action.component(owner)] += count * action.energy
                dynamic[owner] += count * action.energy
    active = {owner: counts[q.CYCLES_ACTIVE] for owner, counts in ledger.items()}
    static = share_out(elapsed * sum(leakage.values()), active)
    owners = {owner: Amount(dynamic[owner], static[owner]) for owner in ledger}
    engines = _grouped(owners, lambda owner: owner.engine)
    return Energy(
        {name: Amount(parts[name], elapsed * leak) for name, leak in leakage.items()},
        {engine: engines.get(engine, _NOTHING) for engine in TRAINING_ENGINES},
        _grouped(owners, lambda owner: owner.layer),
        _grouped(owners, lambda owner: owner.location),
    )


def share_out(amount: int, weights: Mapping[Owner, int]) -> dict[Owner, int]:
    """`amount` in integer shares proportional to the weights, which add up to it exactly.

    Each share is the difference of two rounded-down running sums, in the order of the owners'
    names. Without any weight there is nothing to share by, and all shares are 0.
    """
    whole = sum(weights.values())
    shares = dict.fromkeys(weights, 0)
    passed = given = 0
    for owner in sorted(weights, key=lambda owner: (owner.engine.value, *owner[1:])):
        passed += weights[owner]
        upto = amount * passed // max(1, whole)
        shares[owner], given = upto - given, upto
    return shares


def _grouped(owners: Mapping[Owner, Amount], key: Callable[[Owner], K]) -> dict[K, Amount]:
    found: dict[K, Amount] = {}
    for owner, amount in owners.items():
        found[key(owner)] = found.get(key(owner), _NOTHING).plus(amount)
    return found
