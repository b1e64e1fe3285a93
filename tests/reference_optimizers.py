"""The optimizers in plain numpy, in double precision, as their authors write them.

`sgd` with momentum: v = momentum * v + g; p = p - rate * v. `adam`: Kingma & Ba 2015, algorithm
1, with their constants. `adamw`: Loshchilov & Hutter 2019, with decay scaled by the rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
Tensors = dict[str, np.ndarray]


@dataclass
class Sgd:
    rate: float
    momentum: float = 0.0
    _velocity: Tensors = field(default_factory=dict, init=False)

    def text(self) -> str:
        return f"sgd(rate = {self.rate}, momentum = {self.momentum})"

    def step(self, parameters: Tensors, gradients: Mapping[str, np.ndarray]) -> Tensors:
        for name, gradient in gradients.items():
            before = self._velocity.get(name, 0.0)
            self._velocity[name] = self.momentum * before + gradient.astype(np.float64)
        return {name: p - self.rate * self._velocity[name] for name, p in parameters.items()}


@dataclass
class Adam:
    rate: float
    _first: Tensors = field(default_factory=dict, init=False)
    _second: Tensors = field(default_factory=dict, init=False)
    _count: int = field(default=0, init=False)

    def text(self) -> str:
        return f"adam(rate = {self.rate})"

    def step(self, parameters: Tensors, gradients: Mapping[str, np.ndarray]) -> Tensors:
        self._count += 1
        updated: Tensors = {}
        for name, p in parameters.items():
            g = gradients[name].astype(np.float64)
            self._first[name] = BETA1 * self._first.get(name, 0.0) + (1.0 - BETA1) * g
            self._second[name] = BETA2 * self._second.get(name, 0.0) + (1.0 - BETA2) * g * g
            first = self._first[name] / (1.0 - BETA1**self._count)
            second = self._second[name] / (1.0 - BETA2**self._count)
            updated[name] = p - self.rate * first / (np.sqrt(second) + EPSILON)
        return updated


@dataclass
class AdamW(Adam):
    decay: float = 0.0

    def text(self) -> str:
        return f"adamw(rate = {self.rate}, decay = {self.decay})"

    def step(self, parameters: Tensors, gradients: Mapping[str, np.ndarray]) -> Tensors:
        updated = super().step(parameters, gradients)
        return {n: p - self.rate * self.decay * parameters[n] for n, p in updated.items()}
