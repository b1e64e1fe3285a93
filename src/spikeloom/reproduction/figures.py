"""V1 to V4: published ratios against a V100 beside modelled ones, with what each rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from spikeloom.backend.accounts.baseline import Comparison
from spikeloom.backend.machine.description import Machine
from spikeloom.reproduction.published import (
    AREA,
    AREA_SAVING,
    CHOSEN,
    ENERGY_SAVING,
    POWER_RATIO,
    SPEEDUP,
    Range,
)

PUBLISHED = "published"
IMPLIED = "implied"


@dataclass(frozen=True)
class Figure:
    """One published ratio and the modelled one.

    Attributes:
        name: V1 to V4.
        quantity: what it is a ratio of, V100 by machine.
        claimed: as a text, and the range in which a model is taken to agree.
        origin: whether the claim is published or implied by what is.
        assumptions: what the modelled number rests on.
        reason: why it lies outside, or "".
    """

    name: str
    quantity: str
    claimed: str
    origin: str
    accepted: Range
    modelled: Fraction
    assumptions: str
    reason: str

    @property
    def holds(self) -> bool:
        """Whether the modelled ratio lies in the accepted range."""
        return self.accepted.holds(self.modelled)


def figures_of(
    comparison: Comparison, machine: Machine, densities: str, origin: str = CHOSEN
) -> tuple[Figure, ...]:
    """The four ratios of one workload.

    Args:
        densities: those that the counted batch depends on.
        origin: where the V100's efficiency comes from.
    """
    gpu = comparison.gpu
    credit = f"V100 at {gpu.efficiency.value} % of its peak ({origin})"
    sizes = "array sizes, clock and memories of the machine file (assumed)"
    energies = f"{machine.energy_table} energies; control, clock tree and wires not modelled"
    reason = partial(_energy_reason, _explanation(comparison, machine))
    area, speedup = _known(comparison.area_saving), _known(comparison.speedup)
    energy, power = _known(comparison.energy_saving), _known(comparison.power_ratio)
    return (
        Figure("V1", "area", f"{float(AREA_SAVING)}x, within 25 %", PUBLISHED, AREA, area,
               "815 mm2 in 12 nm by the machine's area in 28 nm, not scaled; " + sizes,
               _area_reason(area)),
        Figure("V2", "time", str(SPEEDUP), PUBLISHED, SPEEDUP, speedup,
               f"{credit}; densities {densities}; {sizes}", _speed_reason(speedup)),
        Figure("V3", "energy", str(ENERGY_SAVING), PUBLISHED, ENERGY_SAVING, energy,
               f"{gpu.power.value} W times the V100's time, {credit}; densities {densities}; "
               f"{energies}",
               reason(energy, ENERGY_SAVING)),
        Figure("V4", "power", str(POWER_RATIO), IMPLIED, POWER_RATIO, power,
               f"V3 by V2; densities {densities}; {energies}", reason(power, POWER_RATIO)),
    )  # fmt: skip


def efficiencies_of(comparison: Comparison) -> Range:
    """Per cent of the V100's peak for which V2 lies inside its range, the V100 being busy."""
    credited = comparison.gpu.efficiency.value * comparison.compute_time
    at_one = Fraction(credited) / comparison.machine_time
    return Range(at_one / SPEEDUP.high, at_one / SPEEDUP.low)


def common_efficiencies(comparisons: Sequence[Comparison]) -> Range | None:
    """Per cent of the V100's peak for which V2 of all lies inside its range, if there are any."""
    ranges = [efficiencies_of(each) for each in comparisons]
    low, high = max(each.low for each in ranges), min(each.high for each in ranges)
    return Range(low, high) if low <= high else None


def _known(ratio: Fraction | None) -> Fraction:
    assert ratio is not None, "a batch takes time and energy"
    return ratio


def _area_reason(ratio: Fraction) -> str:
    if AREA.holds(ratio):
        return ""
    return "logic other than lanes, tables and memories has no area in the model"


def _speed_reason(ratio: Fraction) -> str:
    if SPEEDUP.holds(ratio):
        return ""
    return "sizes and the V100's efficiency are assumed; --efficiency declares another"


def _explanation(comparison: Comparison, machine: Machine) -> str:
    gpu, leakage = comparison.gpu, machine.energies.leakage
    logic = "" if leakage.adder.value or leakage.multiplier.value else "leakage of logic, no "
    return (
        f"the V100 is charged its full {gpu.power.value} W at {gpu.efficiency.value} % of its "
        f"peak; the machine's model has no {logic}host and no clock tree"
    )


def _energy_reason(explanation: str, ratio: Fraction, accepted: Range) -> str:
    if accepted.holds(ratio):
        return ""
    if ratio > accepted.high:
        return explanation
    return "the modelled machine draws more than the abstract's figures allow"
