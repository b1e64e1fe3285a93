"""The lattice of `analyze-sparsity`: what is known of the cells of a value that are not zero.

A `Density` stands for all values whose share of non-zero cells lies in [at_least, at_most] and
which are zero at the first `leading` and the last `trailing` of their `steps`. Numbers are exact
fractions; only the attribute in the IR is rounded, outwards.

The functions are monotone: knowing more of the operands never means knowing less of the result.
That makes fixpoints over a scan sound (see `density_analysis`). None of them assumes that values
are independent; where two values meet, the worst correlation is taken.

A value without time has one step; used at every step, it is one of `steps` equal steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

NOTHING, ALL = Fraction(0), Fraction(1)


@dataclass(frozen=True)
class Density:
    """See the module's docstring; made by `density`, which keeps the fields consistent."""

    at_least: Fraction
    at_most: Fraction
    steps: int
    leading: int
    trailing: int

    @property
    def active(self) -> int:
        """Steps that may hold something else than zeros."""
        return max(0, self.steps - self.leading - self.trailing)

    @property
    def is_zero(self) -> bool:
        """Whether every cell is zero."""
        return self.at_most == 0

    def includes(self, other: Density) -> bool:
        """Whether every value that `other` stands for is one that this stands for."""
        return (
            self.at_least <= other.at_least
            and other.at_most <= self.at_most
            and self.leading <= other.leading
            and self.trailing <= other.trailing
        )


def density(
    steps: int,
    at_least: Fraction = NOTHING,
    at_most: Fraction = ALL,
    leading: int = 0,
    trailing: int = 0,
) -> Density:
    """The density with these bounds, cut to what the silent steps leave."""
    active = steps - leading - trailing
    most = min(at_most, Fraction(max(0, active), steps))
    if most <= 0:
        return Density(NOTHING, NOTHING, steps, steps, steps)
    return Density(max(NOTHING, min(at_least, most)), most, steps, leading, trailing)


def zero(steps: int) -> Density:
    """Nothing but zeros."""
    return density(steps, at_most=NOTHING)


def join(left: Density, right: Density) -> Density:
    """The least density that includes both."""
    return density(
        left.steps,
        min(left.at_least, right.at_least),
        max(left.at_most, right.at_most),
        min(left.leading, right.leading),
        min(left.trailing, right.trailing),
    )


def at_every_step(value: Density, steps: int) -> Density:
    """A value over `steps`: itself, or a value without time given to each of them."""
    if value.steps == steps:
        return value
    return density(steps, value.at_least, value.at_most)


def total(left: Density, right: Density) -> Density:
    """Of a sum: non-zero only where an operand is, and surely so where only one of them is."""
    return density(
        left.steps,
        max(left.at_least - right.at_most, right.at_least - left.at_most),
        left.at_most + right.at_most,
        min(left.leading, right.leading),
        min(left.trailing, right.trailing),
    )


def either(left: Density, right: Density) -> Density:
    """Of a value that may be non-zero, but need not be, where one of two is."""
    return possibly(total(left, right))


def both(left: Density, right: Density) -> Density:
    """Of a value that may be non-zero only where two others are."""
    return density(
        left.steps,
        NOTHING,
        min(left.at_most, right.at_most),
        max(left.leading, right.leading),
        max(left.trailing, right.trailing),
    )


def possibly(value: Density) -> Density:
    """Without its lower bound: of a value that may be non-zero where this one is."""
    return density(value.steps, NOTHING, value.at_most, value.leading, value.trailing)


def delayed(value: Density) -> Density:
    """x[t-1]: a step of zeros comes in first, and the last step drops out."""
    lost = NOTHING if value.trailing else Fraction(1, value.steps)
    return density(
        value.steps,
        value.at_least - lost,
        value.at_most,
        value.leading + 1,
        max(0, value.trailing - 1),
    )


def advanced(value: Density) -> Density:
    """x[t+1]: a step of zeros comes in last, and the first step drops out."""
    return mirrored(delayed(mirrored(value)))


def mirrored(value: Density) -> Density:
    """The same, backwards in time."""
    return Density(value.at_least, value.at_most, value.steps, value.trailing, value.leading)


def rows(value: Density, width: int) -> Density:
    """Of a value that may be non-zero at a step of a sample where any of `width` units is."""
    return spread(value, Fraction(width))


def spread(value: Density, factor: Fraction) -> Density:
    """Of a value with up to `factor` times the density, non-zero at no other steps."""
    return density(value.steps, NOTHING, factor * value.at_most, value.leading, value.trailing)


def from_then_on(value: Density) -> Density:
    """Of a value that is zero until the step at which the given one is non-zero first.

    Each non-zero cell is followed by at most as many steps as are left after the leading ones.
    """
    remaining = value.steps - value.leading
    return density(value.steps, NOTHING, remaining * value.at_most, value.leading)


def up_to_then(value: Density) -> Density:
    """The same backwards: of a value that is zero after the given one's last non-zero step."""
    return mirrored(from_then_on(mirrored(value)))


def over_time(value: Density) -> Density:
    """Of a value without time that is non-zero where the given one is at any step."""
    if value.is_zero:
        return zero(1)
    return density(1, value.at_least * value.steps / value.active, value.steps * value.at_most)


def complement(value: Density) -> Density:
    """Of bits that are one exactly where the given value is zero."""
    return density(value.steps, 1 - value.at_most, 1 - value.at_least)


def rounded_down(number: Fraction) -> float:
    """The largest double that is not above the number."""
    nearest = float(number)
    return math.nextafter(nearest, -math.inf) if Fraction(nearest) > number else nearest


def rounded_up(number: Fraction) -> float:
    """The smallest double that is not below the number."""
    nearest = float(number)
    return math.nextafter(nearest, math.inf) if Fraction(nearest) < number else nearest
