"""The local search before a no that no bound proves, as long as a program of its size may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

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

EFFORT = 4800
"""Firings and channels of all guarantees of a search together: 8 guarantees for 100 firings and 500
channels, of half a millisecond each."""

PLACED_PAIRS = 1024
"""Actors times tiles up to which groups are placed anew, which takes some milliseconds."""


def evaluations_for(application: Application) -> int:
    """Guarantees that the search computes at most: the fewer, the larger the program is."""
    size = sum(application.repetition.counts) + len(application.graph.channels)
    return min(MAX_EVALUATIONS, max(1, EFFORT // max(1, size)))


def searched_on(
    application: Application,
    platform: Platform,
    tiles: Sequence[int],
    period: Fraction,
    known: Mapping[tuple[int, ...], Throughput],
) -> Bound:
    """The best binding on some tiles, or the first one that guarantees the period.

    Args:
        known: guarantees of bindings that were computed before; they count as well.

    Raises:
        Infeasible, Unconnected: no binding was found.
        OverflowError, TooManyFirings: a guarantee cannot be computed.
    """
    evaluations = evaluations_for(application)
    placing = len(application.states) * len(tiles) <= PLACED_PAIRS
    within = Within(tuple(sorted(tiles)), period, evaluations, placing, known)
    return best_binding(application, platform, PORTFOLIO, evaluations, within)
