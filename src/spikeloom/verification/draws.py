"""Parameters and a batch to execute a program with, drawn from a seed.

Numbers lie on a dyadic grid, so that sums of them are exact in single precision whatever their
order: then a spike does not hang on rounding. Where a network computes what no grid holds
(normalization, leaks that are no power of two), draws whose potentials come too close to a
comparison are passed over, as long as that is quick (see `decisions` for what comes then).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import i1
from xdsl.ir import SSAValue

from spikeloom.dialects import bptt, snn
from spikeloom.dialects.snn.parameter import ParameterOp
from spikeloom.verification.arrays import Array

WEIGHT_GRID, CURRENT_GRID = 2.0**-10, 2.0**-6


@dataclass(frozen=True)
class Signature:
    """What a program takes, at the sizes at which it is executed.

    Attributes:
        name: of the network.
        parameters: their operations, by name.
        input_shape: of one sample at one step.
        binary: whether the input is spikes.
        classes: units of the output, the labels' range.
    """

    name: str
    parameters: Mapping[str, ParameterOp]
    input_shape: tuple[int, ...]
    binary: bool
    classes: int
    steps: int
    batch: int

    @classmethod
    def of_network(cls, network: snn.NetworkOp, steps: int, batch: int) -> Signature:
        """Of a network whose shapes are known."""
        image, output = network.body.block.args[0], network.returned.output
        shape, classes = snn.known_shape(image), snn.known_shape(output)
        assert shape is not None
        assert classes is not None
        parameters, name = network.parameters(), network.sym_name.data
        units = int(np.prod(classes))
        return cls(name, parameters, shape, _is_binary(image), units, steps, batch)

    @classmethod
    def of_step(cls, step: bptt.StepOp) -> Signature:
        """Of a training step, at its own sizes."""
        image = step.body.block.args[0]
        classes = 1
        for op in step.body.block.ops:
            if isinstance(op, bptt.ReadoutOp):
                classes = bptt.unit_count(op.readout.type)
        shape = bptt.tensor_of(image).get_shape()[2:]
        sizes = (step.steps.value.data, step.batch.value.data)
        name = step.sym_name.data
        return cls(name, step.parameters(), shape, _is_binary(image), classes, *sizes)


def _is_binary(image: SSAValue) -> bool:
    return bptt.tensor_of(image).element_type == i1


@dataclass(frozen=True)
class Draw:
    """`signal` is [T, B, ...], `labels` [B], parameters have the language's shapes."""

    parameters: Mapping[str, Array]
    signal: Array
    labels: Array


def draw(signature: Signature, seed: int) -> Draw:
    """The parameters and the batch of a seed."""
    random = np.random.default_rng([77, seed])
    shape = (signature.steps, signature.batch, *signature.input_shape)
    if signature.binary:
        signal = (random.random(shape) < random.uniform(0.2, 0.7)).astype(np.float32)
    else:
        signal = _on_grid(random.normal(0.2, 0.6, shape), CURRENT_GRID)
    labels = random.integers(0, signature.classes, signature.batch).astype(np.int32)
    parameters = {name: _parameter(op, random) for name, op in signature.parameters.items()}
    return Draw(parameters, signal, labels)


def _parameter(op: ParameterOp, random: np.random.Generator) -> Array:
    """A weight twice as wide as the language's start, so that small networks spike and learn."""
    shape = op.type.get_shape()
    if len(shape) > 1:
        bound = 2.0 / np.sqrt(np.prod(shape[1:]))
        return _on_grid(random.uniform(-bound, bound, shape), WEIGHT_GRID)
    if op.constant is not None and op.constant.value.data > 0.0:
        # A scale or a variance.
        return _on_grid(random.uniform(0.5, 1.5, shape), WEIGHT_GRID)
    return _on_grid(random.uniform(-0.2, 0.4, shape), WEIGHT_GRID)


def _on_grid(numbers: Array, grid: float) -> Array:
    return (np.rint(numbers / grid) * grid).astype(np.float32)
