"""The same networks in PyTorch, in double precision, with its automatic differentiation.

Unlike the numpy reference it steps the whole network through time, all statements in the order
of the text, with registers for what `previous` remembers. A batchnorm sees all steps at once: so
what it depends on is stepped through time before, once more for each batchnorm, and its
values are then given. Only the derivative of a spike has to be said; everything else is PyTorch's.
PyTorch is imported inside the functions, so that tests are collected without it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from reference_gradients import Batch, Gradients, Parameters
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
    Pool2d,
    Previous,
    Reshape,
    Surrogate,
    operands,
)

if TYPE_CHECKING:
    import torch


def spike(x: torch.Tensor, surrogate: Surrogate) -> torch.Tensor:
    """1 where x > 0; its derivative is the surrogate's."""
    import torch

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return (x > 0.0).to(x.dtype)

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return gradient * _derivative(x, surrogate)

    return Spike.apply(x)


def _derivative(x: torch.Tensor, surrogate: Surrogate) -> torch.Tensor:
    inside = (x.abs() < surrogate.shape).to(x.dtype)
    match surrogate.kind:
        case "rectangle":
            return surrogate.gain * inside
        case "triangle":
            return surrogate.gain * inside * (1.0 - x.abs() / surrogate.shape)
        case "fast_sigmoid":
            return (1.0 + surrogate.shape * x.abs()).pow(-2)
        case "atan":
            return 0.5 * surrogate.shape / (1.0 + (0.5 * math.pi * surrogate.shape * x).pow(2))


