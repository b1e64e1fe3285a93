"""The local search before a no that no bound proves, as long as a program of its size may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isqrt

from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.passes.binding.application import Application
from spikeloom.passes.binding.search import (
    MAX_EVALUATIONS,
    PORTFOLIO,
    Bound,
    Within,
    best_binding,
)
from spikeloom.passes.dataflow.throughput import Throughput

EFFORT = 45_000
"""By the program's size to the power of 3/2: 3 guarantees more for 100 firings and 500 channels, of
half a millisecond each, beside those before the search."""

PLACED_ACTORS = 32
"""Actors up to which groups are also placed anew, which takes milliseconds each time."""


def evaluations_for(application: Application) -> int:
    """Guarantees that the search computes at most: the fewer, the larger the program is.

    Its size are its firings in an iteration and its channels, which a guarantee goes through.
    """
    size = sum(application.repetition.counts) + len(application.graph.channels)
    return min(MAX_EVALUATIONS, max(1, EFFORT // max(1, isqrt(size**3))))


def is_small(application: Application) -> bool:
    """Whether there is time to place groups of actors anew."""
    return len(application.states) <= PLACED_ACTORS


def searched_on(
    application: Application,
    platform: Platform,
    tiles: Sequence[int],
    period: Fraction,
    evaluations: int,
    known: Mapping[tuple[int, ...], Throughput],
) -> Bound:
    """The best binding on some tiles, or the first one that guarantees the period.

    Args:
        evaluations: guarantees that it may compute.
        known: guarantees of bindings that were computed before; they do not count here.

    Raises:
        Infeasible, Unconnected: no binding was found.
        OverflowError, TooManyFirings: a guarantee cannot be computed.
    """
    placing = is_small(application)
    within = Within(tuple(sorted(tiles)), period, evaluations, placing, known)
    # The first two weights lead to known bindings again, unless groups are placed anew.
    weights = PORTFOLIO[2 if known and not placing else 0 :]
    return best_binding(application, platform, weights, evaluations + len(known), within)
