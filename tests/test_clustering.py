"""Clustering of connections: nothing lost, no limit exceeded, few crossbars, little traffic."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from synthetic_networks import convolutional, random_network, small_world

from spikeloom.diagnostics import DiagnosticError
from spikeloom.passes.clustering.canonical import canonical_order
from spikeloom.passes.clustering.clustering import Clustering
from spikeloom.passes.clustering.connections import Connections, connections_of
from spikeloom.passes.clustering.growing import grown
from spikeloom.passes.clustering.kahypar import partitioned
from spikeloom.passes.clustering.layers import ConnectionsBuilder
from spikeloom.passes.clustering.limits import Limits
from spikeloom.passes.clustering.lists import read_connections
from spikeloom.passes.clustering.merging import merged
from spikeloom.passes.clustering.moving import improved
from spikeloom.passes.clustering.partial_sums import unroll_as_tree
from spikeloom.passes.clustering.published import cluster_as_published
from spikeloom.passes.clustering.strategy import Strategy, Unrolling, cluster
from spikeloom.passes.clustering.unrolling import Unrolled, unroll, untouched

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "sdf" / "clustering"

MT_KAHYPAR = {"convolutional": 177_246, "small world": 262_127}
"""Spikes between crossbars that mt-KaHyPar leaves, split recursively and merged."""


needs_kahypar = pytest.mark.skipif(
    importlib.util.find_spec("mtkahypar") is None, reason="mt-KaHyPar is an optional extra"
)

PAPER = "0 6\n1 6 7 8\n2 7 8\n3 7\n4 7 8\n5 7 8\n"
"""The published example. On crossbars of 4 inputs the published tool drops the synapse 5 -> 7."""


def response_classes() -> Connections:
    """2-150-120-1 dense, both inputs being neuron 0: 272 neurons, 18,270 synapses."""
    builder = ConnectionsBuilder()
    layer = builder.inputs(1)
    for outputs in (150, 120, 1):
        layer = builder.dense(layer, outputs=outputs)
    return builder.connections()


def originals_behind(network: Unrolled) -> list[set[int]]:
    """For every original neuron the original neurons whose spikes end in it."""
    connections = network.connections

    def spread(neuron: int) -> set[int]:
        found: set[int] = set()
        for source in connections.inputs_of(neuron).tolist():
            found |= {source} if source < network.original else spread(source)
        return found

    return [spread(neuron) for neuron in range(network.original)]


def synapses_of(network: Connections) -> list[set[int]]:
    return [set(network.inputs_of(neuron).tolist()) for neuron in range(network.neurons)]


def traffic_by_hand(found: Clustering) -> dict[tuple[int, int], int]:
    """Spikes between clusters, neuron by neuron."""
    connections = found.network.connections
    crossing: dict[tuple[int, int], set[int]] = {}
    for target in range(connections.neurons):
        for source in connections.inputs_of(target).tolist():
            ends = (int(found.cluster_of[source]), int(found.cluster_of[target]))
            if ends[0] >= 0 and ends[0] != ends[1]:
                crossing.setdefault(ends, set()).add(source)
    return {ends: int(connections.spikes[list(each)].sum()) for ends, each in crossing.items()}


@pytest.mark.parametrize("part", range(5))
def test_no_synapse_is_lost_and_no_limit_exceeded_on_random_networks(part: int) -> None:
    rng = np.random.default_rng(part)
    for _ in range(100):
        network, limits = random_network(rng)
        found = cluster(network, limits)
        found.check()
        assert originals_behind(found.network) == synapses_of(network)
        by_hand = traffic_by_hand(found)
        traffic = found.traffic
        ends = zip(traffic.source.tolist(), traffic.target.tolist(), strict=True)
        assert dict(zip(ends, traffic.spikes.tolist(), strict=True)) == by_hand
        assert traffic.total == sum(by_hand.values())


def test_every_strategy_and_form_of_unrolling_keeps_limits() -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        network, limits = random_network(rng)
        choices = [(Unrolling.CHAIN, Strategy.GROW), (Unrolling.TREE, Strategy.GROW)]
        if network.delays is None:
            choices.append((Unrolling.CHAIN, Strategy.PUBLISHED))
        for unrolling, strategy in choices:
            found = cluster(network, limits, unrolling, strategy)
            found.check()
            assert originals_behind(found.network) == synapses_of(network)


def test_the_published_example_is_clustered_as_published() -> None:
    network = read_connections(PAPER.replace("5 7 8", "5 8"), "paper")
    found = cluster_as_published(unroll(network, 4), Limits(4, 4))
    found.check()
    first, inputs = found.feeds
    clusters = [
        (sorted(inputs[first[c] : first[c + 1]].tolist()), found.members(c).tolist())
        for c in range(found.clusters)
    ]
    assert clusters == [([0, 1], [6]), ([1, 2, 3, 4], [7]), ([1, 2, 4, 5], [8])]


@pytest.mark.parametrize("strategy", [Strategy.GROW, Strategy.PUBLISHED])
def test_the_published_example_keeps_the_synapse_that_the_published_tool_drops(
    strategy: Strategy,
) -> None:
    network = read_connections(PAPER, "paper")
    found = cluster(network, Limits(4, 4), strategy=strategy)
    found.check()
    assert found.clusters <= 4
    assert originals_behind(found.network) == synapses_of(network)
    assert originals_behind(found.network)[7] == {1, 2, 3, 4, 5}


def test_a_neuron_with_ten_inputs_becomes_a_chain_of_three() -> None:
    network = connections_of({10: list(range(10))}, 11, list(range(1, 12)))
    found = unroll(network, 4)
    chain = [found.connections.inputs_of(neuron).tolist() for neuron in (11, 12, 10)]
    assert chain == [[0, 1, 2, 3], [4, 5, 6, 11], [7, 8, 9, 12]]
    assert found.connections.spikes[11:].tolist() == [10, 28]
    assert found.predecessor[[11, 12, 10]].tolist() == [-1, 11, 12]
    assert found.owner[11:].tolist() == [10, 10]


def test_a_fan_in_of_two_takes_eight_elements() -> None:
    found = unroll(connections_of({10: list(range(10))}, 11), 2)
    assert found.connections.neurons - found.original == 8


def test_a_tree_adds_partial_sums_of_disjoint_inputs() -> None:
    network = connections_of({10: list(range(10))}, 11)
    found = unroll_as_tree(network, 4, np.arange(11))
    inputs = [found.connections.inputs_of(neuron).tolist() for neuron in (11, 12, 13, 10)]
    assert inputs == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [11, 12, 13]]
    assert unroll_as_tree(network, 3, np.arange(11)).connections.fan_in.max() <= 3


def test_response_classes_fill_five_crossbars() -> None:
    network = response_classes()
    assert (network.neurons, network.synapses) == (272, 18_270)
    found = cluster(network, Limits())
    found.check()
    assert found.clusters <= 5
    assert originals_behind(found.network) == synapses_of(network)
    assert cluster(network, Limits(), strategy=Strategy.PUBLISHED).clusters == 5


@pytest.mark.skipif(not SHARED.is_dir(), reason="other people's lists lie in ../shared, absent")
def test_the_published_list_of_response_classes_fills_five_crossbars() -> None:
    path = SHARED / "ANNDVT.connection_info.txt"
    network = read_connections(path.read_text(encoding="ascii"), str(path))
    assert synapses_of(network) == synapses_of(response_classes())


def test_a_convolutional_network_takes_few_crossbars_and_little_traffic() -> None:
    found = cluster(convolutional(), Limits())
    found.check()
    assert found.clusters <= 160
    assert found.traffic.total <= 0.72 * MT_KAHYPAR["convolutional"]


def test_a_small_world_takes_few_crossbars_and_little_traffic() -> None:
    found = cluster(small_world(), Limits())
    found.check()
    assert found.clusters <= 200
    assert found.traffic.total <= 0.85 * MT_KAHYPAR["small world"]


def test_local_moves_and_merging_only_gain() -> None:
    network = unroll(small_world(600, 20), 128)
    limits = Limits(64, 64)
    first = grown(network, limits)
    second = merged(first)
    third = improved(second, canonical_order(network.connections))
    third.check()
    assert second.clusters <= first.clusters
    assert third.clusters <= second.clusters
    assert third.traffic.total < second.traffic.total


def test_a_cut_search_keeps_limits_and_says_so() -> None:
    network = unroll(small_world(600, 20), 128)
    start = merged(grown(network, Limits(64, 64)))
    cut = improved(start, canonical_order(network.connections), most_visits=1000)
    cut.check()
    assert cut.cut == "local moves were cut after 1000 looks"
    assert start.cut is None


@pytest.mark.parametrize("make", [convolutional, lambda: small_world(600, 20), response_classes])
def test_the_numbers_of_neurons_do_not_matter(make: object) -> None:
    """Neurons are told apart by structure and spikes, or else can be exchanged for each other."""
    assert callable(make)
    network: Connections = make()
    found = cluster(network, Limits(100, 100))
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(network.neurons)
        other = cluster(network.renumbered(order), Limits(100, 100))
        assert (other.clusters, other.traffic.total) == (found.clusters, found.traffic.total)
        assert sorted(other.crosspoints.tolist()) == sorted(found.crosspoints.tolist())


def test_a_renumbered_network_without_look_alikes_has_the_same_clusters() -> None:
    network = small_world(300, 12)
    found = cluster(network, Limits(40, 40))
    order = np.random.default_rng(3).permutation(network.neurons)
    other = cluster(network.renumbered(order), Limits(40, 40))
    assert (other.cluster_of == found.cluster_of[order]).all()


def test_clusters_hold_neurons_of_one_level_where_delays_are_known() -> None:
    builder = ConnectionsBuilder()
    layer = builder.inputs(4)
    for _ in range(3):
        layer = builder.dense(layer, outputs=4)
    together = cluster(builder.connections(), Limits())
    assert together.clusters == 1
    builder = ConnectionsBuilder()
    layer = builder.inputs(4)
    for _ in range(3):
        layer = builder.dense(layer, outputs=4)
    apart = cluster(builder.connections(delays=np.zeros(16, np.int32)), Limits())
    apart.check()
    assert apart.clusters == 3
    assert sorted(apart.levels.tolist()) == [1, 2, 3]


def test_a_neuron_with_many_destinations_gets_relays() -> None:
    fan_in = {0: [1], **{neuron: [0, neuron + 20] for neuron in range(2, 20)}}
    network = connections_of(fan_in, 40)
    free = cluster(network, Limits(2, 1))
    assert free.destinations[0] == 18
    for most in range(2, 6):
        found = cluster(network, Limits(2, 1, destinations=most))
        found.check()
        assert found.network.is_relay.any()
        assert originals_behind(found.network) == synapses_of(network)


def test_a_large_layer_is_unrolled_into_a_tree_because_that_takes_fewer_crossbars() -> None:
    builder = ConnectionsBuilder()
    builder.dense(builder.inputs(400), outputs=100)
    network = builder.connections()
    tree, chain = (
        cluster(network, Limits(), unrolling).clusters
        for unrolling in (Unrolling.TREE, Unrolling.CHAIN)
    )
    assert tree * 10 < chain
    assert cluster(network, Limits()).clusters == tree


def test_windows_over_images_equal_loops_over_pixels() -> None:
    builder = ConnectionsBuilder()
    image = builder.inputs(2 * 5 * 6)
    layer, shape = builder.window(image, (2, 5, 6), 3, 3, stride=2, padding=1)
    builder.window(layer, shape, shape[0], 2, depthwise=True)
    found = builder.connections()
    assert shape == (3, 3, 3)
    for channel, row, column in np.ndindex(3, 3, 3):
        wanted = {
            (c * 5 + y) * 6 + x
            for c in range(2)
            for y in range(2 * row - 1, 2 * row + 2)
            for x in range(2 * column - 1, 2 * column + 2)
            if 0 <= y < 5 and 0 <= x < 6
        }
        neuron = 60 + (channel * 3 + row) * 3 + column
        assert set(found.inputs_of(neuron).tolist()) == wanted
    for channel, row, column in np.ndindex(3, 2, 2):
        corner = 60 + (channel * 3 + row) * 3 + column
        neuron = 87 + (channel * 2 + row) * 2 + column
        assert found.inputs_of(neuron).tolist() == [corner, corner + 1, corner + 3, corner + 4]


def test_an_empty_network_needs_no_crossbar() -> None:
    found = cluster(connections_of({}, 3), Limits())
    found.check()
    assert (found.clusters, found.traffic.total) == (0, 0)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"inputs": 0}, "`inputs` lies in [1, 16777216], got 0"),
        ({"destinations": -1}, "`destinations` lies in [1, 16777216], got -1"),
        ({"fan_in": 200}, "a `fan_in` of 200 exceeds the crossbar's 128 inputs"),
    ],
)
def test_limits_that_make_no_sense_are_refused(limits: dict[str, int], words: str) -> None:
    with pytest.raises(DiagnosticError, match="E0306") as caught:
        Limits(**limits)
    assert words in str(caught.value)
    assert caught.value.diagnostics[0].help


@pytest.mark.parametrize(
    ("limits", "unrolling", "words"),
    [
        (Limits(8), Unrolling.NONE, "neuron 10 has 10 inputs, but a crossbar takes 8 of one (inp"),
        (Limits(crosspoints=9), Unrolling.NONE, "takes 9 of one (crosspoints=9)"),
        (Limits(fan_in=1), Unrolling.AUTO, "fan_in=1 leaves no room for a chain"),
    ],
)
def test_a_neuron_that_does_not_fit_is_named(
    limits: Limits, unrolling: Unrolling, words: str
) -> None:
    network = connections_of({10: list(range(10))}, 11)
    with pytest.raises(DiagnosticError, match="E0306") as caught:
        cluster(network, limits, unrolling)
    assert words in str(caught.value)
    assert caught.value.diagnostics[0].help


def test_relays_without_room_are_an_error() -> None:
    # A neuron that feeds itself and another, in crossbars of one output that reach one crossbar.
    network = connections_of({0: [0], 1: [0, 2]}, 3)
    with pytest.raises(DiagnosticError, match="neuron 0 reaches 2 clusters"):
        cluster(network, Limits(2, 1, destinations=1))


@pytest.mark.skipif(
    importlib.util.find_spec("mtkahypar") is not None, reason="mt-KaHyPar is installed"
)
def test_a_strategy_that_is_not_installed_says_how_to_install_it() -> None:
    with pytest.raises(DiagnosticError, match="not installed") as caught:
        cluster(response_classes(), Limits(), strategy=Strategy.KAHYPAR)
    assert "spikeloom[kahypar]" in str(caught.value.diagnostics[0].help)


@needs_kahypar
def test_a_small_world_has_less_traffic_and_fewer_crossbars_than_by_mt_kahypar() -> None:
    network = small_world()
    theirs = merged(partitioned(untouched(network), Limits()))
    ours = cluster(network, Limits())
    assert ours.traffic.total <= theirs.traffic.total
    assert ours.clusters < theirs.clusters


@needs_kahypar
def test_parts_of_mt_kahypar_are_merged_and_refined() -> None:
    network = small_world(600, 20)
    found = cluster(network, Limits(64, 64), strategy=Strategy.KAHYPAR)
    found.check()
    assert originals_behind(found.network) == synapses_of(network)
