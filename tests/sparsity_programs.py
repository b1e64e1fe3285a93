"""Random training steps for `analyze-sparsity`, with the corners that random networks lack.

The networks are those of `random_networks`; their neurons and biases are then changed in the IR,
where thresholds may be negative and decays zero. Batches range from silent to full.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from random_image_networks import random_image_network
from random_networks import random_network
from snn_program import Network
from xdsl.dialects.builtin import ModuleOp
from xdsl.transforms import get_all_passes

from spikeloom.compiler import new_context
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.neuron import NeuronAttr
from spikeloom.dialects.number_text import real
from spikeloom.frontend.program import parse_program
from spikeloom.pass_pipeline import parse_passes
from spikeloom.passes.analyze_sparsity import AnalyzeSparsityPass
from spikeloom.passes.registry import PASSES
from spikeloom.passes.sparsity.density_lattice import rounded_up

RATES = (0.0, 0.001, 0.01, 0.05, 0.3, 1.0)


@dataclass(frozen=True, eq=False)
class Sample:
    """A step with parameters and a batch: `signal` [T, B, ...], `labels` [B]."""

    module: ModuleOp
    step: bptt.StepOp
    parameters: dict[str, NDArray[np.float32]]
    signal: NDArray[np.generic]
    labels: NDArray[np.int32]

    def analyze(self) -> None:
        """Runs the pass, told of no more than how dense the input is."""
        share = Fraction(int(np.count_nonzero(self.signal)), self.signal.size)
        AnalyzeSparsityPass(input=rounded_up(share)).apply(new_context(), self.module)
        self.module.verify()


def expanded(network: Network) -> ModuleOp:
    """The network's training step."""
    module = parse_program(network.text(), "random.snn")
    run(module, f"infer-shapes,expand-bptt{{steps={network.steps} batch={network.batch}}},cse,dce")
    return module


def run(module: ModuleOp, pipeline: str) -> None:
    """Applies a pipeline and verifies."""
    for each in parse_passes(pipeline, {**get_all_passes(), **PASSES}):
        each.apply(new_context(), module)
        module.verify()


def only_step(module: ModuleOp) -> bptt.StepOp:
    """The module's step."""
    (step,) = (op for op in module.ops if isinstance(op, bptt.StepOp))
    return step


def random_sample(seed: int) -> Sample:
    """The step, parameters and batch of a seed."""
    return _sample(random_network(seed), seed)


def random_image_sample(seed: int) -> Sample:
    """The same for a convolutional network."""
    return _sample(random_image_network(seed), seed)


def _sample(network: Network, seed: int) -> Sample:
    random = np.random.default_rng([31, seed])
    module = expanded(network)
    step = only_step(module)
    _without_biases(step, random)
    _with_other_neurons(step, random)
    shape = (network.steps, network.batch, *network.input_shape)
    signal = (random.random(shape) < RATES[seed % len(RATES)]).astype(np.float32)
    if random.random() < 0.3:
        signal[: random.integers(0, network.steps + 1)] = 0.0
    if network.input_kind == "currents":
        signal *= random.normal(0.3, 0.6, shape).astype(np.float32)
    parameters = {
        name: _parameter(name, shape, random) for name, shape in network.parameter_shapes.items()
    }
    labels = random.integers(0, network.classes, network.batch).astype(np.int32)
    return Sample(module, step, parameters, signal, labels)


def _parameter(
    name: str, shape: tuple[int, ...], random: np.random.Generator
) -> NDArray[np.float32]:
    if name.endswith(".variance"):
        return random.uniform(0.1, 2.0, shape).astype(np.float32)
    deviation = 2.0 / np.sqrt(np.prod(shape[1:]) if len(shape) > 1 else shape[0])
    return random.normal(0.0, deviation, shape).astype(np.float32)


def _without_biases(step: bptt.StepOp, random: np.random.Generator) -> None:
    share = random.random()
    for op in step.walk():
        if (
            isinstance(op, bptt.SynapseOp | bptt.ConvolutionOp)
            and op.bias is not None
            and random.random() < share
        ):
            op.bias = None


def _with_other_neurons(step: bptt.StepOp, random: np.random.Generator) -> None:
    """Each layer's constants anew; forward and backward the same."""
    neurons: dict[str, NeuronAttr] = {}
    decays: dict[str, float] = {}
    for op in step.walk():
        if isinstance(op, FireOp | FireGradientOp):
            new = neurons.setdefault(op.layer.data, _neuron(op.neuron, random))
            op.neuron = new
        elif isinstance(op, IntegrateOp | IntegrateGradientOp):
            op.decay = real(decays.setdefault(op.layer.data, float(random.choice([0.0, 0.7, 1.0]))))


def _neuron(old: NeuronAttr, random: np.random.Generator) -> NeuronAttr:
    def one_of(usual: float, *corners: float) -> float:
        return usual if random.random() < 0.5 else float(random.choice(corners))

    return NeuronAttr.get(
        decay=one_of(old.decay.value.data, 0.0, 1e-60, 1.0),
        threshold=one_of(old.threshold.value.data, 0.0, -0.3, -1e-60, 2.0),
        reset=old.reset.data,
        surrogate=old.surrogate.data,
        shape=one_of(old.shape.value.data, 1e-60, 0.2, 3.0),
        gain=one_of(old.gain.value.data, 0.0, 1.0),
        detach_reset=old.detached,
    )
