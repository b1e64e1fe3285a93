"""Networks to cluster: a convolutional one, a small world, and random ones; all deterministic."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product

import numpy as np

from spikeloom.passes.clustering.connections import Connections, connections_of
from spikeloom.passes.clustering.limits import Limits

FanIn = dict[int, list[int]]


def convolutional(seed: int = 0) -> Connections:
    """28 x 28 inputs, 8 maps of 5 x 5 windows, pools of 2 x 2, 16 maps over 4 of 8, 64, 10."""
    rng = random.Random(seed)
    fan_in: FanIn = {}
    image = np.arange(784).reshape(28, 28)
    count = 784

    def layer(sources: Sequence[np.ndarray], side: int, kernel: int, stride: int = 1) -> np.ndarray:
        nonlocal count
        units = np.arange(count, count + side**2).reshape(side, side)
        for row, column in product(range(side), repeat=2):
            y, x = row * stride, column * stride
            windows = [source[y : y + kernel, x : x + kernel] for source in sources]
            fan_in[int(units[row, column])] = [int(i) for w in windows for i in w.ravel()]
        count += side**2
        return units

    maps = [layer([image], 24, 5) for _ in range(8)]
    pools = [layer([each], 12, 2, stride=2) for each in maps]
    deep = [layer([pools[m] for m in rng.sample(range(8), 4)], 10, 3) for _ in range(16)]
    flat = [int(unit) for units in deep for unit in units.ravel()]
    for unit in range(count, count + 64):
        fan_in[unit] = rng.sample(flat, 100)
    for unit in range(count + 64, count + 74):
        fan_in[unit] = list(range(count, count + 64))
    return connections_of(fan_in, count + 74, spikes(count + 74))


def small_world(neurons: int = 3000, degree: int = 40, seed: int = 0) -> Connections:
    """A ring (Watts & Strogatz 1998), a tenth of it rewired, under shuffled numbers."""
    rng = random.Random(seed)
    feeding: dict[int, set[int]] = {neuron: set() for neuron in range(neurons)}
    for neuron in range(neurons):
        for distance in range(1, degree // 2 + 1):
            for other in ((neuron + distance) % neurons, (neuron - distance) % neurons):
                rewired = rng.random() < 0.1
                feeding[neuron].add(rng.randrange(neurons) if rewired else other)
    names = list(range(neurons))
    rng.shuffle(names)
    fan_in = {names[n]: [names[i] for i in sources] for n, sources in feeding.items()}
    return connections_of(fan_in, neurons, spikes(neurons))


def spikes(neurons: int, seed: int = 1) -> list[int]:
    """Spikes of each neuron, log-normal and at least one."""
    drawn = np.random.default_rng(seed).lognormal(2, 1, neurons)
    return np.maximum(1, drawn).astype(int).tolist()


def random_network(rng: np.random.Generator) -> tuple[Connections, Limits]:
    """A network of up to 60 neurons, a third of them with known delays, and limits for it."""
    n = int(rng.integers(1, 61))
    widest = int(rng.integers(1, 16))
    fan_in = {
        neuron: rng.choice(n, size=min(n, int(rng.integers(0, widest + 1))), replace=False).tolist()
        for neuron in range(n)
    }
    counts = rng.integers(0, 20, n).tolist()
    delays = None
    if rng.random() < 0.33:
        delays = (rng.random(n) < 0.2).astype(np.int32)
        fan_in = {v: [u for u in us if delays[u] or u < v] for v, us in fan_in.items()}
    found = connections_of(fan_in, n, counts)

    def maybe(least: int, most: int) -> int | None:
        return int(rng.integers(least, most)) if rng.random() < 0.5 else None

    limits = Limits(
        inputs=int(rng.integers(2, 13)),
        outputs=int(rng.integers(1, 9)),
        crosspoints=maybe(2, 40),
        destinations=maybe(2, 6),
        input_buffer=maybe(2, 13),
        output_buffer=maybe(1, 9),
    )
    return Connections(found.first, found.inputs, found.spikes, delays), limits
