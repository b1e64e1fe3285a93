"""The search for clusters: attraction, shaking, growing anew, and the choice among starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_networks import random_network, small_world

from spikeloom.passes.clustering.attracting import attracted
from spikeloom.passes.clustering.canonical import canonical_order
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Connections, connections_of
from spikeloom.passes.clustering.growing import grown
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.merging import merged
from spikeloom.passes.clustering.moving import improved
from spikeloom.passes.clustering.refining import PRICES, best_of, refined
from spikeloom.passes.clustering.regions import region_of
from spikeloom.passes.clustering.regrowing import regrown
from spikeloom.passes.clustering.shaking import shaken
from spikeloom.passes.clustering.unrolling import unroll, untouched


def pairs_behind_a_layer(width: int = 8) -> Connections:
    """Four inputs of the network feed every neuron of a layer, each of which feeds one more."""
    layer = range(4, 4 + width)
    fan_in = {neuron: list(range(4)) for neuron in layer}
    fan_in |= {neuron + width: [neuron] for neuron in layer}
    return connections_of(fan_in, 4 + 2 * width, [5] * (4 + 2 * width))


def clusters_with(clusters: int, traffic: int) -> Clustering:
    """So many neurons, each in a cluster of its own; the first sends the second its spikes."""
    fan_in = {neuron: [neuron] for neuron in range(clusters)}
    fan_in[1] = [0]
    spikes = [traffic] + [0] * (clusters - 1)
    network = untouched(connections_of(fan_in, clusters, spikes))
    return Clustering(network, Limits(4, 4), np.arange(clusters, dtype=np.int32))


@pytest.mark.parametrize("price", [1, *PRICES])
def test_growing_by_attraction_keeps_limits_and_levels(price: int) -> None:
    rng = np.random.default_rng(price)
    for _ in range(40):
        network, limits = random_network(rng)
        if network.fan_in.max(initial=0) > limits.longest >= 2:
            network = unroll(network, limits.longest).connections
        if network.fan_in.max(initial=0) <= limits.longest:
            bare = replace(limits, destinations=None)
            attracted(untouched(network), bare, canonical_order(network), price).check()


def test_attraction_brings_a_neuron_together_with_the_one_that_it_feeds() -> None:
    network = untouched(pairs_behind_a_layer())
    limits = Limits(inputs=6, outputs=4)
    order = canonical_order(network.connections)
    together = attracted(network, limits, order, price=16)
    assert (together.clusters, together.traffic.total) == (4, 0)
    assert grown(network, limits).traffic.total == 8 * 5


def test_a_dear_input_makes_neurons_with_the_same_inputs_stay_together() -> None:
    network = untouched(pairs_behind_a_layer())
    order = canonical_order(network.connections)
    limits = Limits(inputs=6, outputs=4)
    dear, cheap = (attracted(network, limits, order, price) for price in (PRICES[-1], 16))
    assert np.bincount(dear.cluster_of[4:12]).max() == 4
    assert np.bincount(cheap.cluster_of[4:12]).max() == 2


@pytest.mark.parametrize("price", PRICES)
def test_attraction_does_not_depend_on_the_numbers_of_neurons(price: int) -> None:
    network = small_world(300, 12)
    renumbering = np.random.default_rng(3).permutation(network.neurons)
    other = network.renumbered(renumbering)
    first, second = (
        attracted(untouched(each), Limits(40, 40), canonical_order(each), price)
        for each in (network, other)
    )
    assert (second.cluster_of == first.cluster_of[renumbering]).all()


def test_shaking_only_gains_and_keeps_limits() -> None:
    rng = np.random.default_rng(7)
    for _ in range(60):
        network, limits = random_network(rng)
        if network.fan_in.max(initial=0) > limits.longest:
            continue
        order = canonical_order(network)
        start = merged(grown(untouched(network), replace(limits, destinations=None)))
        found = shaken(start, order)
        found.check()
        assert found.clusters <= start.clusters
        assert found.traffic.total <= start.traffic.total


def test_shaking_finds_what_moves_that_gain_do_not() -> None:
    network = small_world(600, 20)
    order = canonical_order(network)
    stuck = improved(merged(grown(untouched(network), Limits(64, 64))), order)
    assert improved(stuck, order).traffic.total == stuck.traffic.total
    assert shaken(stuck, order).traffic.total < 0.98 * stuck.traffic.total


def test_shaking_that_is_cut_keeps_limits_and_says_so() -> None:
    network = small_world(600, 20)
    start = merged(grown(untouched(network), Limits(64, 64)))
    found = shaken(start, canonical_order(network), most_visits=1000)
    found.check()
    assert found.cut == "shaking was cut after 1000 looks"
    assert found.traffic.total <= start.traffic.total


def test_regions_grown_anew_only_gain_and_keep_limits_and_levels() -> None:
    rng = np.random.default_rng(11)
    for _ in range(60):
        network, limits = random_network(rng)
        if network.fan_in.max(initial=0) > limits.longest:
            continue
        start = merged(grown(untouched(network), replace(limits, destinations=None)))
        found = regrown(start, canonical_order(network), PRICES[0])
        found.check()
        assert (found.clusters, found.traffic.total) <= (start.clusters, start.traffic.total)


def test_full_crossbars_exchange_halves_by_growing_anew() -> None:
    # A layer in two crossbars, what it feeds in two more: all outputs are in use, nobody can move.
    network = untouched(pairs_behind_a_layer())
    order = canonical_order(network.connections)
    apart = np.array([-1] * 4 + [0] * 4 + [1] * 4 + [2] * 4 + [3] * 4, np.int32)
    start = Clustering(network, Limits(inputs=6, outputs=4), apart)
    start.check()
    assert improved(start, order).traffic.total == start.traffic.total == 8 * 5
    found = regrown(start, order, price=16)
    found.check()
    assert (found.clusters, found.traffic.total) == (4, 0)


def test_the_cost_of_a_region_is_what_enters_its_clusters_wherever_it_comes_from() -> None:
    network = small_world(300, 12)
    found = merged(grown(untouched(network), Limits(40, 40)))
    rank = np.argsort(canonical_order(network))
    clusters = np.array([1, 3, 4])
    region = region_of(network, found.limits, found.cluster_of, clusters, rank)
    entering = np.isin(found.traffic.target, clusters)
    spikes = int(found.traffic.spikes[entering].sum())
    assert region.cost(region.division) == (3, spikes)
    assert set(region.members.tolist()) == set(
        np.flatnonzero(np.isin(found.cluster_of, clusters)).tolist()
    )


def test_clusters_of_any_origin_are_refined() -> None:
    network = untouched(small_world(300, 12))
    alone = np.arange(300, dtype=np.int32)
    found = refined(Clustering(network, Limits(40, 40), alone))
    found.check()
    assert found.clusters < 60


def test_one_crossbar_in_twenty_may_be_spent_on_less_traffic() -> None:
    fewest, few, many = (
        clusters_with(20, traffic=9),
        clusters_with(21, traffic=5),
        clusters_with(22, traffic=1),
    )
    assert best_of([many, fewest, few]) is few
    assert best_of([fewest, many]) is fewest
    assert best_of([clusters_with(19, traffic=9), clusters_with(20, traffic=5)]).clusters == 19
