"""The same networks in PyTorch, in double precision, with its automatic differentiation.

Unlike the numpy reference it steps the whole network through time, all statements in the order
of the text, with registers for what `previous` remembers. Only the derivative of a spike has to
be said; everything else is PyTorch's. PyTorch is imported inside the functions, so that
tests are collected without it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from reference_gradients import Batch, Gradients, Parameters
from snn_program import (
    Add,
    Expression,
    Flatten,
    Li,
    Lif,
    Linear,
    Name,
    Network,
    Previous,
    Surrogate,
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
            name: torch.tensor(tensor, dtype=torch.float64, requires_grad=True)
            for name, tensor in parameters.items()
        }

    def run(self, batch: Batch) -> Gradients:
        """Loss, decisions, spikes and gradients of one batch; keeps them in `parameters` too."""
        import torch

        outputs: list[torch.Tensor] = []
        spikes: dict[str, list[np.ndarray]] = {}
        step: _Step | None = None
        for plane in torch.tensor(batch.signal, dtype=torch.float64):
            step = _Step(self.network, self.parameters, plane, step)
            outputs.append(step.output)
            for layer, name in self.network.layer_names.items():
                if isinstance(layer, Lif):
                    recorded = step.values[layer].detach().numpy().astype(np.uint8)
                    spikes.setdefault(name, []).append(recorded)
        readout = torch.stack(outputs).sum(dim=0)
        loss = self._loss(readout, torch.tensor(batch.labels, dtype=torch.int64))
        for parameter in self.parameters.values():
            parameter.grad = torch.zeros_like(parameter)
        if loss.requires_grad:
            loss.backward()
        return Gradients(
            loss=loss.item(),
            correct=int(np.sum(readout.detach().numpy().argmax(axis=1) == batch.labels)),
            spikes={name: np.stack(planes) for name, planes in spikes.items()},
            gradients={name: p.grad.numpy().copy() for name, p in self.parameters.items()},
        )

    def _loss(self, readout: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        from torch.nn import functional

        if self.network.loss == "cross_entropy":
            return functional.cross_entropy(readout, labels)
        target = functional.one_hot(labels, self.network.classes).to(readout.dtype)
        return functional.mse_loss(readout / self.network.steps, target)


class _Step:
    """Everything at one time step: first the output, then what the registers take in."""

    def __init__(
        self,
        network: Network,
        parameters: dict[str, torch.Tensor],
        plane: torch.Tensor,
        before: _Step | None,
    ):
        self._network, self._parameters = network, parameters
        self._plane, self._before = plane, before
        self.values: dict[Expression, torch.Tensor] = {}
        self.potentials: dict[Lif, torch.Tensor] = {}
        for statement in network.values.values():
            self.value(statement)
        self.output = self.value(network.returned)
        self.registers: dict[Previous, torch.Tensor] = {
            each: self.value(each.value)
            for each in network.expressions()
            if isinstance(each, Previous)
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
        from torch.nn import functional

        match expression:
            case Linear(value):
                name = self._network.linear_names[expression]
                weight, bias = (self._parameters.get(f"{name}.{k}") for k in ("weight", "bias"))
                return functional.linear(self.value(value), weight, bias)
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
