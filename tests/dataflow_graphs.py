"""Dataflow graphs for tests: other people's, random ones that run, and layers of clusters."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from random_graphs import random_graph

from spikeloom.dialects.dataflow.graph import Actor, Channel, Deadlock, Graph, InconsistentRates
from spikeloom.dialects.sdf import GraphOp
from spikeloom.frontend.sdf3 import parse_sdf3
from spikeloom.passes.dataflow.throughput import throughput_of

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "sdf"
needs_graphs = pytest.mark.skipif(
    not SHARED.is_dir(), reason="other people's graphs lie in ../shared/data/sdf, which is absent"
)


def read(path: Path) -> Graph:
    """The graph of an SDF3 file."""
    op = next(iter(parse_sdf3(path.read_bytes(), str(path)).ops))
    assert isinstance(op, GraphOp)
    return op.graph()


def lenet() -> Graph:
    """The clustered LeNet of DFSynthesizer: 7 clusters of 16 cycles, 13 channels."""
    return read(SHARED / "lenet" / "LeNet-MNIST.xml")


def live_graphs(count: int) -> Iterator[tuple[int, Graph]]:
    """Random graphs that complete their iterations, with their seeds."""
    seed = 0
    while count:
        graph = random_graph(seed)
        seed += 1
        try:
            throughput_of(graph)
        except (Deadlock, InconsistentRates):
            continue
        count -= 1
        yield seed - 1, graph


def layers(seed: int, width: int = 10, depth: int = 6) -> Graph:
    """Clusters of a feed-forward network: each takes from some of the layer before."""
    draw = random.Random(seed)
    actors = tuple(Actor(f"a{number}", draw.randint(10, 20)) for number in range(width * depth))
    channels = [
        Channel(f"c{target}_{source}", (target // width - 1) * width + source, target)
        for target in range(width, width * depth)
        for source in draw.sample(range(width), 3)
    ]
    return Graph(actors, tuple(channels))
