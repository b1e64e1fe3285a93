"""Whether two executions agree, and what to say where they do not.

Bits, decisions and everything computed by the same evaluator must agree bit by bit. Where two
levels add in another order, numbers agree within `TOLERANCE` of a value's largest entry, or
within several times what rounding is seen to do to them (see `rounding`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from spikeloom.verification.arrays import Array
from spikeloom.verification.meaning import Level, Meaning, ValueName, name_of
from spikeloom.verification.objective_rules import updated

TOLERANCE = 1e-5
ROUNDING_FACTOR = 8.0

EXACT_KINDS = ("spikes", "correct")
"""Values that are counted or decided: no rounding may change them."""

Rounding = Mapping[ValueName, float]
"""By value, the largest difference that rounding is seen to make to its numbers."""


@dataclass(frozen=True)
class Disagreement:
    """One value that two executions differ in; `words` say how."""

    value: ValueName
    words: str


def disagreements(
    before: Meaning, after: Meaning, start: Mapping[str, Array], rounding: Rounding
) -> Iterator[Disagreement]:
    """What differs between the program before and after a pass.

    Args:
        start: parameters before the step; an updated one is compared with the update that the
            other side's own gradient asks for, since Adam's first step is as large for a gradient
            that is nothing but rounding as for any other.
    """
    exact = before.level is after.level
    for name, expected in before.values.items():
        found = after.values.get(name)
        if found is None:
            if _must_stay(name, before.level, after.level):
                yield Disagreement(name, f"{name_of(name)} is not computed any more")
            continue
        if not exact and name[0] == "parameter" and name[1] in before.optimizers:
            gradient = after.values.get(("gradient", name[1]))
            if gradient is not None:
                expected = updated(before.optimizers[name[1]], start[name[1]], gradient)
        allowed = 0.0
        if not exact and name[0] not in EXACT_KINDS:
            largest = float(np.abs(expected).max(initial=0.0))
            allowed = max(TOLERANCE * largest, ROUNDING_FACTOR * rounding.get(name, 0.0))
        if (words := difference(expected, found, allowed)) is not None:
            yield Disagreement(name, f"{name_of(name)} differs: {words}")
    for name in after.values:
        if name not in before.values and before.level is after.level:
            yield Disagreement(name, f"{name_of(name)} was not computed before")


def _must_stay(name: ValueName, before: Level, after: Level) -> bool:
    """A network has no reports: layers that nothing reads may vanish from it."""
    if before is Level.NETWORK:
        return name[0] != "spikes" and (after is Level.NETWORK or name[0] != "output")
    return True


def difference(expected: Array, found: Array, allowed: float) -> str | None:
    """How two arrays differ by more than `allowed`, in words; None where they do not."""
    if expected.shape != found.shape:
        return f"its shape is {list(found.shape)}, not {list(expected.shape)}"
    if expected.size == 0:
        return None
    left, right = expected.astype(np.float64), found.astype(np.float64)
    same = (left == right) | (np.isnan(left) & np.isnan(right))
    distance = np.where(same, 0.0, np.abs(left - right))
    distance = np.where(np.isnan(distance), np.inf, distance)
    if float(distance.max()) <= allowed:
        return None
    cell = np.unravel_index(int(distance.argmax()), distance.shape)
    count = int(np.count_nonzero(distance > allowed))
    where = f" at {[int(i) for i in cell]}" if cell else ""
    most = f"; at most {allowed:.3g} is rounding" if allowed else ""
    return (
        f"{found[cell]:.9g} instead of {expected[cell]:.9g}{where}, the largest difference of "
        f"{count} in {distance.size} numbers{most}"
    )
