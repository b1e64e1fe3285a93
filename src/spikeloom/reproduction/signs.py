"""V5: the signs of the abstract's claims, each as cycles without and with what it names.

A claim about one engine is judged by the busy cycles of that engine, for in a pipeline the slowest
one hides the others; a claim about the pipeline by the cycles of the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from spikeloom.ablation.variants import Variant, variant_of
from spikeloom.backend.host.totals import Totals

Count = Callable[[Variant], Totals]
"""Counts a batch in one variant."""

ALL_ON = variant_of("tables", "dual", "pipelined")


@dataclass(frozen=True)
class Sign:
    """A claim, what is compared, and the cycles without and with what it names."""

    claim: str
    compared: str
    without: int
    with_it: int

    @property
    def gain(self) -> Fraction:
        """How many times fewer cycles."""
        return Fraction(self.without, max(1, self.with_it))

    @property
    def holds(self) -> bool:
        """Whether it is worth anything."""
        return self.with_it < self.without


EVENTS = variant_of("events", "dual", "pipelined")


def against_events(count: Count, best: Totals) -> tuple[Sign, ...]:
    """Tables against event-driven accumulation, of which nothing is published.

    An adder that skips silent inputs is the stronger baseline; what it shows is reported either
    way. Energies are in femtojoules.
    """
    events = count(EVENTS)
    claim = "tables against event-driven accumulation"
    return (
        Sign(claim, "cycles of a batch", events.cycles, best.cycles),
        Sign(claim, "femtojoules of a batch", events.energy_fj, best.energy_fj),
    )


def signs_of(count: Count, best: Totals) -> tuple[Sign, ...]:
    """The signs of one workload; `best` has everything switched on."""
    plain = count(variant_of("plain", "dual", "pipelined"))
    serial = count(variant_of("tables", "dual", "serial"))
    backward = {
        skip: _busy(count(variant_of("tables", skip, "pipelined")), "be")
        for skip in ("none", "input", "output")
    }
    singles = backward["input"], backward["output"]
    tables = "busy cycles of Forward and Weight Update Engine"
    sparsity = "busy cycles of the Backward Engine"
    return (
        Sign("tables beat plain accumulation", tables, _busy(plain, "fe", "wue"),
             _busy(best, "fe", "wue")),
        Sign("one kind of sparsity beats none", sparsity, backward["none"], max(singles)),
        Sign("both kinds beat one", sparsity, min(singles), _busy(best, "be")),
        Sign("the pipeline beats serial engines", "cycles of a batch", serial.cycles, best.cycles),
    )  # fmt: skip


def _busy(totals: Totals, *engines: str) -> int:
    return sum(totals.counters[f"{engine}__cycles_active"] for engine in engines)
