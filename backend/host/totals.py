"""What the machine has done so far: what a checkpoint keeps and a resumed run adds to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from spikeloom.backend.accounts import counters
from spikeloom.backend.accounts.owner import Ledger, Owner
from spikeloom.backend.accounts.quantities import QUANTITIES
from spikeloom.backend.accounts.results import RunResult
from spikeloom.dialects.activity_profile import Activity
from spikeloom.dialects.instruction_set import Engine

Natural = Annotated[int, Field(ge=0)]

NOTHING_COUNTED = Activity()

_NUMBERS = {quantity.name: number for number, quantity in counters.QUANTITIES.items()}
"""The column of each quantity by name."""


class Record(BaseModel):
    """A part of a checkpoint's header."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def sum_by_name(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    """The sums of two records of numbers, a missing one counting as 0."""
    return {name: left.get(name, 0) + right.get(name, 0) for name in {**left, **right}}


class OwnerCounts(Record):
    """What the instructions of one engine, layer and source location counted.

    `counts` holds, by the quantity's name, what is not zero.
    """

    engine: Engine
    layer: str
    location: str
    counts: dict[str, Natural]

    @property
    def owner(self) -> Owner:
        """To whom the counts belong."""
        return Owner(self.engine, self.layer, self.location)


class Totals(Record):
    """Cycles, femtojoules, every counter by name, and the counts of each owner, sorted.

    `activity` is what the input and the layers held meanwhile.
    """

    cycles: Natural = 0
    energy_fj: Natural = 0
    counters: dict[str, Natural] = Field(default_factory=dict)
    owners: tuple[OwnerCounts, ...] = ()
    activity: Activity = Activity()

    def __add__(self, other: Totals) -> Totals:
        return Totals(
            cycles=self.cycles + other.cycles,
            energy_fj=self.energy_fj + other.energy_fj,
            counters=sum_by_name(self.counters, other.counters),
            owners=_merged((*self.owners, *other.owners)),
            activity=self.activity + other.activity,
        )

    def ledger(self) -> Ledger:
        """The counts of every owner, in the columns of `quantities`."""
        found: dict[Owner, list[int]] = {}
        for each in self.owners:
            row = found[each.owner] = [0] * QUANTITIES
            for name, count in each.counts.items():
                row[_NUMBERS[name]] = count
        return found

    def agree(self) -> bool:
        """Whether the owners' counts are those that the counters report."""
        found = dict.fromkeys(self.counters, 0)
        for each in self.owners:
            for name, count in each.counts.items():
                counter = f"{each.engine.value}__{name}"
                if counter not in found:
                    return False
                found[counter] += count
        counted = {
            counters.engine_counter(engine, number)
            for number, quantity in counters.QUANTITIES.items()
            for engine in quantity.engines
        }
        return all(found[name] == self.counters[name] for name in counted & found.keys())


def totals_of(result: RunResult, activity: Activity = NOTHING_COUNTED) -> Totals:
    """The totals of one run, during which this was active."""
    totals = result.totals()
    names = {number: name for name, number in _NUMBERS.items()}
    owners = [
        OwnerCounts(
            engine=owner.engine,
            layer=owner.layer,
            location=owner.location,
            counts={names[number]: count for number, count in enumerate(row) if count},
        )
        for owner, row in totals.ledger().items()
    ]
    counted = totals.counters()
    return Totals(
        cycles=result.elapsed,
        energy_fj=counted[counters.ENERGY_TOTAL],
        counters=counted,
        owners=_merged(owners),
        activity=activity,
    )


def _merged(parts: Iterable[OwnerCounts]) -> tuple[OwnerCounts, ...]:
    """One record per owner, sorted by engine, layer and location."""
    found: dict[Owner, OwnerCounts] = {}
    for each in parts:
        known = found.get(each.owner)
        if known is not None:
            counts = sum_by_name(known.counts, each.counts)
            each = each.model_copy(update={"counts": counts})
        found[each.owner] = each
    return tuple(found[owner] for owner in sorted(found, key=_place))


def _place(owner: Owner) -> tuple[str, str, str]:
    return owner.engine.value, owner.layer, owner.location
