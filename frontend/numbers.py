"""Which numbers an argument takes."""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.dialects.snn import MAX_COUNT, MAX_UNITS
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.syntax import Number

LARGEST = 3.4028234663852886e38
SMALLEST = 1.1754943508222875e-38
"""The normal numbers of single precision, in which the machine computes."""


@dataclass(frozen=True)
class Interval:
    """From `lowest` to `highest`; an open end itself is not allowed."""

    lowest: float
    highest: float
    open_below: bool = False
    open_above: bool = False

    def __contains__(self, value: float) -> bool:
        above = value > self.lowest if self.open_below else value >= self.lowest
        below = value < self.highest if self.open_above else value <= self.highest
        return above and below

    def __str__(self) -> str:
        """As it reads after "must"."""
        if self.highest >= LARGEST:
            return f"be above {self.lowest:g}" if self.open_below else f"be {self.lowest:g} or more"
        left, right = "(" if self.open_below else "[", ")" if self.open_above else "]"
        # Bounds of integers are shown with all their digits.
        return f"lie in {left}{self.lowest!r}, {self.highest!r}{right}"


ANY = Interval(-LARGEST, LARGEST)
POSITIVE = Interval(0, LARGEST, open_below=True)
NOT_NEGATIVE = Interval(0, LARGEST)
FRACTION = Interval(0, 1)
BELOW_ONE = Interval(0, 1, open_above=True)
UNITS = Interval(1, MAX_UNITS)
COUNT = Interval(1, MAX_COUNT)
SYMBOLS = Interval(2, MAX_COUNT)
SEED = Interval(0, 2**63 - 1)


def check_real(name: str, number: Number, allowed: Interval, findings: Findings) -> None:
    """Notes a number that lies outside its interval, or that single precision cannot hold."""
    magnitude = abs(number.value)
    if magnitude > LARGEST:
        findings.add(
            "E0106",
            f"{name} must be a number of single precision, and {shown(number)} is too large",
            number.location,
            f"the largest is {LARGEST:.2g}",
        )
    elif 0 < magnitude < SMALLEST:
        findings.add(
            "E0106",
            f"{name} must be a number of single precision, and {shown(number)} is too small",
            number.location,
            f"the smallest above 0 is {SMALLEST:.2g}",
        )
    elif number.value not in allowed:
        findings.add("E0106", f"{name} must {allowed}, got {shown(number)}", number.location)


def check_whole(name: str, number: Number, allowed: Interval, findings: Findings) -> None:
    """Notes a number that is not an integer of the interval."""
    if not number.is_whole:
        whole = float(number.value).is_integer() and number.value in allowed
        findings.add(
            "E0104",
            f"{name} must be an integer, got {shown(number)}",
            number.location,
            f"write {int(number.value)}" if whole else None,
        )
    elif number.value not in allowed:
        findings.add("E0106", f"{name} must {allowed}, got {shown(number)}", number.location)


def shown(number: Number) -> str:
    """A numeral for a message; very long ones are shortened."""
    return number.text if len(number.text) <= 30 else f"{number.text[:12]}..."
