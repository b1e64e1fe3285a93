"""The networks of `frameworks.py` in plain PyTorch, as one writes them by hand.

A layer works on all time steps at once wherever it can: products, convolutions, normalizations and
pools see steps x samples as one batch, and only the neurons loop over time. The gradients are
autograd's, but for that of a spike, which is the rectangle's.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Parameters = dict[str, Tensor]
Network = Callable[[Parameters, Tensor], Tensor]
"""Parameters by name and the input [steps, samples, cells] to spikes [steps, samples, classes]."""

DECAY, THRESHOLD, HALF_WIDTH = 0.5, 0.5, 0.5
"""The language's defaults of `lif`."""


class Spike(torch.autograd.Function):
    """1 where the potential exceeds the threshold; its derivative is a rectangle."""

    @staticmethod
    def forward(ctx, potential: Tensor) -> Tensor:
        """Spikes as 0 and 1."""
        over = potential - THRESHOLD
        ctx.save_for_backward(over)
        return (over > 0.0).to(potential.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        """The gradient where the potential is near the threshold."""
        (over,) = ctx.saved_tensors
        return gradient * (over.abs() < HALF_WIDTH)


def lif(currents: Tensor) -> Tensor:
    """Spikes of leaky neurons with reset to zero; both [steps, samples, ...]."""
    potential, spikes, found = currents[0], None, []
    for current in currents:
        if spikes is not None:
            potential = DECAY * potential * (1.0 - spikes) + current
        spikes = Spike.apply(potential)
        found.append(spikes)
    return torch.stack(found)


def perceptron(parameters: Parameters, signal: Tensor) -> Tensor:
    """`lif(linear(lif(linear(input))))`, its parameters in that order."""
    first, first_bias, second, second_bias = parameters.values()
    hidden = lif(functional.linear(signal, first, first_bias))
    return lif(functional.linear(hidden, second, second_bias))


def convolutional(parameters: Parameters, signal: Tensor) -> Tensor:
    """The network of examples/conv_digits.snn."""
    steps, samples = signal.shape[:2]
    values = signal.reshape(steps * samples, 1, 8, 8)
    named = _by_layer(parameters)
    for layer in ("edges", "shapes"):
        weight, bias, scale, shift, mean, variance = named[layer]
        currents = functional.conv2d(values, weight, bias, padding=1)
        currents = functional.batch_norm(currents, mean, variance, scale, shift, training=True)
        spikes = lif(currents.unflatten(0, (steps, samples)))
        values = functional.max_pool2d(spikes.flatten(0, 1), 2)
    weight, bias = named["returned"]
    flat = values.flatten(1).unflatten(0, (steps, samples))
    return lif(functional.linear(flat, weight, bias))


def _by_layer(parameters: Parameters) -> dict[str, list[Tensor]]:
    """Weight, bias and, of a normalization, scale, shift, mean and variance by layer."""
    kinds = ("weight", "bias", "scale", "shift", "mean", "variance")
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in parameters.items():
        layer = next((each for each in ("edges", "shapes") if name.startswith(each)), "returned")
        found.setdefault(layer, {})[name.rpartition(".")[2]] = tensor
    return {n: [own[kind] for kind in kinds if kind in own] for n, own in found.items()}


class Trainer:
    """A network with its parameters, which Adam trains."""

    def __init__(self, network: Network, parameters: Parameters, running: set[str], rate: float):
        self._network = network
        self._parameters = parameters
        trained = [tensor for name, tensor in parameters.items() if name not in running]
        for tensor in trained:
            tensor.requires_grad_()
        # Adam in one kernel is the fastest of PyTorch's.
        self._optimizer = torch.optim.Adam(trained, lr=rate, fused=True)

    def step(self, signal: Tensor, labels: Tensor) -> float:
        """One training step on spikes [steps, samples, cells]; returns the loss."""
        self._optimizer.zero_grad(set_to_none=True)
        readout = self._network(self._parameters, signal.to(torch.float32)).sum(dim=0)
        loss = functional.cross_entropy(readout, labels.to(torch.int64))
        loss.backward()
        self._optimizer.step()
        return loss.item()
