"""The lattice of densities: its order, and that each of its functions is monotone and sound."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from spikeloom.passes.sparsity import density_lattice as lattice
from spikeloom.passes.sparsity.density_analysis import fixpoint
from spikeloom.passes.sparsity.density_lattice import Density, density, join, zero

STEPS, WIDTH = 4, 3
CELLS = STEPS * WIDTH
Bits = NDArray[np.bool_]

shares = st.integers(0, CELLS).map(lambda ones: Fraction(ones, CELLS))
silences = st.integers(0, STEPS)


@st.composite
def densities(draw: st.DrawFn) -> Density:
    low, high = sorted((draw(shares), draw(shares)))
    return density(STEPS, low, high, draw(silences), draw(silences))


patterns = st.integers(0, 2**CELLS - 1).map(
    lambda number: np.array([number >> i & 1 for i in range(CELLS)], bool).reshape(STEPS, WIDTH)
)
"""Which cells [STEPS, WIDTH] of a value are not zero."""


def stands_for(known: Density, bits: Bits) -> bool:
    """Whether a value with these non-zero cells is one that the density describes."""
    silent = [not row.any() for row in bits]
    return (
        known.at_least <= Fraction(int(bits.sum()), bits.size) <= known.at_most
        and all(silent[: known.leading])
        and all(silent[len(silent) - known.trailing :])
    )


def exactly(bits: Bits) -> Density:
    """The sharpest density that describes a value."""
    if not bits.any():
        return zero(len(bits))
    active = np.flatnonzero(bits.any(axis=1))
    share = Fraction(int(bits.sum()), bits.size)
    return density(len(bits), share, share, int(active[0]), len(bits) - 1 - int(active[-1]))


def shifted(bits: Bits, by: int) -> Bits:
    """The rows moved along time, silent ones coming in."""
    result = np.zeros_like(bits)
    if by > 0:
        result[by:] = bits[:-by]
    else:
        result[:by] = bits[-by:]
    return result


UNARY: dict[str, tuple[Callable[[Density], Density], Callable[[Bits], Bits]]] = {
    "delayed": (lattice.delayed, lambda bits: shifted(bits, 1)),
    "advanced": (lattice.advanced, lambda bits: shifted(bits, -1)),
    "mirrored": (lattice.mirrored, lambda bits: bits[::-1]),
    "complement": (lattice.complement, lambda bits: ~bits),
    "rows": (
        lambda known: lattice.rows(known, WIDTH),
        lambda bits: np.broadcast_to(bits.any(axis=1, keepdims=True), bits.shape),
    ),
    "from_then_on": (lattice.from_then_on, lambda bits: np.logical_or.accumulate(bits)),
    "up_to_then": (lattice.up_to_then, lambda bits: np.logical_or.accumulate(bits[::-1])[::-1]),
    "over_time": (lattice.over_time, lambda bits: bits.any(axis=0, keepdims=True)),
    "possibly": (lattice.possibly, lambda bits: bits),
}
BINARY: dict[str, tuple[Callable[..., Density], Callable[[Bits, Bits], Bits]]] = {
    "total, all cancels": (lattice.total, lambda left, right: left ^ right),
    "total, nothing cancels": (lattice.total, lambda left, right: left | right),
    "either": (lattice.either, lambda left, right: left | right),
    "both": (lattice.both, lambda left, right: left & right),
}


@given(densities(), densities())
def test_a_join_is_the_least_density_that_includes_both(left: Density, right: Density) -> None:
    joined = join(left, right)
    assert joined.includes(left)
    assert joined.includes(right)
    assert joined == join(right, left)
    assert join(left, left) == left
    assert left.includes(right) == (join(left, right) == left)


@given(densities(), densities(), densities())
def test_inclusion_is_an_order(a: Density, b: Density, c: Density) -> None:
    assert a.includes(a)
    assert not (a.includes(b) and b.includes(a)) or a == b
    assert a.includes(c) or not (a.includes(b) and b.includes(c))
    assert density(STEPS).includes(a)


@given(densities())
def test_bounds_are_ordered_and_leave_room_for_the_silent_steps(known: Density) -> None:
    assert 0 <= known.at_least <= known.at_most <= Fraction(known.active, STEPS)
    assert known.is_zero == (known == zero(STEPS))


@pytest.mark.parametrize("name", UNARY)
@given(densities(), densities())
def test_knowing_more_of_the_operand_never_means_knowing_less(
    name: str, left: Density, right: Density
) -> None:
    function, _ = UNARY[name]
    assert function(join(left, right)).includes(function(left))


@pytest.mark.parametrize("name", BINARY)
@given(densities(), densities(), densities())
def test_knowing_more_of_one_operand_never_means_knowing_less(
    name: str, left: Density, right: Density, other: Density
) -> None:
    function, _ = BINARY[name]
    assert function(join(left, right), other).includes(function(left, other))
    assert function(other, join(left, right)).includes(function(other, left))


@pytest.mark.parametrize("name", UNARY)
@given(patterns)
def test_what_is_known_of_an_operand_describes_the_result(name: str, bits: Bits) -> None:
    function, meaning = UNARY[name]
    assert stands_for(exactly(bits), bits)
    assert stands_for(function(exactly(bits)), meaning(bits))


@pytest.mark.parametrize("name", BINARY)
@given(patterns, patterns)
def test_what_is_known_of_two_operands_describes_the_result(
    name: str, left: Bits, right: Bits
) -> None:
    function, meaning = BINARY[name]
    assert stands_for(function(exactly(left), exactly(right)), meaning(left, right))


@given(densities(), densities())
def test_a_fixpoint_includes_what_a_turn_makes_of_it(start: Density, input: Density) -> None:
    def turn(carried: list[Density]) -> list[Density]:
        return [lattice.delayed(lattice.total(input, lattice.rows(carried[0], WIDTH)))]

    found = fixpoint(turn, [zero(STEPS)], density(STEPS))
    assert found[0].includes(turn(list(found))[0])
    # A turn of nothing stays nothing, however often it is taken.
    nothing = fixpoint(lambda c: [lattice.delayed(c[0])], [zero(STEPS)], density(STEPS))
    assert nothing[0].is_zero


@given(st.integers(0, 10**30), st.integers(1, 10**30))
def test_rounding_never_crosses_the_number(numerator: int, denominator: int) -> None:
    number = Fraction(numerator, denominator)
    low, high = lattice.rounded_down(number), lattice.rounded_up(number)
    assert Fraction(low) <= number <= Fraction(high)
    assert Fraction(float(number)) in (Fraction(low), Fraction(high))
