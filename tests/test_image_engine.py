"""Convolutional networks on the engine: gradients of the reference, whatever the tiles and threads.

The whole way of a program: text to IR to stream, validated, and executed by the interpreter.
"""

from __future__ import annotations

import numpy as np
import pytest
from agreement import assert_agrees, assert_close
from engine_gradients import Engine, machine_with_memories
from random_batches import random_batch
from random_image_networks import COMBINATIONS, random_image_network
from reference_gradients import evaluate

from spikeloom.diagnostics import DiagnosticError

NETWORKS = range(2 * len(COMBINATIONS))
SMALL = 4_224
"""Bytes of each memory: the images of these networks do not fit, so that their rows are cut."""

REGROUPED = 1e-5
"""Sums over batch, time and space, and so what a batchnorm computes, are grouped by the tiles."""


@pytest.mark.parametrize("seed", NETWORKS)
def test_gradients_equal_the_reference(seed: int) -> None:
    network = random_image_network(seed)
    parameters, batch = random_batch(network, seed)
    engine = Engine(network)
    engine.write_parameters(parameters)
    assert_agrees(engine.run(batch), evaluate(network, parameters, batch))


# Network 15 is so small that no machine cuts it.
@pytest.mark.parametrize("seed", [seed for seed in range(len(COMBINATIONS)) if seed != 15])
def test_tiles_change_no_result(seed: int) -> None:
    network = random_image_network(seed)
    parameters, batch = random_batch(network, seed)
    large, small = Engine(network), Engine(network, machine_with_memories(SMALL))
    results = []
    for engine in (large, small):
        engine.write_parameters(parameters)
        results.append(engine.run(batch))
    assert small.loops_that_repeat() > large.loops_that_repeat()
    one, other = results
    for layer, spikes in one.spikes.items():
        assert np.array_equal(other.spikes[layer], spikes)
    assert_close(other.gradients, one.gradients, REGROUPED)
    assert_close(other.running, one.running, REGROUPED)


@pytest.mark.parametrize("seed", range(0, len(COMBINATIONS), 5))
def test_threads_change_no_bit(seed: int) -> None:
    network = random_image_network(seed)
    parameters, batch = random_batch(network, seed)
    results = []
    for threads in (1, 2, 3):
        engine = Engine(network, threads=threads)
        engine.write_parameters(parameters)
        results.append(engine.run(batch))
    for result in results[1:]:
        assert result.loss == results[0].loss
        for name, gradient in results[0].gradients.items():
            assert np.array_equal(result.gradients[name], gradient), name
        for name, statistic in results[0].running.items():
            assert np.array_equal(result.running[name], statistic), name


def test_a_convolution_that_fits_nowhere_is_refused_with_its_largest_buffer() -> None:
    network = random_image_network(0)
    with pytest.raises(DiagnosticError) as caught:
        Engine(network, machine_with_memories(256))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "E0302"
    assert "convolution of layer " in diagnostic.message
    assert "for its buffer `weight` [" in diagnostic.message
    assert diagnostic.location is not None
