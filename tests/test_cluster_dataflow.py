"""The dataflow graph of a clustered network: from plain data, from the IR, and its period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_networks import random_network
from xdsl.dialects.builtin import ModuleOp

from spikeloom.compiler import apply_pipeline
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.sdf import GraphOp
from spikeloom.dialects.snn.crossbars import CrossbarsOp
from spikeloom.frontend.program import parse_program
from spikeloom.passes.clustering.cluster_dataflow import extract_from_clusters
from spikeloom.passes.clustering.strategy import cluster
from spikeloom.passes.dataflow.self_timed import self_timed_period
from spikeloom.passes.dataflow.throughput import throughput_of

RECURRENT = """network echo(x: spikes[6]) -> spikes[4] {
    hidden = lif(linear(x, 5) + linear(previous(hidden), 5, bias = false))
    return lif(linear(hidden, 4))
}
"""
FEED_FORWARD = """network deep(x: spikes[20]) -> spikes[4] {
    a = lif(linear(x, 30))
    b = lif(linear(a, 40))
    return lif(linear(b, 4))
}
"""


def extracted(text: str, limits: str, options: str = "{crossbar-time=10}") -> ModuleOp:
    """The module behind clustering, extraction and analysis."""
    module = parse_program(text, "net.snn")
    passes = f"infer-shapes,cluster-crossbars{{{limits}}},extract-dataflow{options}"
    apply_pipeline(module, f"{passes},analyze-throughput")
    return module


def graph_in(module: ModuleOp) -> GraphOp:
    """The graph."""
    (graph,) = (op for op in module.ops if isinstance(op, GraphOp))
    return graph


@pytest.mark.parametrize("seed", range(60))
def test_the_graph_of_any_clustering_runs_and_both_engines_agree_on_its_period(seed):
    random = np.random.default_rng(seed)
    clustering = cluster(*random_network(random))
    times = random.integers(1, 50, clustering.clusters).tolist()
    graph = extract_from_clusters(clustering, times)
    found = throughput_of(graph)
    assert set(found.repetition.counts) <= {1}
    assert found.period == self_timed_period(graph)
    assert found.period >= max(times, default=0)
    assert extract_from_clusters(clustering, 7).actors == tuple(
        replace(actor, time=7) for actor in graph.actors
    )


def test_crossbars_of_a_feed_forward_network_work_side_by_side():
    graph = graph_in(extracted(FEED_FORWARD, "inputs=40 outputs=10"))
    assert throughput_of(graph.graph()).period == 10
    assert graph.attributes["latency"].value.data == 30


def test_a_recurrent_layer_goes_round_through_what_delays_it():
    graph = graph_in(extracted(RECURRENT, "inputs=11 outputs=2"))
    layers = {actor.attributes["layer"].data for actor in graph.actors}
    assert layers == {"hidden", "hidden.delayed", "output"}
    places = {actor.attributes["source"].data for actor in graph.actors}
    assert places == {"net.snn:2:14", "net.snn:3:12"}
    # From a crossbar of `hidden` to one that hands its spikes to the next step, and back.
    assert throughput_of(graph.graph()).period == 20
    waiting = [channel for channel in graph.channels if "_after_1" in channel.sym_name.data]
    assert {channel.tokens.value.data for channel in waiting} == {1}


@pytest.mark.parametrize("text", [RECURRENT, FEED_FORWARD])
def test_a_token_holds_every_neuron_that_the_target_reads(text):
    module = extracted(text, "inputs=40 outputs=3")
    (crossbars,) = (op for op in module.ops if isinstance(op, CrossbarsOp))
    # Without a profile every neuron spikes once.
    spikes = {op.ends[:2]: op.spikes.value.data for op in crossbars.links}
    assert len(spikes) == len(crossbars.links)
    sizes = {
        tuple(int(part) for part in channel.sym_name.data.split("_")[1:3]): channel.token_size
        for channel in graph_in(module).channels
        if channel.token_size is not None
    }
    outside = {ends: number for ends, number in spikes.items() if ends[0] != ends[1]}
    assert {ends: size.value.data for ends, size in sizes.items()} == outside


def test_a_pass_of_a_crossbar_takes_time():
    with pytest.raises(DiagnosticError, match=r"at least 1 cycle, not 0 \[E0405\]"):
        extracted(FEED_FORWARD, "inputs=40 outputs=10", "{crossbar-time=0}")
