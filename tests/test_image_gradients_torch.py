"""The training step of convolutional networks equals PyTorch: `make test-oracles`."""

from __future__ import annotations

import pytest
from agreement import assert_agrees, assert_close
from bptt_gradients import evaluate_step, expanded_step
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


@pytest.mark.parametrize("seed", NETWORKS)
def test_the_two_references_agree_to_double_precision(seed: int) -> None:
    network = random_image_network(seed)
    parameters, batch = random_batch(network, seed)
    expected = TorchNetwork(network, parameters).run(batch)
    actual = evaluate(network, parameters, batch)
    assert_agrees(actual, expected)
    assert_close(actual.gradients, expected.gradients, 1e-9)
    assert_close(actual.running, expected.running, 1e-12)
