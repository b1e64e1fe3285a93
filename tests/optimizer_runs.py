"""Several training steps of one random network on the engine, under one optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from engine_gradients import Engine
from random_batches import random_batch
from random_networks import random_network
from reference_optimizers import Adam, AdamW, Sgd

Optimizer = Sgd | Adam | AdamW

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    "sgd": lambda: Sgd(0.05),
    "sgd with momentum": lambda: Sgd(0.05, momentum=0.9),
    "adam": lambda: Adam(0.02),
    "adamw": lambda: AdamW(0.02, decay=0.1),
}
SEEDS = (5, 19, 38)
"""Two to four layers, with biases and recurrences."""

STEPS = 6


@dataclass(frozen=True, eq=False)
class Update:
    """One training step: the gradients it found, and the parameters that it left."""

    gradients: dict[str, np.ndarray]
    parameters: dict[str, np.ndarray]


def initial_parameters(seed: int) -> dict[str, np.ndarray]:
    """The parameters that `engine_updates` starts from."""
    parameters, _ = random_batch(random_network(seed), seed)
    return parameters


def engine_updates(seed: int, optimizer: Optimizer) -> Iterator[Update]:
    """The updates of `STEPS` training steps on one batch."""
    network = random_network(seed, optimizer.text())
    parameters, batch = random_batch(network, seed)
    engine = Engine(network)
    engine.write_parameters(parameters)
    for _ in range(STEPS):
        gradients = engine.run(batch).gradients
        yield Update(gradients, engine.read_parameters())
