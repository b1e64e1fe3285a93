"""The published workloads have the size that their publications give.

What is counted are multiplications and additions of synapses per sample and time step, weights of
synapses, and neurons. The expected numbers are those of the literature's tables for CIFAR_BN
(9 convolutions, 3 linear layers on 32 x 32), AlexNet_BN (7 and 3 on 224 x 224) and ResNet (34
layers on 224 x 224). Where neurons and batchnorm stand is read from the first author's library,
liangling76/snn_gpu_training_bptt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from spikeloom.backend.host.task import describe
from spikeloom.dialects.snn import (
    BatchnormOp,
    Conv2dOp,
    LifOp,
    LinearOp,
    NetworkOp,
    TrainOp,
    known_shape,
)
from spikeloom.frontend.program import parse_program_bytes

EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass(frozen=True)
class Size:
    """Forward work per sample and step, and what there is."""

    multiplications: int
    weights: int
    neurons: int


def network_of(name: str) -> NetworkOp:
    module = parse_program_bytes((EXAMPLES / f"{name}.snn").read_bytes(), f"{name}.snn")
    (network,) = (op for op in module.ops if isinstance(op, NetworkOp))
    return network


def units(shape: tuple[int, ...] | None) -> int:
    assert shape is not None
    return math.prod(shape)


def size_of(network: NetworkOp) -> Size:
    synapses = [op for op in network.walk() if isinstance(op, LinearOp | Conv2dOp)]
    layers = [op for op in network.walk() if isinstance(op, LifOp)]
    multiplications = weights = 0
    for op in synapses:
        outputs, *inputs = op.parameter(op.weight_name).type.get_shape()
        multiplications += units(known_shape(op.result)) * math.prod(inputs)
        weights += outputs * math.prod(inputs)
    return Size(multiplications, weights, sum(units(known_shape(op.spikes)) for op in layers))


@pytest.mark.parametrize(
    ("name", "multiplications", "weights"),
    [
        ("cifar_bn", 0.730e9, 16.6e6),
        ("alexnet_bn", 1.05e9, 75.6e6),
        ("resnet", 3.68e9, 21.8e6),
    ],
)
def test_work_and_weights_are_the_published_ones(
    name: str, multiplications: float, weights: float
) -> None:
    size = size_of(network_of(name))
    assert size.multiplications == pytest.approx(multiplications, rel=0.01)
    assert size.weights == pytest.approx(weights, rel=0.01)


@pytest.mark.parametrize(("name", "neurons"), [("cifar_bn", 0.52e6), ("alexnet_bn", 1.60e6)])
def test_neurons_are_the_published_ones(name: str, neurons: float) -> None:
    assert size_of(network_of(name)).neurons == pytest.approx(neurons, rel=0.01)


def test_resnet_has_neurons_in_front_of_every_convolution_but_the_first() -> None:
    """In front of the first of a stage's, a shortcut's convolution reads the same neurons."""
    network = network_of("resnet")
    stages = (
        (64, 112, 64, 56, 3),
        (64, 56, 128, 28, 4),
        (128, 28, 256, 14, 6),
        (256, 14, 512, 7, 3),
    )
    expected = 512 * 7**2
    for before, wide, channels, side, blocks in stages:
        expected += before * wide**2 + (2 * blocks - 1) * channels * side**2
    assert size_of(network).neurons == expected
    layers = [op.layer.data for op in network.walk() if isinstance(op, LifOp)]
    assert len(layers) == 2 * 16 + 1
    read = [op.input.owner for op in network.walk() if isinstance(op, Conv2dOp)]
    assert sum(isinstance(op, LifOp) for op in read) == len(read) - 1


@pytest.mark.parametrize(
    ("name", "batchnorms"), [("cifar_bn", 11), ("alexnet_bn", 8), ("resnet", 37)]
)
def test_batchnorm_stands_where_the_first_author_has_it(name: str, batchnorms: int) -> None:
    assert sum(isinstance(op, BatchnormOp) for op in network_of(name).walk()) == batchnorms


@pytest.mark.parametrize("name", ["cifar_bn", "alexnet_bn", "resnet"])
def test_workloads_run_six_steps_with_the_published_neuron(name: str) -> None:
    module = parse_program_bytes((EXAMPLES / f"{name}.snn").read_bytes(), f"{name}.snn")
    (train,) = (op for op in module.ops if isinstance(op, TrainOp))
    assert train.steps.value.data == 6
    neurons = {op.neuron for op in module.walk() if isinstance(op, LifOp)}
    (neuron,) = neurons
    numbers = (neuron.decay, neuron.threshold, neuron.shape, neuron.gain)
    assert [number.value.data for number in numbers] == [0.25, 0.25, 0.5, 1.0]


@pytest.mark.parametrize("name", ["cifar_bn", "alexnet_bn", "resnet"])
def test_hosts_plan_has_a_start_for_every_parameter(name: str) -> None:
    module = parse_program_bytes((EXAMPLES / f"{name}.snn").read_bytes(), f"{name}.snn")
    task = describe(module, f"{name}.snn")
    for parameter in task.parameters:
        ending = parameter.name.rpartition(".")[2]
        assert (parameter.fan_in is not None) == (ending in ("weight", "bias"))
        assert parameter.constant == {"scale": 1.0, "shift": 0.0, "mean": 0.0, "variance": 1.0}.get(
            ending
        )
        assert parameter.running == (ending in ("mean", "variance"))
    assert {layer.kind for layer in task.layers} == {"lif"}
    assert max(len(layer.shape) for layer in task.layers) == 3
    assert max(len(parameter.shape) for parameter in task.parameters) == 4
