"""All variants of a program, each compiled and measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from spikeloom.ablation.experiment import Experiment, Taken
from spikeloom.ablation.sameness import Remarks
from spikeloom.ablation.variants import Variant


@dataclass(frozen=True)
class Measurement:
    """What a variant took; `remark` says why that is what another one took, if it must be."""

    variant: Variant
    taken: Taken
    remark: str = ""

    @property
    def cycles(self) -> int:
        """Of one batch."""
        return self.taken.cycles

    @property
    def energy_fj(self) -> int:
        """Of one batch, in femtojoules."""
        return self.taken.energy_fj

    def speedup_over(self, other: Measurement) -> Fraction:
        """The other's cycles by this one's."""
        return Fraction(other.cycles, max(1, self.cycles))

    def saving_over(self, other: Measurement) -> Fraction:
        """The other's energy by this one's."""
        return Fraction(other.energy_fj, max(1, self.energy_fj))


def measure_all(
    experiment: Experiment,
    variants: Sequence[Variant],
    report: Callable[[int, Variant], None] = lambda done, variant: None,
) -> tuple[Measurement, ...]:
    """All variants in order; `report` is told which one begins.

    What compiles to instructions that were measured already is not measured again.

    Raises:
        DiagnosticError: a pass refuses the program, or the machine is too small for it.
    """
    remarks = Remarks(experiment)
    known: dict[str, Taken] = {}
    found: list[Measurement] = []
    for done, variant in enumerate(variants):
        report(done, variant)
        image = experiment.compile(variant)
        digest, remark = remarks.of(variant, image)
        if digest not in known:
            known[digest] = experiment.take(image)
        found.append(Measurement(variant, known[digest], remark))
    return tuple(found)
