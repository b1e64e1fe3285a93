"""What a run measured: counts per instruction, and totals over many runs.

Counts are a table [instructions of the stream, quantities]; a loop record counts nothing. They
add up per engine, per layer and per source location.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.accounts import counters
from spikeloom.backend.accounts import quantities as q
from spikeloom.backend.accounts.energy import Energy, energy_of
from spikeloom.backend.accounts.owner import Ledger, Owner
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.stream.stream import OPCODE_END, Stream
from spikeloom.dialects.instruction_set import INSTRUCTIONS, TRAINING_ENGINES

Counts = NDArray[np.int64]
ENGINES = TRAINING_ENGINES
K = TypeVar("K")


class Grouping(Generic[K]):
    """Instructions sorted by what they have in common, so that one pass adds them up."""

    def __init__(self, records: NDArray[np.int64], keys: Sequence[K]):
        self.names = tuple(dict.fromkeys(keys))
        numbers = {name: number for number, name in enumerate(self.names)}
        group = np.array([numbers[key] for key in keys], np.int64)
        order = np.argsort(group, kind="stable")
        self._records = records[order]
        self._starts = np.searchsorted(group[order], np.arange(len(self.names)))

    def sums(self, counts: Counts) -> Counts:
        """Counts [groups, quantities] from counts [records, quantities]."""
        if not self.names:
            return np.zeros((0, counts.shape[1]), np.int64)
        return np.add.reduceat(counts[self._records], self._starts, axis=0)


class Owners:
    """The owner of every instruction of a stream; loop records have none.

    Attributes:
        records: indices of the instructions, loops left out.
        by_owner, by_engine, by_layer, by_location: the same instructions in groups.
    """

    def __init__(self, records: NDArray[np.int64], of_record: Sequence[Owner]):
        self.records = records
        self.by_owner = Grouping(records, of_record)
        self.by_engine = Grouping(records, [owner.engine for owner in of_record])
        self.by_layer = Grouping(records, [owner.layer for owner in of_record])
        self.by_location = Grouping(records, [owner.location for owner in of_record])

    @staticmethod
    def of(stream: Stream) -> Owners:
        """The owners in this stream."""
        opcodes = stream.instructions["opcode"]
        records = np.flatnonzero(opcodes > OPCODE_END).astype(np.int64)
        owners = tuple(
            Owner(
                INSTRUCTIONS[int(opcodes[i]) - OPCODE_END - 1].engine,
                stream.layers[i],
                stream.locations[int(stream.instructions["location"][i])],
            )
            for i in records
        )
        return Owners(records, owners)


@dataclass(frozen=True, eq=False)
class RunResult:
    """One run of a stream.

    Attributes:
        machine: the machine it ran on.
        owners: to whom the rows of `counts` belong.
        counts: [records of the stream, quantities].
        idle: cycles after its last instruction, per engine.
        elapsed: cycles from the first issue to the last finish.
    """

    machine: Machine
    owners: Owners
    counts: Counts
    idle: Counts
    elapsed: int

    def totals(self) -> CounterTotals:
        """The totals of this run alone."""
        totals = CounterTotals(self.machine)
        totals.add(self)
        return totals

    def counters(self) -> dict[str, int]:
        """All counters of this run by name, sorted."""
        return self.totals().counters()


@dataclass
class CounterTotals:
    """Sums over runs, of one stream or of several, on one machine."""

    machine: Machine
    elapsed: int = 0
    idle: Counts = field(default_factory=lambda: np.zeros(len(ENGINES), np.int64))
    _sums: dict[Owners, Counts] = field(default_factory=dict[Owners, Counts])

    def add(self, result: RunResult) -> None:
        """Adds one more run."""
        self.elapsed += result.elapsed
        self.idle = self.idle + result.idle
        known = self._sums.get(result.owners)
        self._sums[result.owners] = result.counts.copy() if known is None else known + result.counts

    def per_owner(self) -> Mapping[Owner, Counts]:
        """Counts [quantities] of every engine, layer and location."""
        return self._per(lambda owners: owners.by_owner)

    def ledger(self) -> Ledger:
        """The counts of every owner as Python integers."""
        return {owner: row.tolist() for owner, row in self.per_owner().items()}

    def per_layer(self) -> Mapping[str, Counts]:
        """Counts [quantities] by layer; "" holds what belongs to none."""
        return self._per(lambda owners: owners.by_layer)

    def per_location(self) -> Mapping[str, Counts]:
        """Counts [quantities] by source location; "" holds what belongs to none."""
        return self._per(lambda owners: owners.by_location)

    def per_engine(self) -> Counts:
        """Counts [engines, quantities]."""
        found = self._per(lambda owners: owners.by_engine)
        nothing = np.zeros(q.QUANTITIES, np.int64)
        return np.stack([found.get(engine, nothing) for engine in ENGINES])

    def energy(self) -> Energy:
        """The energy of everything added so far."""
        return energy_of(self.ledger(), self.elapsed, self.machine)

    def counters(self) -> dict[str, int]:
        """All counters by name, sorted."""
        found = {counters.ELAPSED: self.elapsed}
        for engine, row in zip(ENGINES, self.per_engine(), strict=True):
            found[counters.idle_counter(engine)] = int(self.idle[ENGINES.index(engine)])
            for number, quantity in counters.QUANTITIES.items():
                if engine in quantity.engines:
                    found[counters.engine_counter(engine, number)] = int(row[number])
        energy = self.energy()
        for name in counters.COMPONENTS:
            found[counters.dynamic_counter(name)] = energy.components[name].dynamic
            found[counters.static_counter(name)] = energy.components[name].static
        found |= {
            counters.ENERGY_DYNAMIC: energy.dynamic,
            counters.ENERGY_STATIC: energy.static,
            counters.ENERGY_TOTAL: energy.total,
        }
        return dict(sorted(found.items()))

    def _per(self, grouping: Callable[[Owners], Grouping[K]]) -> dict[K, Counts]:
        found: dict[K, Counts] = {}
        for owners, counts in self._sums.items():
            groups = grouping(owners)
            for name, row in zip(groups.names, groups.sums(counts), strict=True):
                found[name] = found[name] + row if name in found else row
        return found


__all__ = ["CounterTotals", "Counts", "Owner", "Owners", "RunResult"]
