"""How fast dataflow graphs are analysed: `python benchmarks/throughput.py [--actors N]`.

Random graphs of four kinds, the same ones every time. Seconds are wall clock and processor time of
one thread, the shortest of three runs; building the graph is not counted.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph
from spikeloom.dialects.dataflow.platform import Tile, mesh
from spikeloom.passes.binding.application import prepare
from spikeloom.passes.binding.load_balance import balanced_binding
from spikeloom.passes.dataflow.throughput import throughput_of


def ring_graph(actors: int, channels: int, seed: int, rates: tuple[int, ...] = (1,)) -> Graph:
    """One ring through all actors and channels between any two; `rates` are counts of firings."""
    draw = random.Random(seed)
    counts = [draw.choice(rates) for _ in range(actors)]
    found: list[Channel] = []
    for number in range(channels):
        source, target = number, (number + 1) % actors
        if number >= actors:
            source, target = draw.randrange(actors), draw.randrange(actors)
        tokens = 0 if source < target else draw.randint(1, 4) * counts[source] * counts[target]
        rate = counts[target], counts[source]
        found.append(Channel(f"c{number}", source, target, *rate, tokens))
    return Graph(_actors(actors, draw), tuple(found))


def layered_graph(actors: int, channels: int, seed: int, width: int) -> Graph:
    """Clusters of a network: no self overlap, every channel with a buffer for two firings."""
    draw = random.Random(seed)
    found = [Channel(f"s{number}", number, number, tokens=1) for number in range(actors)]
    while len(found) + 1 < channels:
        target = draw.randrange(width, actors)
        source = (target // width - 1) * width + draw.randrange(width)
        found.append(Channel(f"c{len(found)}", source, target))
        found.append(Channel(f"c{len(found)}", target, source, tokens=2))
    return Graph(_actors(actors, draw), tuple(found))


def pipeline_graph(actors: int, seed: int, buffer: int) -> Graph:
    """A chain of stages without self overlap; with a `buffer`, rooms for so many results."""
    draw = random.Random(seed)
    found = [Channel(f"s{number}", number, number, tokens=1) for number in range(actors)]
    for number in range(actors - 1):
        found.append(Channel(f"c{number}", number, number + 1, tokens=0 if buffer else 2))
        if buffer:
            found.append(Channel(f"b{number}", number + 1, number, tokens=buffer))
    return Graph(_actors(actors, draw), tuple(found))


def _actors(count: int, draw: random.Random) -> tuple[Actor, ...]:
    return tuple(Actor(f"a{number}", draw.randint(1, 100)) for number in range(count))


def seconds(work: Callable[[], object], runs: int = 3) -> tuple[float, float]:
    """Wall clock and processor time of the fastest run."""
    wall: list[float] = []
    processor: list[float] = []
    for _ in range(runs):
        start, begun = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - begun)
    return min(wall), min(processor)


def main() -> None:
    """Prints one line per kind of graph, then one for binding 100 clusters."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actors", type=int, default=50_000)
    actors = parser.parse_args().actors
    channels = 4 * actors
    print(f"{'graph':34} {'wall s':>8} {'cpu s':>8}  period")
    for name, graph in (
        ("random, a ring through all", ring_graph(actors, channels, 1)),
        ("layers with buffers", layered_graph(actors, channels, 2, max(1, actors // 100))),
        ("layers, narrow", layered_graph(actors, channels, 3, max(1, actors // 1000))),
        ("random, 1 or 2 firings per actor", ring_graph(actors, channels, 4, (1, 2))),
        ("a pipeline", pipeline_graph(actors, 5, 0)),
        ("a pipeline, rooms for 1", pipeline_graph(actors, 6, 1)),
        ("a pipeline, rooms for 3", pipeline_graph(actors, 7, 3)),
    ):
        wall, processor = seconds(lambda graph=graph: throughput_of(graph))
        print(f"{name:34} {wall:8.2f} {processor:8.2f}  {throughput_of(graph).period}")
    application = prepare(layered_graph(100, 500, 5, 10))
    platform = mesh(4, 4, Tile("tile"), 1, 8)
    binding = balanced_binding(application, platform)
    for name, work in (
        ("bind 100 clusters", lambda: balanced_binding(application, platform)),
        ("guarantee for 100 clusters", lambda: application.guarantee(binding, platform)),
    ):
        wall, processor = seconds(work)
        print(f"{name:34} {wall:8.4f} {processor:8.4f}")


if __name__ == "__main__":
    main()
