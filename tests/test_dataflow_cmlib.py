"""Periods and deadlocks equal those of cmlib, another max-plus tool (MIT), on random graphs.

cmlib is in no package registry. To run this, clone Model-Based-Design-Lab/cmlib, install its
`packages/dataflow` (with textx and networkx) beside Spikeloom, and call `pytest -m oracle`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from random_graphs import random_graph

from spikeloom.dialects.dataflow.graph import Deadlock, Graph, InconsistentRates
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.passes.dataflow.throughput import throughput_of

if TYPE_CHECKING:
    from typing import Any

pytestmark = pytest.mark.oracle


def as_cmlib(graph: Graph) -> Any:
    libsdf = pytest.importorskip("dataflow.libsdf", reason="cmlib is not installed")
    model = libsdf.DataflowGraph()
    names = [actor.name for actor in graph.actors]
    for actor in graph.actors:
        model.add_actor(actor.name, {"executionTime": Fraction(actor.time)})
    for channel in graph.channels:
        specs = {
            "name": channel.name,
            "prodRate": channel.production,
            "consRate": channel.consumption,
            "initialTokens": channel.tokens,
        }
        model.add_channel(names[channel.source], names[channel.target], specs)
    return model


def expected(graph: Graph) -> Fraction | str:
    """The period, or how the graph fails; cmlib's throughput is 1 / period."""
    model = as_cmlib(graph)
    if not isinstance(model.repetition_vector(), dict):
        return "InconsistentRates"
    if model.deadlock():
        return "Deadlock"
    throughput = model.throughput()
    return Fraction(0) if throughput == "infinite" else 1 / throughput


def answer(graph: Graph) -> Fraction | str:
    try:
        return throughput_of(graph).period
    except (Deadlock, InconsistentRates) as problem:
        return type(problem).__name__


def is_small(graph: Graph) -> bool:
    """Few enough tokens and firings for a matrix of Python fractions."""
    return sum(channel.tokens for channel in graph.channels) <= 40


def test_periods_equal_those_of_cmlib_on_random_graphs():
    pytest.importorskip("dataflow.libsdf", reason="cmlib is not installed")
    compared = 0
    for seed in range(300):
        graph = random_graph(seed)
        if not is_small(graph):
            continue
        assert answer(graph) == expected(graph), seed
        if not isinstance(answer(graph), str):
            counts = repetition_vector(graph).counts
            names = [actor.name for actor in graph.actors]
            vector = as_cmlib(graph).repetition_vector()
            assert [vector.get(name, 1) for name in names] == list(counts), seed
        compared += 1
    assert compared > 100
