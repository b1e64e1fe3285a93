"""Random dataflow graphs, deadlocked and inconsistent ones among them."""

from __future__ import annotations

import math
import random

from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph


def random_graph(seed: int) -> Graph:
    """At most 6 actors and 10 channels; about a third of the graphs has a period."""
    draw = random.Random(seed)
    count = draw.randint(1, 6)
    firings = [draw.randint(1, 4) for _ in range(count)]
    channels: list[Channel] = []
    for number in range(draw.randint(1, 10)):
        source, target = draw.randrange(count), draw.randrange(count)
        moved = math.lcm(firings[source], firings[target]) * draw.randint(1, 2)
        production, consumption = moved // firings[source], moved // firings[target]
        if draw.random() < 0.05:
            production += 1
        tokens = draw.choice([0, draw.randint(0, 3 * moved), draw.randint(0, 3 * moved)])
        channels.append(Channel(f"c{number}", source, target, production, consumption, tokens))
    actors = tuple(Actor(f"a{number}", draw.randint(0, 20)) for number in range(count))
    return Graph(actors, tuple(channels))
