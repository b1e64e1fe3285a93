"""From connections to clusters: checks, unrolling, a strategy, and relays."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from spikeloom.passes.clustering.canonical import canonical_order
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Connections
from spikeloom.passes.clustering.growing import grown
from spikeloom.passes.clustering.limits import Limits, no_chain, too_wide
from spikeloom.passes.clustering.merging import merged
from spikeloom.passes.clustering.moving import improved
from spikeloom.passes.clustering.published import cluster_as_published
from spikeloom.passes.clustering.relaying import relayed
from spikeloom.passes.clustering.unrolling import Unrolled, unroll

ROUNDS = 3
"""Turns of merging and moving, at most; each must save a cluster or spikes."""


class Strategy(Enum):
    """How clusters are found; the values are the options' spelling."""

    GROW = "grow"
    PUBLISHED = "published"
    KAHYPAR = "kahypar"


def cluster(
    network: Connections,
    limits: Limits,
    unrolling: bool = True,
    strategy: Strategy = Strategy.GROW,
    name_of: Callable[[int], str] = "neuron {}".format,
) -> Clustering:
    """Clusters of a network under the limits of a crossbar.

    `name_of` is how messages call a neuron. By `Strategy.PUBLISHED` the result depends on the
    neurons' numbers, otherwise as little as `canonical_order` says.

    Raises:
        DiagnosticError: a neuron has more inputs than fit and must not, or cannot, be unrolled; a
            spike cannot reach all its destinations; or a strategy is not installed (E0306).
    """
    _check_widths(network, limits, unrolling, name_of)
    if strategy is Strategy.PUBLISHED:
        found = cluster_as_published(unroll(network, limits.longest), limits)
    elif strategy is Strategy.KAHYPAR:
        from spikeloom.passes.clustering.kahypar import partitioned

        found = refined(merged(partitioned(_unrolled(network, limits), limits)))
    else:
        found = refined(merged(grown(_unrolled(network, limits), limits)))
    return relayed(found, name_of)


def refined(clustering: Clustering) -> Clustering:
    """The clustering after local moves, and after merging what they made small."""
    order = canonical_order(clustering.network.connections)
    for _ in range(ROUNDS):
        before = clustering.clusters, clustering.traffic.total
        clustering = merged(improved(clustering, order))
        if clustering.cut is not None or (clustering.clusters, clustering.traffic.total) == before:
            break
    return clustering


def _check_widths(
    network: Connections, limits: Limits, unrolling: bool, name_of: Callable[[int], str]
) -> None:
    if not network.neurons:
        return
    fan_in = network.fan_in
    widest = int(fan_in.argmax())
    if fan_in[widest] > limits.longest:
        if not unrolling:
            raise too_wide(name_of(widest), int(fan_in[widest]), limits)
        if limits.longest < 2:
            raise no_chain(name_of(widest), int(fan_in[widest]), limits)


def _unrolled(network: Connections, limits: Limits) -> Unrolled:
    """Chains whose elements do not depend on the neurons' numbers."""
    if network.fan_in.max(initial=0) <= limits.longest:
        return unroll(network, limits.longest)
    return unroll(network, limits.longest, canonical_order(network))
