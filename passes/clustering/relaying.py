"""Relays: a neuron whose spikes must reach more clusters than its tile can address.

A relay is a neuron with one input, whose spikes it repeats. A neuron keeps as many destinations as
it may have, one of them the cluster of its relays, and the relays serve the rest, through relays of
their own where need be. A relay lies in its neuron's cluster, in a cluster of relays with room, or
in a new one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from spikeloom.diagnostics import error
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Numbers, Offsets, ascending
from spikeloom.passes.clustering.unrolling import Unrolled


@dataclass
class _Room:
    """What one cluster can still take."""

    inputs: int
    outputs: int
    synapses: int

    def fits(self, relays: int, is_input: bool) -> bool:
        """Room for relays of a neuron that the cluster may already have as an input."""
        return self.most(is_input) >= relays

    def most(self, is_input: bool) -> int:
        """Relays of one neuron that fit."""
        return 0 if self.inputs < (not is_input) else min(self.outputs, self.synapses)

    def take(self, relays: int, is_input: bool) -> None:
        """Gives room to relays of one neuron."""
        self.inputs -= not is_input
        self.outputs -= relays
        self.synapses -= relays


@dataclass(frozen=True)
class _Served:
    """A neuron, or a relay behind `depth` others, and the clusters that its spikes must reach."""

    neuron: int
    clusters: list[int]
    depth: int = 0


class _Relays:
    """All relays of a clustering, planned neuron by neuron."""

    def __init__(self, clustering: Clustering, name_of: Callable[[int], str]):
        limits = clustering.limits
        assert limits.destinations is not None
        self.clustering = clustering
        self.name_of = name_of
        self.most = limits.destinations
        self.next_number = clustering.network.connections.neurons
        self.sources: list[int] = []
        """The neuron that each relay repeats."""
        self.homes: list[int] = []
        """The cluster of each relay."""
        self.replaced: dict[tuple[int, int], int] = {}
        """By cluster and neuron, the relay that feeds the cluster in the neuron's stead."""
        used = zip(clustering.inputs, clustering.outputs, clustering.crosspoints, strict=True)
        self.rooms = [
            _Room(
                limits.most_inputs - int(inputs),
                limits.most_outputs - int(outputs),
                limits.most_crosspoints - int(synapses),
            )
            for inputs, outputs, synapses in used
        ]
        self.levels = None if clustering.network.connections.delays is None else clustering.levels
        self.open: dict[tuple[int, int], list[int]] = {}
        """Clusters of nothing but relays that have room, by level and by relays on the way."""

    def serve(self, neuron: int, home: int, clusters: list[int]) -> None:
        """Plans the relays of a neuron that reaches too many clusters."""
        waiting = [(_Served(neuron, clusters), home)]
        level = self._level(neuron, home)
        while waiting:
            served, place = waiting.pop()
            if len(served.clusters) > self.most:
                waiting += self._branch(neuron, served, place, level)
            elif served.neuron != neuron:
                for each in served.clusters:
                    self.replaced[each, neuron] = served.neuron

    def _level(self, neuron: int, home: int) -> int:
        """That of a neuron whose spikes are used at once, -1 of one whose spikes wait."""
        if self.levels is None:
            return 0
        delays = self.clustering.network.connections.delays
        return int(self.levels[home]) if delays is None or delays[neuron] == 0 else -1

    def _branch(
        self, neuron: int, served: _Served, home: int, level: int
    ) -> list[tuple[_Served, int]]:
        """Relays of one neuron or relay; what it does not serve itself is shared among them."""
        nest = self._nest(served, home, level)
        is_input = nest in served.clusters
        direct = [nest] if is_input else []
        others = [each for each in served.clusters if each != nest]
        direct += others[: self.most - 1]
        rest = others[self.most - 1 :]
        wanted = -(-len(rest) // self.most)
        count = min(wanted, self.rooms[nest].most(is_input))
        if count == 0 or (count == 1 and len(rest) == len(served.clusters)):
            raise self._stuck(neuron, len(served.clusters))
        self.rooms[nest].take(count, is_input)
        if served.neuron != neuron:
            for each in direct:
                self.replaced[each, neuron] = served.neuron
        shares = np.array_split(np.array(rest), count)
        depth = served.depth + 1
        return [(self._relay(served.neuron, nest, share.tolist(), depth), nest) for share in shares]

    def _nest(self, served: _Served, home: int, level: int) -> int:
        """Where the relays go: home, an open cluster of relays, or a new one.

        Where delays are known, a cluster of relays belongs to one level and depth, so that no
        spikes run in a circle within a time step; and home is no place for them.
        """
        wanted = -(-(len(served.clusters) - self.most) // self.most)
        is_input = home in served.clusters
        if self.levels is None and self.rooms[home].fits(wanted, is_input):
            return home
        if self.most == 1 and is_input:
            return home
        key = (0, 0) if self.levels is None else (level, served.depth)
        nests = self.open.setdefault(key, [])
        while nests:
            if self.rooms[nests[-1]].fits(min(2, wanted), False):
                return nests[-1]
            nests.pop()
        limits = self.clustering.limits
        self.rooms.append(_Room(limits.most_inputs, limits.most_outputs, limits.most_crosspoints))
        nests.append(len(self.rooms) - 1)
        return nests[-1]

    def _relay(self, source: int, home: int, clusters: list[int], depth: int) -> _Served:
        self.sources.append(source)
        self.homes.append(home)
        self.next_number += 1
        return _Served(self.next_number - 1, clusters, depth)

    def _stuck(self, neuron: int, reached: int) -> Exception:
        owner = int(self.clustering.network.owner[neuron])
        return error(
            "E0306",
            f"{self.name_of(owner)} reaches {reached} clusters, but a spike may reach "
            f"{self.most}, and there is no room for relays",
            help="allow more destinations, or more outputs of a crossbar",
        )


def relayed(clustering: Clustering, name_of: Callable[[int], str]) -> Clustering:
    """The clustering with relays for all neurons that reach too many clusters.

    Raises:
        DiagnosticError: a cluster that feeds itself has no room for the relays it needs (E0306).
    """
    limit = clustering.limits.destinations
    computed = clustering.cluster_of >= 0
    if limit is None or clustering.destinations[computed].max(initial=0) <= limit:
        return clustering
    first, neurons = clustering.feeds
    cluster = np.repeat(np.arange(clustering.clusters), np.diff(first))
    by_neuron = np.argsort(neurons, kind="stable")
    ends = np.searchsorted(neurons[by_neuron], np.arange(len(computed) + 1))
    relays = _Relays(clustering, name_of)
    for neuron in np.flatnonzero(computed & (np.diff(ends) > limit)):
        reached = cluster[by_neuron[ends[neuron] : ends[neuron + 1]]]
        relays.serve(int(neuron), int(clustering.cluster_of[neuron]), reached.tolist())
    return _with_relays(clustering, relays)


def _with_relays(clustering: Clustering, relays: _Relays) -> Clustering:
    network, connections = clustering.network, clustering.network.connections
    sources = np.array(relays.sources, np.int32)
    lengths = np.concatenate([connections.fan_in, np.ones(len(sources), np.int64)])
    first = np.concatenate([[0], np.cumsum(lengths)])
    inputs = np.concatenate([_redirected(clustering, relays), sources])
    spikes = np.concatenate([connections.spikes, np.zeros(len(sources), np.int64)])
    owner = np.concatenate([network.owner, np.zeros(len(sources), np.int32)])
    for number, source in enumerate(relays.sources, start=connections.neurons):
        spikes[number], owner[number] = spikes[source], owner[source]
    return replace(
        clustering,
        network=Unrolled(
            connections.extended(first, ascending(first, inputs), spikes),
            network.original,
            owner,
            np.concatenate([network.predecessor, np.full(len(sources), -1, np.int32)]),
        ),
        cluster_of=np.concatenate([clustering.cluster_of, np.array(relays.homes, np.int32)]),
    )


def _redirected(clustering: Clustering, relays: _Relays) -> Numbers:
    """The inputs of all neurons, from relays where these serve their cluster."""
    connections = clustering.network.connections
    n = connections.neurons
    pairs = sorted(relays.replaced.items())
    keys = np.array([cluster * n + neuron for (cluster, neuron), _ in pairs], np.int64)
    numbers = np.array([relay for _, relay in pairs], np.int32)
    own: Offsets = np.repeat(clustering.cluster_of.astype(np.int64), connections.fan_in)
    wanted = own * n + connections.inputs
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, numbers[place], connections.inputs)
