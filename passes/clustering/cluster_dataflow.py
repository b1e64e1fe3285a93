"""The dataflow graph of a clustered network: a crossbar is an actor, what it sends a channel.

An iteration is one time step: every crossbar takes the spikes of one step and makes those of its
neurons (Balaji et al., LCTES 2020). Spikes that are used so many steps later wait as initial
tokens. A crossbar does one pass at a time. Times of a pass do not depend on the spikes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import StringAttr

from spikeloom.diagnostics import SourceLocation
from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph
from spikeloom.dialects.locations import location_attribute, location_of
from spikeloom.dialects.number_text import count
from spikeloom.dialects.sdf import GraphOp, make_graph
from spikeloom.dialects.snn.crossbars import CrossbarsOp
from spikeloom.dialects.snn.crossbars_types import NeuronsAttr
from spikeloom.dialects.snn.network import NetworkOp
from spikeloom.passes.clustering.clustering import Clustering

Link = tuple[int, int, int]
"""Source, target, and the time steps that spikes wait."""


def extract_from_clusters(
    clustering: Clustering, times: int | Sequence[int], name: str = "clusters"
) -> Graph:
    """The graph of a clustering whose clusters need `times` cycles for a pass, all or each."""
    links = clustering.links
    columns = (links.source.tolist(), links.target.tolist(), links.delay.tolist())
    each = [times] * clustering.clusters if isinstance(times, int) else list(times)
    return _graph(each, zip(*columns, strict=True), name)


def crossbars_graph(crossbars: CrossbarsOp, time: int) -> GraphOp:
    """The graph of a clustering in the IR; `time` is that of one pass.

    The size of a token is the most spikes that a step can send: the neurons that are read. Actors
    know the layers that they compute, and the line of the program of the first.
    """
    network = crossbars.network.root_reference.data
    links = [op.ends for op in crossbars.links]
    graph = _graph([time] * len(crossbars.clusters), links, f"{network}_dataflow")
    op = make_graph(graph)
    sizes = _sizes(crossbars)
    for channel in op.channels:
        if channel.sym_name.data in sizes:
            channel.token_size = count(sizes[channel.sym_name.data])
    places = _places(crossbars, network)
    for actor, cluster in zip(op.actors, crossbars.clusters, strict=True):
        layers = [each.layer.data for each in cluster.computes]
        actor.attributes["layer"] = StringAttr("+".join(layers))
        # Partial sums and relays are called after the layer that they work for.
        owner = next((name for name in layers if name in places), layers[0].partition(".")[0])
        if owner in places:
            actor.attributes["source"] = StringAttr(str(places[owner]))
            actor.location = location_attribute(places[owner])
    op.attributes["times"] = StringAttr("exact")
    return op


def _graph(times: Sequence[int], links: Iterable[Link], name: str) -> Graph:
    """Actors, what one sends another, and no overlap of an actor with itself.

    That bounds what an actor sends itself, too, because it waits for a step at least.
    """
    actors = tuple(Actor(f"cluster_{number}", time) for number, time in enumerate(times))
    channels = [
        Channel(_channel_name(source, target, delay), source, target, tokens=delay)
        for source, target, delay in links
        if source != target
    ]
    return Graph(actors, tuple(channels), name).without_self_overlap()


def _channel_name(source: int, target: int, delay: int) -> str:
    return f"spikes_{source}_{target}" + (f"_after_{delay}" if delay else "")


def _sizes(crossbars: CrossbarsOp) -> dict[str, int]:
    """Neurons whose spikes go over each channel, by its name."""
    delays = {op.layer.data: op.delay.value.data for op in crossbars.layers}
    clusters = crossbars.clusters
    computes = [_units(op.computes) for op in clusters]
    reads = [_units(op.reads) for op in clusters]
    found: dict[str, int] = {}
    for source, target, delay in (op.ends for op in crossbars.links):
        shared = [
            len(np.intersect1d(units, reads[target][layer], assume_unique=True))
            for layer, units in computes[source].items()
            if layer in reads[target] and delays[layer] == delay
        ]
        found[_channel_name(source, target, delay)] = sum(shared)
    return found


def _units(lists: Iterable[NeuronsAttr]) -> dict[str, NDArray[np.int64]]:
    """The numbers of neurons by layer."""
    return {each.layer.data: each.units for each in lists}


def _places(crossbars: CrossbarsOp, network: str) -> dict[str, SourceLocation]:
    """Where the program says what the layers of a network are."""
    parent = crossbars.parent
    assert parent is not None, "a verified clustering stands beside its network"
    found: dict[str, SourceLocation] = {}
    for op in parent.ops:
        if isinstance(op, NetworkOp) and op.sym_name.data == network:
            for each in op.walk():
                layer = each.properties.get("layer")
                place = location_of(each)
                if isinstance(layer, StringAttr) and place is not None:
                    found[layer.data] = place
    return found
