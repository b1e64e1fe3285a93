"""Loss and gradients of a network in plain numpy, in double precision.

Written from the design's mathematics and the language page alone: every expression is unrolled
over time, evaluated step by step, and the chain rule is then applied in the reverse order. It
shares nothing with the compiler.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from reference_images import Convolution, Normalized, normalized, pool_gradient, pooled
from snn_program import (
    Add,
    Batchnorm,
    Concat,
    Conv2d,
    Expression,
    Flatten,
    Li,
    Lif,
    Linear,
    Name,
    Network,
    Neuron,
    Pool2d,
    Previous,
    Reshape,
    Surrogate,
)

Array = NDArray[np.float64]
Parameters = Mapping[str, NDArray[np.float32]]
Point = tuple[Expression, int]
"""An expression at a step."""


@dataclass(frozen=True, eq=False)
class Batch:
    """`signal` [T, B, ...] as uint8 spikes or float32 currents; `labels` [B]."""

    signal: NDArray[np.generic]
    labels: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Gradients:
    """What one training batch gives.

    Attributes:
        loss: mean over the batch.
        correct: samples whose largest output, the first of equal ones, is their label.
        spikes: [T, B, ...] of every spiking layer.
        gradients: per trained parameter, in its shape.
        magnitudes: the same sums over batch and time, of absolute values: what rounding is
            relative to. Only the reference knows them.
        running: the running statistics after the batch.
    """

    loss: float
    correct: int
    spikes: dict[str, NDArray[np.uint8]]
    gradients: dict[str, Array]
    magnitudes: dict[str, Array] = field(default_factory=dict)
    running: dict[str, Array] = field(default_factory=dict)


def surrogate_derivative(surrogate: Surrogate, x: Array) -> Array:
    """What stands for ds/du at x = u - threshold."""
    match surrogate.kind:
        case "rectangle":
            return surrogate.gain * (np.abs(x) < surrogate.shape)
        case "triangle":
            return surrogate.gain * np.maximum(0.0, 1.0 - np.abs(x) / surrogate.shape)
        case "fast_sigmoid":
            return 1.0 / (1.0 + surrogate.shape * np.abs(x)) ** 2
        case "atan":
            return surrogate.shape / 2.0 / (1.0 + (np.pi / 2.0 * surrogate.shape * x) ** 2)


class Unrolled:
    """The forward pass: the value of every expression at every step it is needed at.

    `values` holds [B, ...] per point, `potentials` the membrane of the spiking layers, `order`
    the points in an order in which each comes after all that it depends on; those of a
    batchnorm, of which each depends on all steps of its operand, follow on each other.
    """

    def __init__(self, network: Network, parameters: Parameters, signal: NDArray[np.generic]):
        self.network = network
        self.parameters = {name: np.asarray(p, np.float64) for name, p in parameters.items()}
        self.signal = np.asarray(signal, np.float64)
        self.values: dict[Point, Array] = {}
        self.potentials: dict[Point, Array] = {}
        self.order: list[Point] = []
        self.normalized: dict[Batchnorm, Normalized] = {}
        for step in range(network.steps):
            for layer in network.layer_names:
                self.value(layer, step)
        self.output = [self.value(network.returned, step) for step in range(network.steps)]

    def value(self, expression: Expression, step: int) -> Array:
        """The value at a step, computed when it is first asked for."""
        point = (self.network.resolve(expression), step)
        if isinstance(point[0], Name):
            return self.signal[step]
        if point not in self.values and isinstance(point[0], Batchnorm):
            self._normalize(point[0])
        if point not in self.values:
            self.values[point] = self._compute(*point)
            self.order.append(point)
        return self.values[point]

    def _compute(self, expression: Expression, step: int) -> Array:
        match expression:
            case Linear(value) | Conv2d(value):
                return self._synapse(expression, self.value(value, step))
            case Pool2d(_, value):
                return pooled(expression, self.value(value, step))
            case Concat(left, right):
                return np.concatenate([self.value(left, step), self.value(right, step)], axis=1)
            case Add(terms):
                return sum((self.value(term, step) for term in terms), start=np.zeros(()))
            case Flatten(value) | Reshape(value):
                shape = self.network.shape(expression)
                return self.value(value, step).reshape(self.signal.shape[1], *shape)
            case Previous(value) if step == 0:
                return np.zeros((self.signal.shape[1], *self.network.shape(value)))
            case Previous(value):
                return self.value(value, step - 1)
            case Li(current, decay):
                before = self.value(expression, step - 1) if step else 0.0
                return decay * before + self.value(current, step)
            case Lif(current, neuron):
                start = self._after_reset(expression, neuron, step - 1) if step else 0.0
                potential = neuron.decay * start + self.value(current, step)
                self.potentials[expression, step] = potential
                return np.asarray(potential > neuron.threshold, np.float64)
        raise AssertionError(expression)

    def _synapse(self, synapse: Linear | Conv2d, value: Array) -> Array:
        name = self.network.synapse_names[synapse]
        weight, bias = self.parameters[f"{name}.weight"], self.parameters.get(f"{name}.bias")
        if isinstance(synapse, Linear):
            return value @ weight.T + (0.0 if bias is None else bias)
        currents = Convolution(synapse, value, weight).currents()
        return currents + (0.0 if bias is None else bias[:, None, None])

    def _normalize(self, batchnorm: Batchnorm) -> None:
        """All steps at once."""
        steps = range(self.network.steps)
        values = np.stack([self.value(batchnorm.value, step) for step in steps])
        found = self.normalized[batchnorm] = normalized(values, batchnorm.epsilon)
        name = self.network.batchnorm_names[batchnorm]
        result = found.value(self.parameters[f"{name}.scale"], self.parameters[f"{name}.shift"])
        for step in steps:
            self.values[batchnorm, step] = result[step]
            self.order.append((batchnorm, step))

    def _after_reset(self, layer: Lif, neuron: Neuron, step: int) -> Array:
        spikes = self.value(layer, step)
        potential = self.potentials[layer, step]
        match neuron.reset:
            case "zero":
                return potential * (1.0 - spikes)
            case "subtract":
                return potential - neuron.threshold * spikes
            case "none":
                return potential


def evaluate(network: Network, parameters: Parameters, batch: Batch) -> Gradients:
    """Loss, decisions, spikes and all parameter gradients of one batch."""
    forward = Unrolled(network, parameters, batch.signal)
    readout = sum(forward.output, start=np.zeros(()))
    scale = 1.0 / network.steps if network.loss == "mse" else 1.0
    loss, gradient = _loss(network, readout * scale, batch.labels)
    backward = _Backward(forward)
    for step in range(network.steps):
        backward.add(network.returned, step, gradient * scale)
    backward.run()
    spikes = {
        name: np.stack([forward.value(layer, t) for t in range(network.steps)]).astype(np.uint8)
        for layer, name in network.layer_names.items()
        if isinstance(layer, Lif)
    }
    correct = int(np.sum(np.argmax(readout, axis=1) == batch.labels))
    return Gradients(
        loss, correct, spikes, backward.gradients, backward.magnitudes, _running(forward)
    )


def _running(forward: Unrolled) -> dict[str, Array]:
    names = forward.network.batchnorm_names
    return {
        f"{names[batchnorm]}.{statistic}": found.running(
            forward.parameters[f"{names[batchnorm]}.{statistic}"], statistic, batchnorm.momentum
        )
        for batchnorm, found in forward.normalized.items()
        for statistic in ("mean", "variance")
    }


def _loss(network: Network, readout: Array, labels: NDArray[np.int32]) -> tuple[float, Array]:
    """The loss averaged over the batch and its gradient by the readout [B, classes]."""
    target = np.eye(network.classes)[labels]
    samples = len(labels)
    if network.loss == "mse":
        return float(np.mean((readout - target) ** 2)), 2.0 * (readout - target) / readout.size
    shifted = readout - readout.max(axis=1, keepdims=True)
    log_probability = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -float(np.sum(log_probability * target)) / samples
    return loss, (np.exp(log_probability) - target) / samples


class _Backward:
    """The chain rule, point by point, in the reverse order of the forward pass."""

    def __init__(self, forward: Unrolled):
        self._forward = forward
        self._network = forward.network
        self._of_value: dict[Point, Array] = {}
        self._of_potential: dict[Point, Array] = {}
        shapes = self._network.trained_shapes
        self.gradients = {name: np.zeros(shape) for name, shape in shapes.items()}
        self.magnitudes = {name: np.zeros(shape) for name, shape in shapes.items()}

    def add(self, expression: Expression, step: int, gradient: Array) -> None:
        """Adds to the gradient of a value."""
        point = (self._network.resolve(expression), step)
        if not isinstance(point[0], Name):
            _accumulate(self._of_value, point, gradient)

    def run(self) -> None:
        for expression, step in reversed(self._forward.order):
            gradient = self._of_value.get((expression, step))
            if isinstance(expression, Lif):
                self._through_lif(expression, step, gradient)
            elif isinstance(expression, Batchnorm):
                # The first step is the last one to be met: then all of them are known.
                if step == 0:
                    self._through_batchnorm(expression)
            elif gradient is not None:
                self._through(expression, step, gradient)

    def _through(self, expression: Expression, step: int, gradient: Array) -> None:
        match expression:
            case Linear(value):
                weight = f"{self._network.synapse_names[expression]}.weight"
                self._through_parameters(expression, gradient, self._forward.value(value, step))
                self.add(value, step, gradient @ self._forward.parameters[weight])
            case Conv2d(value):
                self._through_convolution(expression, gradient, step)
            case Pool2d(_, value):
                image = self._forward.value(value, step)
                self.add(value, step, pool_gradient(expression, image, gradient))
            case Concat(left, right):
                parts = np.split(gradient, [self._network.shape(left)[0]], axis=1)
                self.add(left, step, parts[0])
                self.add(right, step, parts[1])
            case Add(terms):
                for term in terms:
                    self.add(term, step, gradient)
            case Flatten(value) | Reshape(value):
                self.add(value, step, gradient.reshape(len(gradient), *self._network.shape(value)))
            case Previous(value):
                if step:
                    self.add(value, step - 1, gradient)
            case Li(current, decay):
                self.add(current, step, gradient)
                if step:
                    self.add(expression, step - 1, decay * gradient)

    def _through_parameters(self, linear: Linear, gradient: Array, value: Array) -> None:
        name = self._network.synapse_names[linear]
        self.gradients[f"{name}.weight"] += gradient.T @ value
        self.magnitudes[f"{name}.weight"] += np.abs(gradient).T @ np.abs(value)
        if linear.bias:
            self.gradients[f"{name}.bias"] += gradient.sum(axis=0)
            self.magnitudes[f"{name}.bias"] += np.abs(gradient).sum(axis=0)

    def _through_convolution(self, conv: Conv2d, gradient: Array, step: int) -> None:
        name = self._network.synapse_names[conv]
        image, weight = self._forward.value(conv.value, step), self._forward.parameters
        window = Convolution(conv, image, weight[f"{name}.weight"])
        self.gradients[f"{name}.weight"] += window.weight_gradient(gradient)
        self.magnitudes[f"{name}.weight"] += window.weight_gradient(gradient, of_magnitudes=True)
        if conv.bias:
            self.gradients[f"{name}.bias"] += gradient.sum(axis=(0, 2, 3))
            self.magnitudes[f"{name}.bias"] += np.abs(gradient).sum(axis=(0, 2, 3))
        self.add(conv.value, step, window.input_gradient(gradient))

    def _through_batchnorm(self, batchnorm: Batchnorm) -> None:
        """Through all steps at once: every one has a share in the statistics."""
        found, steps = self._forward.normalized[batchnorm], range(self._network.steps)
        nothing = np.zeros(found.centered.shape[1:])
        gradient = np.stack([self._of_value.get((batchnorm, step), nothing) for step in steps])
        name = self._network.batchnorm_names[batchnorm]
        self.gradients[f"{name}.scale"] += found.scale_gradient(gradient)
        self.magnitudes[f"{name}.scale"] += found.sums(np.abs(gradient * found.centered))
        self.gradients[f"{name}.shift"] += found.sums(gradient)
        self.magnitudes[f"{name}.shift"] += found.sums(np.abs(gradient))
        scale = self._forward.parameters[f"{name}.scale"]
        back = found.input_gradient(gradient, scale)
        for step in steps:
            self.add(batchnorm.value, step, back[step])

    def _through_lif(self, layer: Lif, step: int, of_spikes: Array | None) -> None:
        """gu = surrogate * gs + what the next potential passes back; then to I and to step - 1."""
        neuron, potential = layer.neuron, self._forward.potentials[layer, step]
        gradient = self._of_potential.get((layer, step), np.zeros(potential.shape))
        if of_spikes is not None:
            x = potential - neuron.threshold
            gradient = gradient + surrogate_derivative(neuron.surrogate, x) * of_spikes
        self.add(layer.current, step, gradient)
        if step == 0:
            return
        before = (layer, step - 1)
        leaked = neuron.decay * gradient
        old_potential, old_spikes = self._forward.potentials[before], self._forward.values[before]
        kept = 1.0 - old_spikes if neuron.reset == "zero" else 1.0
        _accumulate(self._of_potential, before, leaked * kept)
        if neuron.detach_reset or neuron.reset == "none":
            return
        taken = old_potential if neuron.reset == "zero" else neuron.threshold
        self.add(layer, step - 1, -taken * leaked)


def _accumulate(sums: dict[Point, Array], point: Point, gradient: Array) -> None:
    sums[point] = sums[point] + gradient if point in sums else gradient
