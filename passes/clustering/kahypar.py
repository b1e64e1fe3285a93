"""The optional strategy: parts by mt-KaHyPar, split until every one fits a crossbar.

mt-KaHyPar (Gottesbüren et al., ACM TOMS 2024) balances the number of neurons and minimises the
spikes between parts (km1), but knows nothing of distinct inputs: parts that break a limit are
divided again. Installed by `spikeloom[kahypar]`; its deterministic preset is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from spikeloom.diagnostics import error
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Offsets
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.unrolling import Unrolled

IMBALANCE = 0.1
"""Parts may be so much larger than their mean."""
MOST_PARTS = 64
"""Parts of one call."""


def partitioned(network: Unrolled, limits: Limits) -> Clustering:
    """Clusters that fit, before merging.

    Raises:
        DiagnosticError: mt-KaHyPar is not installed (E0405).
    """
    library = mt_kahypar()
    initialized = library.initialize(1)
    cluster_of = np.full(network.connections.neurons, -1, np.int32)
    waiting = [np.flatnonzero(network.connections.fan_in)]
    done = 0
    while waiting:
        members = waiting.pop()
        needed = _crossbars(network, limits, members)
        if needed <= 1:
            cluster_of[members] = done
            done += bool(len(members))
            continue
        parts = _divide(network, members, min(needed, MOST_PARTS), library, initialized)
        kept = [members[parts == part] for part in range(parts.max() + 1)]
        kept = [part for part in kept if len(part)]
        waiting += kept if len(kept) > 1 else np.array_split(members, 2)
    return Clustering(network, limits, cluster_of)


def mt_kahypar() -> Any:
    """The library.

    Raises:
        DiagnosticError: it is not installed (E0405).
    """
    try:
        return import_module("mtkahypar")
    except ImportError:
        message = "the strategy `kahypar` needs mt-KaHyPar, which is not installed"
        help = "pip install 'spikeloom[kahypar]', or the strategy grow"
        raise error("E0405", message, help=help) from None


def _crossbars(network: Unrolled, limits: Limits, members: Offsets) -> int:
    """Crossbars that these neurons fill at least; 1 where they fit into one."""
    _, inputs = _inputs_of(network, members)
    need = (
        (len(members), limits.most_outputs),
        (len(np.unique(inputs)), limits.most_inputs),
        (len(inputs), limits.most_crosspoints),
    )
    return max(-(-value // most) for value, most in need)


def _inputs_of(network: Unrolled, members: Offsets) -> tuple[Offsets, Offsets]:
    """All synapses of the members: the place of the member among them, and the input."""
    connections = network.connections
    lengths = connections.fan_in[members]
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    inputs = connections.inputs[np.repeat(connections.first[members], lengths) + within]
    return np.repeat(np.arange(len(members)), lengths), inputs.astype(np.int64)


def _divide(
    network: Unrolled, members: Offsets, parts: int, library: Any, initialized: Any
) -> Offsets:
    """The part of each member; an edge joins a neuron and all that it feeds."""
    place, inputs = _inputs_of(network, members)
    inside = np.isin(members, inputs)
    owner = np.concatenate([inputs, members[inside]])
    pins = np.concatenate([place, np.flatnonzero(inside)])
    pairs = np.unique(np.stack([owner, pins]), axis=1)
    sources, begin, count = np.unique(pairs[0], return_index=True, return_counts=True)
    edges = [pairs[1, b : b + c].tolist() for b, c in zip(begin, count, strict=True) if c > 1]
    weights = network.connections.spikes[sources[count > 1]].tolist()
    if not edges:
        return np.arange(len(members)) * parts // len(members)
    context = initialized.context_from_preset(library.PresetType.DETERMINISTIC)
    context.set_partitioning_parameters(parts, IMBALANCE, library.Objective.KM1)
    context.logging = False
    ones = [1] * len(members)
    graph = initialized.create_hypergraph(context, len(members), len(edges), edges, ones, weights)
    return np.array(graph.partition(context).get_partition(), np.int64)
