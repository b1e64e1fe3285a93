"""A stream executed again and again on one clock: when passes are over, and their period."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from spikeloom.backend.accounts.results import RunResult


@dataclass(frozen=True, eq=False)
class RepeatedRun:
    """What several passes over a stream measured together.

    Attributes:
        result: counts and cycles of all passes.
        finishes: the cycle in which each pass was over, everything before it included.
    """

    result: RunResult
    finishes: tuple[int, ...]

    def period(self) -> Fraction | None:
        """The measured period in cycles per pass, None where the passes did not become regular."""
        return measured_period(self.finishes)


def measured_period(finishes: tuple[int, ...]) -> Fraction | None:
    """Cycles per pass once they recur: the fewest passes after which the growth repeats itself.

    The second half of the passes must repeat it, three times at least.
    """
    growth = [after - before for before, after in pairwise(finishes)]
    settled = growth[len(growth) // 2 :]
    for cycle in range(1, len(settled) // 3 + 1):
        if settled[cycle:] == settled[:-cycle]:
            return Fraction(sum(settled[:cycle]), cycle)
    return None
