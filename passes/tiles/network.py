"""A clustered network with all that its execution on tiles must know, whatever the binding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.diagnostics import error
from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.dialects.snn import NetworkOp, ParameterOp
from spikeloom.passes.binding.application import Application, prepare
from spikeloom.passes.clustering.cluster_dataflow import extract_from_clusters
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.network import NetworkConnections
from spikeloom.passes.clustering.network_layers import Layer, layers_of
from spikeloom.passes.tiles.clusters import Crossbar, Way, crossbars_of, ways_of
from spikeloom.passes.tiles.columns import Columns, LayerTerms, columns_of
from spikeloom.passes.tiles.neurons import numbers_of
from spikeloom.passes.tiles.terms import parameter_places, terms_of_layer


@dataclass(frozen=True)
class TileNetwork:
    """A network that can be executed.

    Attributes:
        clustering: with chains for neurons with too many inputs.
        layers: of the network, in the order of their neurons.
        columns: of all crossbars.
        numbers: [NUMBERS, n] of every neuron, element and relay.
        crossbars, ways: of all clusters.
        parameters: of the network, in the order in which its numbers are counted.
    """

    clustering: Clustering
    layers: tuple[Layer, ...]
    columns: Columns
    numbers: NDArray[np.float32]
    crossbars: tuple[Crossbar, ...]
    ways: tuple[Way, ...]
    parameters: tuple[ParameterOp, ...]

    @property
    def input(self) -> Layer:
        """The layer of the network's input."""
        return self.layers[0]

    def application(self, time: int, spare: int = 1) -> Application:
        """The dataflow graph with a pass of `time` cycles, ready to be bound.

        The size of a token is in bits: one for each neuron read, 32 for each partial sum.

        Raises:
            Deadlock, TooManyFirings: the graph cannot complete an iteration.
        """
        graph = extract_from_clusters(self.clustering, time)
        return prepare(graph, sizes=self.sizes(graph), spare=spare)

    def sizes(self, graph: Graph) -> list[int]:
        """Bits of a token of every channel of the graph; 1 for an actor's own self-loop."""
        bits = {(way.source, way.target, way.delay): way.bits for way in self.ways}
        return [
            1 if each.source == each.target else bits[each.source, each.target, each.tokens]
            for each in graph.channels
        ]

    def numbered(self, parameters: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """All numbers of the network: 0, 1, then its parameters, in the language's shapes.

        Raises:
            DiagnosticError: E0404 a parameter is missing, or has another shape.
        """
        found = [np.array([0.0, 1.0], np.float32)]
        for op in self.parameters:
            name, shape = op.sym_name.data, op.type.get_shape()
            values = parameters.get(name)
            if values is None or values.shape != shape:
                got = "is missing" if values is None else f"has the shape {list(values.shape)}"
                message = f"the parameter `{name}` {got}, the network needs {list(shape)}"
                raise error("E0404", message, help="run and save the same program")
            found.append(values.astype(np.float32, copy=False).ravel())
        return np.concatenate(found)


def tile_network(
    network: NetworkOp, found: NetworkConnections, clustering: Clustering
) -> TileNetwork:
    """What is to be executed; `found` and `clustering` are those of the network.

    Raises:
        DiagnosticError: E0306 a crossbar cannot compute the network, or this clustering of it, to
            the bit.
    """
    layers = layers_of(network)
    places = parameter_places(network)
    own = [
        LayerTerms(layer.neurons.start, terms_of_layer(layer, layers, places))
        for layer in found.layers
        if layer.is_computed
    ]
    columns = columns_of(clustering.network, own, found.name_of)
    crossbars = crossbars_of(clustering, columns)
    return TileNetwork(
        clustering,
        found.layers,
        columns,
        numbers_of(clustering.network, found.layers),
        tuple(crossbars),
        tuple(ways_of(clustering, columns, crossbars)),
        tuple(network.parameters().values()),
    )
