"""From first clusters to few clusters with little traffic: several starts, and turns of moves.

No way of growing is the best for every network, so that several are tried where that takes no more
than some seconds: the longer a sweep of moves, the fewer starts and turns. Nothing here breaks a
limit or depends on the neurons' numbers more than `canonical_order` says.
"""

from __future__ import annotations

from collections.abc import Sequence

from spikeloom.passes.clustering.attracting import attracted
from spikeloom.passes.clustering.canonical import canonical_order
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Offsets
from spikeloom.passes.clustering.growing import grown
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.merging import merged
from spikeloom.passes.clustering.moving import improved
from spikeloom.passes.clustering.regrowing import regrown
from spikeloom.passes.clustering.shaking import shaken
from spikeloom.passes.clustering.unrolling import Unrolled

ROUNDS = 3
"""Turns of merging and moving, at most; each must save a cluster or spikes."""
PRICES = 2, 16, 4096
"""Prices of an input, one for each further start, in 64ths of a neuron's mean spikes."""
SHAKES = 8
"""Turns of shaking and merging, at most; each must save a cluster or spikes."""
TURNS = 2
"""Turns of growing regions anew and shaking, at most; each must save a cluster or spikes."""
EFFORT = 2**24
"""Looks of one sweep of moves, times further starts, shakes, or turns: some seconds each."""
SPARE = 20
"""One crossbar in so many may be spent on less traffic between them."""


def best_grown(network: Unrolled, limits: Limits) -> Clustering:
    """The best clusters that growing leads to, one way or the other, refined."""
    order = canonical_order(network.connections)
    found = [_settled(grown(network, limits, order), order)]
    if found[0].clusters > 1:
        for price in PRICES[: _affordable(found[0])]:
            found.append(_settled(attracted(network, limits, order, price), order))
    return _regrown_in_turns(best_of(found), order)


def refined(clustering: Clustering) -> Clustering:
    """Clusters of any origin, merged, moved, shaken, and grown anew in part."""
    order = canonical_order(clustering.network.connections)
    return _regrown_in_turns(_settled(clustering, order), order)


def best_of(found: Sequence[Clustering]) -> Clustering:
    """The least traffic among those with at most a twentieth more crossbars than the fewest."""
    fewest = min(each.clusters for each in found)
    few = [each for each in found if each.clusters <= fewest + fewest // SPARE]
    return min(few, key=lambda each: (each.traffic.total, each.clusters))


def looks(clustering: Clustering) -> int:
    """Clusters that one sweep of moves looks at: those of each input of each neuron."""
    fan_out = clustering.network.connections.fan_out
    return int((fan_out * clustering.destinations).sum())


def _affordable(clustering: Clustering) -> int:
    """How often it may be gone over once more; a look is at a synapse at least."""
    if clustering.network.connections.synapses > EFFORT:
        return 0
    return EFFORT // max(1, looks(clustering))


def _settled(clustering: Clustering, order: Offsets) -> Clustering:
    """After merging and moves that gain, in turns."""
    clustering = merged(clustering)
    for _ in range(ROUNDS):
        before = clustering.clusters, clustering.traffic.total
        clustering = merged(improved(clustering, order))
        if clustering.cut is not None or (clustering.clusters, clustering.traffic.total) == before:
            break
    return clustering


def _regrown_in_turns(clustering: Clustering, order: Offsets) -> Clustering:
    """After shaking, and growing regions anew and shaking, in turns."""
    clustering = _shaken_in_turns(clustering, order)
    for _ in range(min(TURNS, _affordable(clustering))):
        before = clustering.clusters, clustering.traffic.total
        clustering = regrown(clustering, order, PRICES[0])
        if (clustering.clusters, clustering.traffic.total) == before:
            break
        clustering = _shaken_in_turns(clustering, order)
    return clustering


def _shaken_in_turns(clustering: Clustering, order: Offsets) -> Clustering:
    """After shaking and merging, in turns."""
    for _ in range(min(SHAKES, _affordable(clustering))):
        before = clustering.clusters, clustering.traffic.total
        if before[1] == 0:
            break
        clustering = merged(shaken(clustering, order))
        if (clustering.clusters, clustering.traffic.total) == before:
            break
    return clustering
