"""A division of a network into clusters, one crossbar each, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from spikeloom.passes.clustering.connections import Numbers, Offsets, distinct_inputs
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.unrolling import Unrolled


@dataclass(frozen=True)
class Traffic:
    """Spikes between clusters in one inference: columns of equal length, sorted.

    A spike is sent once to each other cluster that it feeds (multicast), whatever number of
    neurons it feeds there.
    """

    source: Numbers
    target: Numbers
    spikes: Offsets

    @property
    def total(self) -> int:
        """All of them."""
        return int(self.spikes.sum())


@dataclass(frozen=True)
class Links:
    """What one cluster sends another or itself, by the time steps that the spikes wait.

    Columns of equal length, sorted by source, target and delay; `spikes` are those of one
    inference, 0 not excluded.
    """

    source: Numbers
    target: Numbers
    delay: Numbers
    spikes: Offsets


@dataclass(frozen=True)
class Clustering:
    """Neurons with inputs, divided into clusters.

    Attributes:
        network: unrolled; all its synapses are kept.
        limits: what every cluster obeys.
        cluster_of: [n], the cluster that computes each neuron; -1 for inputs of the network.
        cut: what a search gave up for want of time or memory, or None.
    """

    network: Unrolled
    limits: Limits
    cluster_of: Numbers
    cut: str | None = None

    @property
    def clusters(self) -> int:
        """The number of clusters, which are numbered from 0."""
        return int(self.cluster_of.max(initial=-1)) + 1

    @cached_property
    def feeds(self) -> tuple[Offsets, Numbers]:
        """The distinct neurons that feed each cluster: offsets [clusters + 1], and neurons."""
        connections = self.network.connections
        members = np.argsort(self.cluster_of, kind="stable")
        begin = np.searchsorted(self.cluster_of[members], np.arange(self.clusters + 1))
        return distinct_inputs(
            connections.first, connections.inputs, begin, members, connections.neurons
        )

    @cached_property
    def traffic(self) -> Traffic:
        """Spikes between clusters; what enters from outside the network is not among them."""
        first, neuron = self.feeds
        target = np.repeat(np.arange(self.clusters), np.diff(first))
        source = self.cluster_of[neuron]
        crossing = (source >= 0) & (source != target)
        keys = source[crossing].astype(np.int64) * self.clusters + target[crossing]
        found, place = np.unique(keys, return_inverse=True)
        spikes = np.zeros(len(found), np.int64)
        np.add.at(spikes, place, self.network.connections.spikes[neuron[crossing]])
        ends = np.divmod(found, max(1, self.clusters))
        return Traffic(ends[0].astype(np.int32), ends[1].astype(np.int32), spikes)

    @cached_property
    def links(self) -> Links:
        """All ways of spikes, inside of clusters too; every delay is 1 where none is known."""
        first, neuron = self.feeds
        inside = self.cluster_of[neuron] >= 0
        target = np.repeat(np.arange(self.clusters), np.diff(first))[inside]
        neuron = neuron[inside]
        delays = self.network.connections.delays
        delay = (
            np.ones(len(neuron), np.int64) if delays is None else delays[neuron].astype(np.int64)
        )
        span = int(delay.max(initial=0)) + 1
        keys = (self.cluster_of[neuron].astype(np.int64) * self.clusters + target) * span + delay
        found, place = np.unique(keys, return_inverse=True)
        spikes = np.zeros(len(found), np.int64)
        np.add.at(spikes, place, self.network.connections.spikes[neuron])
        pairs, waits = np.divmod(found, span)
        source, goal = np.divmod(pairs, max(1, self.clusters))
        return Links(source.astype(np.int32), goal.astype(np.int32), waits.astype(np.int32), spikes)

    @property
    def inputs(self) -> Offsets:
        """[clusters], distinct neurons that feed each."""
        return np.diff(self.feeds[0])

    @property
    def outputs(self) -> Offsets:
        """[clusters], neurons that each computes."""
        return np.bincount(self.cluster_of[self.cluster_of >= 0], minlength=self.clusters)

    @property
    def crosspoints(self) -> Offsets:
        """[clusters], synapses of each."""
        fed = self.cluster_of >= 0
        fan_in = self.network.connections.fan_in
        sums = np.zeros(self.clusters, np.int64)
        np.add.at(sums, self.cluster_of[fed], fan_in[fed])
        return sums

    @property
    def levels(self) -> Numbers:
        """[clusters], how deep the neurons of each lie in a time step; 0 without delays."""
        found = np.zeros(self.clusters, np.int32)
        fed = self.cluster_of >= 0
        found[self.cluster_of[fed]] = self.network.levels[fed]
        return found

    @property
    def destinations(self) -> Offsets:
        """[n], clusters that each neuron's spikes reach, its own included."""
        return np.bincount(self.feeds[1], minlength=self.network.connections.neurons)

    @property
    def utilization(self) -> tuple[float, float, float]:
        """The shares of all clusters' inputs, outputs and crosspoints that are in use."""
        wires = (self.limits.most_inputs, self.limits.most_outputs)
        places = min(wires[0] * wires[1], self.limits.most_crosspoints)
        used = (self.inputs, self.outputs, self.crosspoints)
        sums = [int(each.sum()) for each in used]
        available = [each * max(1, self.clusters) for each in (*wires, places)]
        return sums[0] / available[0], sums[1] / available[1], sums[2] / available[2]

    def numbered(self) -> Clustering:
        """The same clusters, without gaps between their numbers."""
        kept, numbers = np.unique(self.cluster_of[self.cluster_of >= 0], return_inverse=True)
        if len(kept) == self.clusters:
            return self
        found = np.full(len(self.cluster_of), -1, np.int32)
        found[self.cluster_of >= 0] = numbers
        return replace(self, cluster_of=found)

    def members(self, cluster: int) -> Offsets:
        """The neurons that a cluster computes, ascending."""
        return np.flatnonzero(self.cluster_of == cluster)

    def check(self) -> None:
        """Every neuron that is fed lies in a cluster, and every cluster obeys its limits.

        Raises:
            AssertionError: it does not, which is an error of the strategy.
        """
        fed = self.network.connections.fan_in > 0
        assert (self.cluster_of[fed] >= 0).all(), "a neuron lies in no cluster"
        assert (self.cluster_of[~fed] < 0).all(), "an input of the network lies in a cluster"
        limits = self.limits
        assert self.outputs.min(initial=1) >= 1, "a cluster is empty"
        assert self.network.connections.fan_in.max(initial=0) <= limits.longest, "fan-in"
        assert self.inputs.max(initial=0) <= limits.most_inputs, "inputs"
        assert self.outputs.max(initial=0) <= limits.most_outputs, "outputs"
        assert self.crosspoints.max(initial=0) <= limits.most_crosspoints, "crosspoints"
        if limits.destinations is not None:
            reached = self.destinations[fed]
            assert reached.max(initial=0) <= limits.destinations, "destinations"
        assert not self._runs_in_circles(), "spikes run in a circle within a time step"

    def _runs_in_circles(self) -> bool:
        """Whether a cluster needs its own spikes of the same time step, by whatever way."""
        links = self.links
        at_once = np.flatnonzero(links.delay == 0)
        waiting_for = np.bincount(links.target[at_once], minlength=self.clusters)
        ends = np.searchsorted(links.source[at_once], np.arange(self.clusters + 1))
        ready = np.flatnonzero(waiting_for == 0).tolist()
        done = 0
        while ready:
            cluster = ready.pop()
            done += 1
            for target in links.target[at_once][ends[cluster] : ends[cluster + 1]].tolist():
                waiting_for[target] -= 1
                if waiting_for[target] == 0:
                    ready.append(target)
        return done < self.clusters
