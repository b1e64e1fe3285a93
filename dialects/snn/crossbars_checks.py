"""What must hold of `snn.crossbars`: every neuron in one cluster, all limits, all links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ArrayAttr
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.snn.crossbars_types import NeuronsAttr

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class LayerFacts:
    """What an `snn.layer` says."""

    name: str
    units: int
    is_input: bool
    delay: int


@dataclass(frozen=True)
class ClusterFacts:
    """What an `snn.cluster` says."""

    number: int
    computes: ArrayAttr[NeuronsAttr]
    reads: ArrayAttr[NeuronsAttr]
    synapses: int


@dataclass(frozen=True)
class CrossbarsFacts:
    """What an `snn.crossbars` says; links are (source, target, delay)."""

    limits: dict[str, int]
    layers: Sequence[LayerFacts]
    clusters: Sequence[ClusterFacts]
    links: Sequence[tuple[int, int, int]]


@dataclass(frozen=True)
class LayerTable:
    """All neurons numbered through, layer by layer.

    Attributes:
        starts: [layers + 1], the number of each layer's first neuron, and that of all.
        index: of each layer by name.
    """

    starts: Numbers
    index: dict[str, int]

    def numbers(self, lists: Iterable[NeuronsAttr]) -> Numbers:
        """The numbers of neurons.

        Raises:
            VerifyException: a layer is not there or has fewer neurons, or a neuron stands twice.
        """
        parts = [np.zeros(0, np.int64)]
        for each in lists:
            name = each.layer.data
            if name not in self.index:
                raise VerifyException(f'there is no layer "{name}"')
            start, end = self.starts[self.index[name] :][:2]
            # The end is looked at before a range is spread out, so that it costs no memory.
            last = int(each.ranges.get_values()[-1])
            if last > end - start:
                raise VerifyException(f'"{name}" has {end - start} neurons, none is {last - 1}')
            parts.append(each.units + start)
        found = np.concatenate(parts)
        if len(np.unique(found)) < len(found):
            raise VerifyException("a cluster names a neuron twice")
        return found


def table_of(layers: Sequence[LayerFacts]) -> LayerTable:
    """The numbers of all neurons.

    Raises:
        VerifyException: two layers have one name, or they are too large together.
    """
    index = {layer.name: number for number, layer in enumerate(layers)}
    if len(index) < len(layers):
        raise VerifyException("two layers have the same name")
    starts = np.cumsum([0, *(layer.units for layer in layers)], dtype=np.int64)
    if starts[-1] > 2**26:
        raise VerifyException(f"at most {2**26} neurons can be clustered")
    return LayerTable(starts, index)


def check_crossbars(facts: CrossbarsFacts) -> None:
    """Checks everything that does not need the network.

    Raises:
        VerifyException: it does not hold.
    """
    layers, clusters = facts.layers, facts.clusters
    if [each.number for each in clusters] != list(range(len(clusters))):
        raise VerifyException("clusters are numbered 0, 1, 2, ... in order")
    table = table_of(layers)
    cluster_of = _clusters_of_neurons(layers, clusters, table)
    reads = [table.numbers(each.reads) for each in clusters]
    _check_limits(facts, clusters, table, reads)
    _check_destinations(facts, cluster_of, reads)
    _check_links(facts, table, cluster_of, reads)


def _clusters_of_neurons(
    layers: Sequence[LayerFacts], clusters: Sequence[ClusterFacts], table: LayerTable
) -> Numbers:
    cluster_of = np.full(int(table.starts[-1]), -1, np.int64)
    for number, cluster in enumerate(clusters):
        members = table.numbers(cluster.computes)
        if (cluster_of[members] >= 0).any():
            raise VerifyException(f"cluster {number} computes a neuron that another computes")
        cluster_of[members] = number
    for layer, start, end in zip(layers, table.starts, table.starts[1:], strict=False):
        inside = cluster_of[start:end] >= 0
        name, is_input = layer.name, layer.is_input
        if is_input and inside.any():
            raise VerifyException(f'"{name}" is an input, and no cluster computes it')
        if not is_input and not inside.all():
            missing = int(np.flatnonzero(~inside)[0])
            raise VerifyException(f'no cluster computes neuron {missing} of "{name}"')
    return cluster_of


def _check_limits(
    facts: CrossbarsFacts,
    clusters: Sequence[ClusterFacts],
    table: LayerTable,
    reads: Sequence[Numbers],
) -> None:
    limits = facts.limits
    for number, cluster in enumerate(clusters):
        outputs = len(table.numbers(cluster.computes))
        synapses = cluster.synapses
        if not outputs or not len(reads[number]):
            raise VerifyException(f"cluster {number} has no inputs or no outputs")
        if not max(outputs, len(reads[number])) <= synapses <= outputs * len(reads[number]):
            raise VerifyException(f"cluster {number} cannot have {synapses} synapses")
        needs = {
            "inputs": len(reads[number]),
            "outputs": outputs,
            "crosspoints": synapses,
            "input_buffer": len(reads[number]),
            "output_buffer": outputs,
        }
        for name, value in needs.items():
            if name in limits and value > limits[name]:
                message = f"cluster {number} needs {value} {name}, a crossbar has {limits[name]}"
                raise VerifyException(message)


def _check_destinations(
    facts: CrossbarsFacts, cluster_of: Numbers, reads: Sequence[Numbers]
) -> None:
    most = facts.limits.get("destinations")
    if most is None or not reads:
        return
    reached = np.bincount(np.concatenate(reads), minlength=len(cluster_of))
    worst = int(np.where(cluster_of >= 0, reached, 0).max(initial=0))
    if worst > most:
        raise VerifyException(f"a neuron reaches {worst} destinations, at most {most} may be")


def _check_links(
    facts: CrossbarsFacts, table: LayerTable, cluster_of: Numbers, reads: Sequence[Numbers]
) -> None:
    """There is a link exactly where a cluster reads what another, or itself, computes."""
    units = np.diff(table.starts)
    delays = np.repeat([layer.delay for layer in facts.layers], units)
    wanted: set[tuple[int, int, int]] = set()
    for target, numbers in enumerate(reads):
        sources = zip(cluster_of[numbers].tolist(), delays[numbers].tolist(), strict=True)
        wanted |= {(source, target, delay) for source, delay in sources if source >= 0}
    given = facts.links
    if len(set(given)) < len(given):
        raise VerifyException("two links have the same source, target and delay")
    for source, target, delay in sorted(set(given) ^ wanted):
        words = "is missing" if (source, target, delay) in wanted else "has no neurons"
        raise VerifyException(f"the link {source} -> {target} after {delay} {words}")
