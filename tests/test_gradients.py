"""Gradients on the engine equal those of an independent reference, on many random networks.

A network goes the whole real way: text, IR, stream, validator, interpreter.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from agreement import PARAMETER_TOLERANCE, assert_agrees, assert_close
from engine_gradients import Engine, machine_with_memories
from optimizer_runs import OPTIMIZERS, SEEDS, engine_updates, initial_parameters
from random_batches import random_batch
from random_networks import COMBINATIONS, random_network
from reference_gradients import Gradients, evaluate
from reference_optimizers import AdamW, Sgd
from snn_program import (
    Add,
    Li,
    Lif,
    Linear,
    Name,
    Network,
    Neuron,
    Previous,
    Surrogate,
    walk,
)

NETWORKS = range(2 * len(COMBINATIONS))


def on_engine(network: Network, seed: int) -> Gradients:
    parameters, batch = random_batch(network, seed)
    engine = Engine(network)
    engine.write_parameters(parameters)
    return engine.run(batch)


@pytest.mark.parametrize("seed", NETWORKS)
def test_gradients_equal_the_reference(seed: int) -> None:
    network = random_network(seed)
    parameters, batch = random_batch(network, seed)
    assert_agrees(on_engine(network, seed), evaluate(network, parameters, batch))


def test_the_networks_cover_the_language() -> None:
    networks = [random_network(seed) for seed in NETWORKS]
    layers = [
        (network.loss, layer.neuron)
        for network in networks
        for layer in network.layer_names
        if isinstance(layer, Lif)
    ]
    met = {(n.reset, n.surrogate.kind, loss, n.detach_reset) for loss, n in layers}
    assert met == set(COMBINATIONS)
    assert {network.input_kind for network in networks} == {"spikes", "currents"}
    assert {len(network.input_shape) for network in networks} == {1, 2, 3}
    assert {network.kind(network.returned) for network in networks} == {"spikes", "currents"}
    assert {1, 12} <= {network.steps for network in networks}
    assert {1, 9} <= {network.batch for network in networks}
    assert {1, 2, 3, 4} <= {len(network.layer_names) for network in networks}
    expressions = [e for network in networks for e in network.expressions()]
    assert any(isinstance(e, Lif) and e.written_as_if for e in expressions)
    assert any(isinstance(e, Li) for e in expressions)
    assert {e.bias for e in expressions if isinstance(e, Linear)} == {True, False}


def test_the_networks_remember_in_every_way() -> None:
    ways: set[str] = set()
    for network in (random_network(seed) for seed in NETWORKS):
        for name, statement in network.values.items():
            for part in walk(statement):
                if isinstance(part, Previous):
                    ways |= _ways(network, name, part)
    assert ways == {"itself", "another", "the input", "currents", "spikes", "twice"}


def _ways(network: Network, statement: str, delayed: Previous) -> set[str]:
    ways = {str(network.kind(delayed.value))}
    for part in walk(delayed.value):
        if isinstance(part, Previous):
            ways.add("twice")
        if isinstance(part, Name):
            same, image = part.name == statement, part.name == network.input_name
            ways.add("itself" if same else "the input" if image else "another")
    return ways


def test_the_networks_are_alive() -> None:
    """Few gradients are zero, and few layers always or never spike."""
    nonzero: list[np.ndarray] = []
    densities: list[float] = []
    for seed in NETWORKS:
        network = random_network(seed)
        expected = evaluate(network, *random_batch(network, seed))
        nonzero += [gradient.ravel() != 0.0 for gradient in expected.gradients.values()]
        densities += [float(spikes.mean()) for spikes in expected.spikes.values()]
    assert np.concatenate(nonzero).mean() > 0.7
    assert np.mean([0.05 < density < 0.95 for density in densities]) > 0.9


PARAMETERS_OF_ONE_SUM = Network(
    input_kind="spikes",
    input_shape=(7,),
    statements=(
        (
            "hidden",
            Lif(
                Add((Linear(Name("signal"), 5), Linear(Name("signal"), 5))),
                Neuron(surrogate=Surrogate("atan", 2.0)),
            ),
        ),
    ),
    returned=Li(Add((Linear(Name("hidden"), 3), Linear(Previous(Name("hidden")), 3)))),
    steps=6,
    batch=4,
)


def test_parameters_of_one_sum_have_equal_gradients_of_their_own() -> None:
    parameters, batch = random_batch(PARAMETERS_OF_ONE_SUM, 0)
    actual = on_engine(PARAMETERS_OF_ONE_SUM, 0)
    assert_agrees(actual, evaluate(PARAMETERS_OF_ONE_SUM, parameters, batch))
    for kind in ("weight", "bias"):
        first, second = (actual.gradients[f"hidden.{number}.{kind}"] for number in (1, 2))
        assert first.any()
        np.testing.assert_array_equal(first, second)


def test_tiles_change_no_gradient() -> None:
    """A layer that is cut along samples, inputs and outputs still computes the same."""
    hidden = Lif(
        Add((Linear(Name("signal"), 150), Linear(Previous(Name("hidden")), 150))),
        Neuron(decay=0.8, threshold=0.3),
    )
    network = Network(
        input_kind="spikes",
        input_shape=(200,),
        statements=(("hidden", hidden),),
        returned=Lif(Linear(Name("hidden"), 130), Neuron(threshold=0.2, reset="subtract")),
        steps=5,
        batch=40,
    )
    parameters, batch = random_batch(network, 0)
    engine = Engine(network, machine_with_memories(20_000))
    assert engine.loops_that_repeat() > 2 * Engine(network).loops_that_repeat()
    engine.write_parameters(parameters)
    assert_agrees(engine.run(batch), evaluate(network, parameters, batch))


def memory(neuron: Neuron) -> Network:
    """A small recurrent network whose hidden neurons are `neuron`."""
    past = Linear(Previous(Name("hidden")), 9, bias=False)
    hidden = Lif(Add((Linear(Name("signal"), 9), past)), neuron)
    return Network(
        input_kind="spikes",
        input_shape=(12,),
        statements=(("hidden", hidden),),
        returned=Li(Linear(Name("hidden"), 3), 0.8),
        steps=7,
        batch=5,
    )


RESETTING = Neuron(decay=0.8, threshold=0.3, surrogate=Surrogate("triangle", 1.0))
SUBTRACTING = replace(RESETTING, reset="subtract")


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (RESETTING, replace(RESETTING, detach_reset=True)),
        (SUBTRACTING, replace(SUBTRACTING, detach_reset=True)),
        (RESETTING, replace(RESETTING, surrogate=Surrogate("triangle", 1.0, 1.001))),
        (RESETTING, replace(RESETTING, surrogate=Surrogate("triangle", 1.01))),
    ],
    ids=["reset path", "subtracting reset path", "gain", "half width"],
)
def test_a_wrong_gradient_would_be_noticed(right: Neuron, wrong: Neuron) -> None:
    """The spikes are the same, so it is the gradients that differ."""
    parameters, batch = random_batch(memory(right), 1)
    actual = on_engine(memory(right), 1)
    assert_agrees(actual, evaluate(memory(right), parameters, batch))
    with pytest.raises(AssertionError, match=r"hidden\.1\.weight: off by"):
        assert_agrees(actual, evaluate(memory(wrong), parameters, batch))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_updates_equal_the_optimizers_formulas(optimizer: str, seed: int) -> None:
    reference = OPTIMIZERS[optimizer]()
    expected = {name: p.astype(np.float64) for name, p in initial_parameters(seed).items()}
    for update in engine_updates(seed, reference):
        expected = reference.step(expected, update.gradients)
        assert_close(update.parameters, expected, PARAMETER_TOLERANCE)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(Sgd(0.05, momentum=0.9), Sgd(0.05, momentum=0.899)), (AdamW(0.02, 0.1), AdamW(0.02, 0.11))],
    ids=["momentum", "decay"],
)
def test_a_wrong_update_would_be_noticed(right: Sgd | AdamW, wrong: Sgd | AdamW) -> None:
    seed = SEEDS[0]
    expected = {name: p.astype(np.float64) for name, p in initial_parameters(seed).items()}
    updates = list(engine_updates(seed, right))
    for update in updates:
        expected = wrong.step(expected, update.gradients)
    with pytest.raises(AssertionError, match="off by"):
        assert_close(updates[-1].parameters, expected, PARAMETER_TOLERANCE)
