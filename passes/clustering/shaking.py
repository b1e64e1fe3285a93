"""Shaking: moves that lose a little, so that better ones become possible.

Crossbars whose inputs are all in use let nobody in until somebody has left. Threshold accepting
(Dueck & Scheuer, J. Comput. Phys. 1990): sweeps of local moves that may lose less than a threshold,
which falls from sweep to sweep until only gains are left; the best division met is the result.
Nothing is drawn by lot. Sweeps also empty clusters, which saves crossbars.
"""

from __future__ import annotations

from dataclasses import replace

from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Offsets
from spikeloom.passes.clustering.moving import (
    MOST_VISITS,
    division_of,
    holders_in,
    no_candidates,
    sweep,
)

SLACK = 5, 2
"""The first threshold is so many (5 / 2) times the mean spikes of a neuron; then it is halved."""
SWEEPS = 6


def shaken(clustering: Clustering, order: Offsets, most_visits: int = MOST_VISITS) -> Clustering:
    """The best division met in a few sweeps; neurons are tried in the given order.

    It has neither more spikes between clusters nor more clusters. Empty clusters are gone. `cut`
    says so where the sweeps were stopped before the last.
    """
    connections = clustering.network.connections
    fed = connections.fan_in > 0
    slack = int(connections.spikes[fed].sum()) * SLACK[0] // (SLACK[1] * max(1, int(fed.sum())))
    division = division_of(clustering)
    holders = holders_in(division)
    candidates = no_candidates(clustering.clusters)
    total = most = visits = 0
    best = clustering.cluster_of
    for turn in range(SWEEPS):
        gained, _, visits = sweep(
            division, holders, candidates, order, slack, turn, visits, most_visits
        )
        total += gained
        if total > most:
            most, best = total, division.cluster_of.copy()
        slack //= 2
    complete = visits <= most_visits
    cut = clustering.cut if complete else f"shaking was cut after {most_visits} looks"
    return replace(clustering, cluster_of=best, cut=cut).numbered()
