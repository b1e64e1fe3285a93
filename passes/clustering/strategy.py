"""From connections to clusters: checks, unrolling, a strategy, and relays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from spikeloom.diagnostics import error
from spikeloom.passes.clustering.canonical import canonical_order
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Connections, Numbers, Offsets, ascending
from spikeloom.passes.clustering.limits import Limits, no_chain, too_wide
from spikeloom.passes.clustering.partial_sums import unroll_as_tree
from spikeloom.passes.clustering.published import cluster_as_published
from spikeloom.passes.clustering.refining import best_grown, refined
from spikeloom.passes.clustering.relaying import relayed
from spikeloom.passes.clustering.unrolling import Unrolled, unroll, untouched


class Strategy(Enum):
    """How clusters are found; the values are the options' spelling."""

    GROW = "grow"
    PUBLISHED = "published"
    KAHYPAR = "kahypar"


class Unrolling(Enum):
    """What becomes of a neuron with more inputs than fit; the values are the options' spelling."""

    AUTO = "auto"
    """A chain or a tree, whatever takes fewer crossbars, then fewer spikes between them."""
    CHAIN = "chain"
    TREE = "tree"
    NONE = "none"
    """It is an error."""


def cluster(
    network: Connections,
    limits: Limits,
    unrolling: Unrolling = Unrolling.AUTO,
    strategy: Strategy = Strategy.GROW,
    name_of: Callable[[int], str] = "neuron {}".format,
    chained: Callable[[], Numbers] | None = None,
) -> Clustering:
    """Clusters of a network under the limits of a crossbar.

    `name_of` is how messages call a neuron, `chained` gives the inputs of all neurons in the order
    in which chains take them. By `Strategy.PUBLISHED` the result depends on the
    neurons' numbers, otherwise as little as `canonical_order` says.

    Raises:
        DiagnosticError: a neuron has more inputs than fit and must not, or cannot, be unrolled; a
            spike cannot reach all its destinations; or a strategy is not installed (E0405).
    """
    wide = _check_widths(network, limits, unrolling, name_of)
    if strategy is Strategy.PUBLISHED:
        if wide and unrolling is Unrolling.TREE:
            help = "strategy=grow, or unroll=chain"
            raise error("E0306", "the published strategy unrolls into chains only", help=help)
        found = cluster_as_published(_chains(network, limits, None, wide, chained), limits)
        return relayed(found, name_of)
    if not wide:
        return relayed(_refined(untouched(network), limits, strategy), name_of)
    order = canonical_order(network)
    forms: list[Unrolled] = []
    if unrolling is not Unrolling.TREE:
        forms.append(_chains(network, limits, order, wide, chained))
    if unrolling is not Unrolling.CHAIN:
        forms.append(unroll_as_tree(network, limits.longest, order))
    found = [relayed(_refined(form, limits, strategy), name_of) for form in forms]
    return min(found, key=lambda each: (each.clusters, each.traffic.total))


def _chains(
    network: Connections,
    limits: Limits,
    order: Offsets | None,
    wide: bool,
    chained: Callable[[], Numbers] | None,
) -> Unrolled:
    """Chains in the order that somebody asks for, or else in the given one."""
    if chained is None or not wide:
        return unroll(network, limits.longest, order)
    found = unroll(replace(network, inputs=chained()), limits.longest)
    connections = found.connections
    inputs = ascending(connections.first, connections.inputs)
    return replace(found, connections=replace(connections, inputs=inputs))


def _refined(network: Unrolled, limits: Limits, strategy: Strategy) -> Clustering:
    """Clusters by a strategy, after merging and local moves in turns."""
    if strategy is Strategy.KAHYPAR:
        from spikeloom.passes.clustering.kahypar import partitioned

        return refined(partitioned(network, limits))
    return best_grown(network, limits)


def _check_widths(
    network: Connections, limits: Limits, unrolling: Unrolling, name_of: Callable[[int], str]
) -> bool:
    """Whether a neuron has too many inputs."""
    fan_in = network.fan_in
    if fan_in.max(initial=0) <= limits.longest:
        return False
    widest = int(fan_in.argmax())
    if unrolling is Unrolling.NONE:
        raise too_wide(name_of(widest), int(fan_in[widest]), limits)
    if limits.longest < 2:
        raise no_chain(name_of(widest), int(fan_in[widest]), limits)
    return True