class TorchNetwork:
    """A network whose registers are one tensor per `previous` and `li`, and two per `lif`."""

    def __init__(self, network: Network, parameters: Parameters):
        import torch

        self.network = network
        self.parameters = {
            name: torch.tensor(
                tensor, dtype=torch.float64, requires_grad=name in network.trained_shapes
            )
            for name, tensor in parameters.items()
        }
        self._normalized: dict[Batchnorm, torch.Tensor] = {}

    def run(self, batch: Batch) -> Gradients:
        """Loss, decisions, spikes and gradients of one batch; keeps them in `parameters` too."""
        import torch

        self._normalize(batch)
        network = self.network
        steps = self._steps(batch, [*network.values.values(), network.returned])
        spikes = {
            name: np.stack([step.values[layer].detach().numpy() for step in steps])
            for layer, name in network.layer_names.items()
            if isinstance(layer, Lif)
        }
        readout = torch.stack([step.value(network.returned) for step in steps]).sum(dim=0)
        loss = self._loss(readout, torch.tensor(batch.labels, dtype=torch.int64))
        trained = {name: self.parameters[name] for name in network.trained_shapes}
        for parameter in trained.values():
            parameter.grad = torch.zeros_like(parameter)
        if loss.requires_grad:
            loss.backward()
        return Gradients(
            loss=loss.item(),
            correct=int(np.sum(readout.detach().numpy().argmax(axis=1) == batch.labels)),
            spikes={name: planes.astype(np.uint8) for name, planes in spikes.items()},
            gradients={name: p.grad.numpy().copy() for name, p in trained.items()},
            running={name: self.parameters[name].numpy().copy() for name in network.running_shapes},
        )

    def _steps(self, batch: Batch, roots: list[Expression]) -> list[_Step]:
        """The network stepped through time, as far as `roots` need it."""
        import torch

        reached = _reached(self.network, roots, set(self._normalized))
        steps: list[_Step] = []
        for plane in torch.tensor(batch.signal, dtype=torch.float64):
            given = {each: value[len(steps)] for each, value in self._normalized.items()}
            before = steps[-1] if steps else None
            steps.append(_Step(self.network, self.parameters, plane, before, reached, given))
        return steps

    def _normalize(self, batch: Batch) -> None:
        """The values of every batchnorm at all steps, those that others depend on first."""
        import torch
        from torch.nn import functional

        self._normalized = {}
        waiting = list(self.network.batchnorm_names)
        while waiting:
            ready = next(each for each in waiting if not self._waits(each, waiting))
            waiting.remove(ready)
            name = self.network.batchnorm_names[ready]
            values = torch.stack(
                [step.value(ready.value) for step in self._steps(batch, [ready.value])]
            )
            mean, variance, scale, shift = (
                self.parameters[f"{name}.{kind}"] for kind in ("mean", "variance", "scale", "shift")
            )
            # PyTorch updates the running statistics in place.
            flat = functional.batch_norm(
                values.flatten(0, 1),
                mean,
                variance,
                scale,
                shift,
                training=True,
                momentum=ready.momentum,
                eps=ready.epsilon,
            )
            self._normalized[ready] = flat.reshape(values.shape)

    def _waits(self, batchnorm: Batchnorm, others: list[Batchnorm]) -> bool:
        """Whether it depends on one of the others."""
        reached = _reached(self.network, [batchnorm.value], set(self._normalized))
        return any(other in reached for other in others)

    def _loss(self, readout: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        if self.network.loss == "cross_entropy":
            return functional.cross_entropy(readout, labels)
        target = functional.one_hot(labels, self.network.classes).to(readout.dtype)
        return functional.mse_loss(readout / self.network.steps, target)


def _reached(
    network: Network, roots: list[Expression], given: set[Batchnorm]
) -> dict[Expression, None]:
    """All that the roots are computed from, in the order of the text where that is the roots'."""
    reached: dict[Expression, None] = {}
    waiting = [network.resolve(root) for root in reversed(roots)]
    while waiting:
        expression = waiting.pop()
        if expression not in reached:
            reached[expression] = None
            if expression not in given:
                waiting += [network.resolve(each) for each in reversed(operands(expression))]
    return reached


class _Step:
    """Everything at one time step: first the values, then what the registers take in.

    `reached` says which values are needed, `given` holds those of batchnorms.
    """

    def __init__(
        self,
        network: Network,
        parameters: dict[str, torch.Tensor],
        plane: torch.Tensor,
        before: _Step | None,
        reached: dict[Expression, None],
        given: dict[Batchnorm, torch.Tensor],
    ):
        self._network, self._parameters = network, parameters
        self._plane, self._before = plane, before
        self.values: dict[Expression, torch.Tensor] = dict(given)
        self.potentials: dict[Lif, torch.Tensor] = {}
        for expression in reached:
            self.value(expression)
        self.registers: dict[Previous, torch.Tensor] = {
            each: self.value(each.value) for each in reached if isinstance(each, Previous)
        }
        # The chain of steps that autograd keeps is enough.
        self._before = None

    def value(self, expression: Expression) -> torch.Tensor:
        """The value at this step, computed once."""
        expression = self._network.resolve(expression)
        if isinstance(expression, Name):
            return self._plane
        if expression not in self.values:
            self.values[expression] = self._compute(expression)
        return self.values[expression]

    def _compute(self, expression: Expression) -> torch.Tensor:
        import torch
        from torch.nn import functional

        match expression:
            case Linear(value):
                name = self._network.synapse_names[expression]
                weight, bias = (self._parameters.get(f"{name}.{k}") for k in ("weight", "bias"))
                return functional.linear(self.value(value), weight, bias)
            case Conv2d(value):
                return self._convolution(expression, self.value(value))
            case Pool2d(kind, value, size):
                image = self.value(value)
                if kind == "max":
                    return functional.max_pool2d(image, size, expression.step)
                average = functional.avg_pool2d(image, size, expression.step)
                return average if kind == "avg" else average * size**2
            case Concat(left, right):
                return torch.cat([self.value(left), self.value(right)], dim=1)
            case Reshape(value, shape):
                return self.value(value).reshape(-1, *shape)
            case Add(terms):
                total = self.value(terms[0])
                for term in terms[1:]:
                    total = total + self.value(term)
                return total
            case Flatten(value):
                return self.value(value).flatten(start_dim=1)
            case Previous(value):
                if self._before is not None:
                    return self._before.registers[expression]
                return self._plane.new_zeros((len(self._plane), *self._network.shape(value)))
            case Li(current, decay):
                charge = self.value(current)
                before = self._before
                return charge if before is None else charge + decay * before.values[expression]
            case Lif(current, neuron):
                potential = self.value(current)
                if self._before is not None:
                    potential = potential + neuron.decay * self._before.after_reset(expression)
                self.potentials[expression] = potential
                return spike(potential - neuron.threshold, neuron.surrogate)
        raise AssertionError(expression)

    def _convolution(self, conv: Conv2d, image: torch.Tensor) -> torch.Tensor:
        """Behind the image lie as many zeros as the last window reaches over."""
        from torch.nn import functional

        name = self._network.synapse_names[conv]
        weight, bias = (self._parameters.get(f"{name}.{k}") for k in ("weight", "bias"))
        margins: list[int] = []
        for size in reversed(image.shape[2:]):
            reach = (conv.output(size) - 1) * conv.stride + conv.kernel
            margins += [conv.before, max(0, reach - conv.before - size)]
        return functional.conv2d(functional.pad(image, margins), weight, bias, conv.stride)

    def after_reset(self, layer: Lif) -> torch.Tensor:
        """The potential that the next step's leak starts from."""
        spikes, potential = self.values[layer], self.potentials[layer]
        if layer.neuron.detach_reset:
            spikes = spikes.detach()
        match layer.neuron.reset:
            case "zero":
                return potential * (1.0 - spikes)
            case "subtract":
                return potential - layer.neuron.threshold * spikes
            case "none":
                return potential
