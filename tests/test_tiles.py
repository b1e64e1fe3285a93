"""Networks on tiles: their spikes are those of the engine, their clock is the dataflow graph."""

from __future__ import annotations

import numpy as np
import pytest
from random_tile_networks import random_tile_network
from tile_networks import (
    Unclustered,
    on_tiles,
    random_machine,
    random_parameters,
    random_spikes,
)

from spikeloom.passes.clustering.limits import Limits


@pytest.mark.parametrize("seed", range(120))
def test_spikes_and_potentials_equal_those_of_the_unclustered_network_to_the_bit(seed):
    random = np.random.default_rng([1, seed])
    network = random_tile_network(seed)
    size = int(random.choice([8, 16]))
    destinations = int(random.integers(2, 5)) if seed % 4 == 0 else None
    limits = Limits(size, size, destinations=destinations)
    placed = on_tiles(network.text(), limits, random_machine(random), random)
    parameters, spikes = random_parameters(network, random), random_spikes(network, random)
    expected = Unclustered(network).outputs(parameters, spikes)
    assert expected
    executor = placed.executor(network.steps)
    for sample in range(network.batch):
        found = executor.run(parameters, spikes[:, sample]).outputs
        for layer, values in expected.items():
            flat = values[:, sample].reshape(network.steps, -1)
            assert np.array_equal(found[layer], flat), layer


@pytest.mark.parametrize("seed", range(200))
def test_the_measured_period_is_the_guaranteed_one(seed):
    random = np.random.default_rng([2, seed])
    network = random_tile_network(seed)
    size = int(random.choice([8, 16, 24, 32]))
    machine = random_machine(random)
    placed = on_tiles(network.text(), Limits(size, size), machine, random, int(random.integers(3)))
    steps = 60
    run = placed.executor(steps).run(
        random_parameters(network, random),
        random.integers(0, 2, (steps, *network.input_shape)),
    )
    promised = placed.application.guarantee(placed.binding, machine.platform()).period
    assert run.period() == promised
