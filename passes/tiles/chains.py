"""The order in which chains take inputs, so that their sums are those of one long column."""

from __future__ import annotations

import numpy as np

from spikeloom.dialects.activity_profile import ActivityProfile
from spikeloom.dialects.snn import NetworkOp
from spikeloom.passes.cluster_crossbars import clustered
from spikeloom.passes.clustering.connections import Numbers
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.network import NetworkConnections
from spikeloom.passes.clustering.network_layers import layers_of
from spikeloom.passes.clustering.strategy import Strategy, Unrolling
from spikeloom.passes.tiles.network import TileNetwork, tile_network
from spikeloom.passes.tiles.terms import Integers, Term, parameter_places, terms_of_layer


def clustered_for_tiles(
    network: NetworkOp,
    limits: Limits,
    strategy: Strategy = Strategy.GROW,
    profile: ActivityProfile | None = None,
) -> tuple[NetworkConnections, TileNetwork]:
    """A network clustered so that tiles compute it to the bit: with chains in the order of sums.

    Raises:
        DiagnosticError: E0306 the network does not fit, or no crossbar computes it exactly; E0204
            its shapes are not known.
    """
    found, clustering = clustered(
        network,
        limits,
        Unrolling.CHAIN,
        strategy,
        profile,
        lambda connections: inputs_in_order_of_sums(network, connections, limits.longest),
    )
    return found, tile_network(network, found, clustering)


def inputs_in_order_of_sums(network: NetworkOp, found: NetworkConnections, longest: int) -> Numbers:
    """The inputs of all connections, those of neurons with more than `longest` as sums take them.

    Raises:
        DiagnosticError: E0306 a current is no sum over spikes that a crossbar takes exactly.
    """
    connections = found.connections
    inputs = connections.inputs.copy()
    layers, places = layers_of(network), parameter_places(network)
    fan_in = connections.fan_in
    for layer in found.layers:
        neurons = np.arange(layer.neurons.start, layer.neurons.stop)
        long = neurons[fan_in[neurons] > longest]
        if not len(long) or not layer.is_computed:
            continue
        terms = terms_of_layer(layer, layers, places)
        for neuron in long.tolist():
            begin, end = connections.first[neuron : neuron + 2]
            inputs[begin:end] = _in_order(terms, neuron - layer.neurons.start)
    return inputs


def _in_order(terms: list[Term], unit: int) -> Integers:
    """The inputs of a unit's terms, one term behind the other, each where it comes first."""
    parts: list[Integers] = []
    for term in terms:
        at = int(np.searchsorted(term.units, unit))
        if at < len(term.units) and term.units[at] == unit:
            parts.append(term.inputs[term.first[at] : term.first[at + 1]])
    together = np.concatenate(parts)
    if len(parts) == 1:
        return together
    return together[np.sort(np.unique(together, return_index=True)[1])]
