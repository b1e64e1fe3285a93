"""Local moves: one neuron after the other goes to the cluster where it saves the most spikes.

After Fiduccia & Mattheyses (DAC 1982), with the gains of a hypergraph's connectivity (km1): a spike
crosses once into every other cluster that it feeds. All moves keep every limit, and `improved`
makes only those that save spikes, so that the search ends; it is also cut after a number of looks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.holders import Holders, held, holders_of, release, take
from spikeloom.passes.compiled import Column, compiled

MOST_VISITS = 2**28
"""Connections and clusters looked at, at most: some seconds."""


class Division(NamedTuple):
    """What moves change, and what they depend on.

    Attributes:
        first, inputs, spikes: the connections.
        cluster_of: [n], changed in place.
        outputs, synapses: [clusters], changed in place.
        limits: inputs, outputs and crosspoints of a cluster, at most.
        levels: [clusters], kept by all moves.
    """

    first: Column
    inputs: Column
    spikes: Column
    cluster_of: Column
    outputs: Column
    synapses: Column
    limits: Column
    levels: Column


class Candidates(NamedTuple):
    """Clusters that a neuron might move to.

    Attributes:
        seen_by: [clusters], the neuron that looked last.
        shared: [clusters], inputs of the neuron that the cluster has already.
        worth: [clusters], spikes that would not have to cross into it.
        found: the clusters seen, as many as were counted.
    """

    seen_by: Column
    shared: Column
    worth: Column
    found: Column


def improved(clustering: Clustering, order: Column, most_visits: int = MOST_VISITS) -> Clustering:
    """The clustering after local moves, which are tried neuron by neuron in the given order.

    Empty clusters are gone. `cut` says so where the moves were stopped before the last.
    """
    division = division_of(clustering)
    holders = holders_in(division)
    candidates = no_candidates(clustering.clusters)
    visits = 0
    turn = 0
    moves = 1
    while moves and visits <= most_visits:
        _, moves, visits = sweep(division, holders, candidates, order, 0, turn, visits, most_visits)
        turn += 1
    complete = visits <= most_visits
    cut = clustering.cut if complete else f"local moves were cut after {most_visits} looks"
    return replace(clustering, cluster_of=division.cluster_of, cut=cut).numbered()


def division_of(clustering: Clustering) -> Division:
    """What moves change, in columns of their own."""
    limits, connections = clustering.limits, clustering.network.connections
    bounds = (limits.most_inputs, limits.most_outputs, limits.most_crosspoints)
    return Division(
        connections.first,
        connections.inputs,
        connections.spikes,
        clustering.cluster_of.copy(),
        clustering.outputs.astype(np.int64),
        clustering.crosspoints,
        np.array(bounds, np.int64),
        clustering.levels,
    )


def holders_in(division: Division) -> Holders:
    """Whom each neuron feeds in this division."""
    clusters = len(division.outputs)
    room = min(len(division.inputs), clusters * int(division.limits[0]))
    return holders_of(division.first, division.inputs, division.cluster_of, clusters, room)


def no_candidates(clusters: int) -> Candidates:
    """Room to look for candidates among so many clusters."""
    return Candidates(
        np.full(clusters, -1, np.int64),
        np.zeros(clusters, np.int64),
        np.zeros(clusters, np.int64),
        np.empty(clusters, np.int32),
    )


@compiled
def _see(candidates: Candidates, cluster: int, look: int, count: int) -> int:
    """Adds a cluster to those found, once per look."""
    if candidates.seen_by[cluster] == look:
        return count
    candidates.seen_by[cluster] = look
    candidates.shared[cluster] = 0
    candidates.worth[cluster] = 0
    candidates.found[count] = cluster
    return count + 1


@compiled
def _look_around(
    division: Division, holders: Holders, candidates: Candidates, neuron: int, look: int
) -> tuple[int, int, int]:
    """Finds all candidates of a neuron: their number, the spikes that enter it, and the visits."""
    count = 0
    total = 0
    visits = 0
    for at in range(division.first[neuron], division.first[neuron + 1]):
        source = division.inputs[at]
        owner = division.cluster_of[source]
        spikes = division.spikes[source] if owner >= 0 and source != neuron else 0
        total += spikes
        entry = holders.heads[source]
        while entry >= 0:
            visits += 1
            cluster = holders.cluster[entry]
            count = _see(candidates, cluster, look, count)
            candidates.shared[cluster] += 1
            if cluster != owner:
                candidates.worth[cluster] += spikes
            entry = holders.following[entry]
        if owner >= 0:
            count = _see(candidates, owner, look, count)
            candidates.worth[owner] += spikes
    entry = holders.heads[neuron]
    while entry >= 0:
        visits += 1
        cluster = holders.cluster[entry]
        count = _see(candidates, cluster, look, count)
        candidates.worth[cluster] += division.spikes[neuron]
        entry = holders.following[entry]
    return count, total, visits


@compiled
def _loss_of_leaving(division: Division, holders: Holders, neuron: int) -> int:
    """Spikes that cross once the neuron has left its cluster, less those that no longer do."""
    home = division.cluster_of[neuron]
    loss = 0
    own = 0
    for at in range(division.first[neuron], division.first[neuron + 1]):
        source = division.inputs[at]
        if source == neuron:
            own = 1
            continue
        owner = division.cluster_of[source]
        if owner >= 0 and owner != home and held(holders, source, home) == 1:
            loss -= division.spikes[source]
    if held(holders, neuron, home) > own:
        loss += division.spikes[neuron]
    return loss


@compiled
def _best(
    division: Division,
    holders: Holders,
    candidates: Candidates,
    neuron: int,
    count: int,
    least: int,
) -> int:
    """The feasible candidate of the greatest worth above `least`; -1 without one."""
    home = division.cluster_of[neuron]
    fan_in = division.first[neuron + 1] - division.first[neuron]
    best = -1
    for index in range(count):
        cluster = candidates.found[index]
        worth = candidates.worth[cluster]
        if cluster == home or worth <= least or division.levels[cluster] != division.levels[home]:
            continue
        needed = holders.inputs[cluster] + fan_in - candidates.shared[cluster]
        if (
            needed > division.limits[0]
            or division.outputs[cluster] + 1 > division.limits[1]
            or division.synapses[cluster] + fan_in > division.limits[2]
        ):
            continue
        if (
            best < 0
            or worth > candidates.worth[best]
            or (worth == candidates.worth[best] and cluster < best)
        ):
            best = cluster
    return best


@compiled
def _move(division: Division, holders: Holders, neuron: int, target: int) -> None:
    home = division.cluster_of[neuron]
    begin, end = division.first[neuron], division.first[neuron + 1]
    for at in range(begin, end):
        release(holders, division.inputs[at], home)
    for at in range(begin, end):
        take(holders, division.inputs[at], target)
    division.cluster_of[neuron] = target
    division.outputs[home] -= 1
    division.outputs[target] += 1
    division.synapses[home] -= end - begin
    division.synapses[target] += end - begin


@compiled
def sweep(
    division: Division,
    holders: Holders,
    candidates: Candidates,
    order: Column,
    slack: int,
    turn: int,
    visits: int,
    most_visits: int,
) -> tuple[int, int, int]:
    """Offers every neuron a move, in this order; each may lose less than `slack`, or must gain.

    `turn` counts the sweeps with these candidates. Returns the spikes gained, the moves made, and
    the visits, those before included; the sweep stops where they exceed the most.
    """
    gained = 0
    moves = 0
    for index in range(len(order)):
        neuron = order[index]
        if division.cluster_of[neuron] < 0:
            continue
        if visits > most_visits:
            break
        look = turn * len(order) + index
        count, total, seen = _look_around(division, holders, candidates, neuron, look)
        visits += seen + division.first[neuron + 1] - division.first[neuron]
        loss = total + _loss_of_leaving(division, holders, neuron)
        target = _best(division, holders, candidates, neuron, count, loss - slack)
        if target >= 0:
            gained += candidates.worth[target] - loss
            moves += 1
            _move(division, holders, neuron, target)
    return gained, moves, visits
