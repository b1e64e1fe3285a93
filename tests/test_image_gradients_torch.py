"""Convolutional networks, in the IR and on the engine, equal PyTorch: `make test-oracles`."""

from __future__ import annotations

import pytest
from agreement import assert_agrees, assert_close
from bptt_gradients import evaluate_step, expanded_step
from engine_gradients import Engine
from pass_combinations import combination_of
from random_batches import random_batch
from random_image_networks import COMBINATIONS, random_image_network
from reference_gradients import evaluate
from torch_gradients import TorchNetwork

pytestmark = pytest.mark.oracle

NETWORKS = range(4 * len(COMBINATIONS))


@pytest.mark.parametrize("seed", NETWORKS)
def test_gradients_equal_automatic_differentiation(seed: int) -> None:
    network = random_image_network(seed)
    parameters, batch = random_batch(network, seed)
    expected = TorchNetwork(network, parameters).run(batch)
    _, step = expanded_step(network)
    assert_agrees(evaluate_step(step, parameters, batch), expected)


@pytest.mark.parametrize("seed", range(100, 100 + 2 * len(COMBINATIONS)))
def test_the_engine_learns_what_automatic_differentiation_does(seed: int) -> None:
    """Blocks and pools of all kinds, each network with another combination of passes."""
    network = random_image_network(seed)
    parameters, batch = random_batch(network, seed)
    expected = TorchNetwork(network, parameters).run(batch)
    engine = Engine(network, passes=combination_of(seed))
    engine.write_parameters(parameters)
    assert_agrees(engine.run(batch), expected)


@pytest.mark.parametrize("seed", NETWORKS)
def test_the_two_references_agree_to_double_precision(seed: int) -> None:
    network = random_image_network(seed)
    parameters, batch = random_batch(network, seed)
    expected = TorchNetwork(network, parameters).run(batch)
    actual = evaluate(network, parameters, batch)
    assert_agrees(actual, expected)
    assert_close(actual.gradients, expected.gradients, 1e-9)
    assert_close(actual.running, expected.running, 1e-12)
