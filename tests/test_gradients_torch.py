"""Gradients and updates on the engine equal those of PyTorch: `make test-oracles`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from agreement import PARAMETER_TOLERANCE, assert_agrees, assert_close
from engine_gradients import Engine
from optimizer_runs import OPTIMIZERS, SEEDS, Optimizer, engine_updates, initial_parameters
from random_batches import random_batch
from random_networks import COMBINATIONS, random_network
from reference_gradients import evaluate
from reference_optimizers import AdamW, Sgd
from torch_gradients import TorchNetwork

if TYPE_CHECKING:
    import torch

pytestmark = pytest.mark.oracle

NETWORKS = range(2 * len(COMBINATIONS))


@pytest.mark.parametrize("seed", NETWORKS)
def test_gradients_equal_automatic_differentiation(seed: int) -> None:
    network = random_network(seed)
    parameters, batch = random_batch(network, seed)
    expected = TorchNetwork(network, parameters).run(batch)
    engine = Engine(network)
    engine.write_parameters(parameters)
    assert_agrees(engine.run(batch), expected)


@pytest.mark.parametrize("seed", NETWORKS)
def test_the_two_references_agree_to_double_precision(seed: int) -> None:
    network = random_network(seed)
    parameters, batch = random_batch(network, seed)
    expected = TorchNetwork(network, parameters).run(batch)
    actual = evaluate(network, parameters, batch)
    assert_agrees(actual, expected)
    assert_close(actual.gradients, expected.gradients, 1e-9)


def torch_optimizer(optimizer: Optimizer, parameters: list[torch.Tensor]) -> torch.optim.Optimizer:
    """PyTorch's optimizer of the same kind and numbers."""
    import torch

    if isinstance(optimizer, Sgd):
        return torch.optim.SGD(parameters, lr=optimizer.rate, momentum=optimizer.momentum)
    if isinstance(optimizer, AdamW):
        return torch.optim.AdamW(parameters, lr=optimizer.rate, weight_decay=optimizer.decay)
    return torch.optim.Adam(parameters, lr=optimizer.rate)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_updates_equal_the_optimizers_of_torch(optimizer: str, seed: int) -> None:
    import torch

    ours = OPTIMIZERS[optimizer]()
    expected = {
        name: torch.tensor(p, dtype=torch.float64, requires_grad=True)
        for name, p in initial_parameters(seed).items()
    }
    theirs = torch_optimizer(ours, list(expected.values()))
    for update in engine_updates(seed, ours):
        for name, parameter in expected.items():
            parameter.grad = torch.tensor(update.gradients[name].astype(np.float64))
        theirs.step()
        values = {name: parameter.detach().numpy() for name, parameter in expected.items()}
        assert_close(update.parameters, values, PARAMETER_TOLERANCE)
