"""Random networks that crossbars compute to the bit, the same for the same seed.

What a network contains goes through all kinds as the seed counts up; sizes are small and odd, so
that neurons of crossbars with 8 or 16 inputs become chains.
"""

from __future__ import annotations

import numpy as np
from snn_program import (
    Add,
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
    Reset,
    Shape,
)

KINDS = ("dense", "recurrent", "skipping", "image", "pooled", "joined")
RESETS: tuple[Reset, ...] = ("zero", "subtract", "none")
INPUT = "signal"


def random_tile_network(seed: int) -> Network:
    """The network of a seed."""
    return _Draw(seed).network()


class _Draw:
    """Builds one network statement by statement."""

    def __init__(self, seed: int):
        self._random = np.random.default_rng([2029, seed])
        self._kind = KINDS[seed % len(KINDS)]
        self._reset = RESETS[seed // len(KINDS) % len(RESETS)]
        self._statements: list[tuple[str, Expression]] = []

    def network(self) -> Network:
        images = self._kind in ("image", "pooled", "joined")
        shape: Shape = (self._between(1, 2), 5, 4) if images else (self._between(3, 20),)
        before = self._image(shape) if images else self._layers()
        current = Linear(before, self._between(2, 6), self._chance(0.7))
        returned = Li(current, 0.7) if self._chance(0.3) else self._spiking(current)
        steps = self._between(4, 9)
        statements = tuple(self._statements)
        return Network("spikes", shape, statements, returned, steps, self._between(1, 2))

    def _chance(self, probability: float) -> bool:
        return bool(self._random.random() < probability)

    def _between(self, first: int, last: int) -> int:
        return int(self._random.integers(first, last + 1))

    def _spiking(self, current: Expression) -> Lif:
        decay, threshold = (round(float(each), 2) for each in self._random.uniform(0.2, 0.9, 2))
        return Lif(current, Neuron(decay, threshold / 2, self._reset))

    def _name(self, name: str, value: Expression) -> Name:
        self._statements.append((name, value))
        return Name(name)

    def _layers(self) -> Expression:
        """One to three dense layers, with what the kind adds to the current of each."""
        before: Expression = Name(INPUT)
        for number in range(self._between(1, 3)):
            name, units = f"layer{number}", self._between(3, 14)
            terms: list[Expression] = [Linear(before, units, self._chance(0.7))]
            if self._kind == "recurrent":
                past: Expression = Previous(Name(name))
                for _ in range(self._between(0, 2) if self._chance(0.4) else 0):
                    past = Previous(past)
                terms.append(Linear(past, units, self._chance(0.5)))
            if self._kind == "skipping":
                terms.append(Linear(Previous(Name(INPUT)), units, self._chance(0.5)))
                if number:
                    terms.append(Previous(Linear(Name("layer0"), units, bias=False)))
            current = terms[0] if len(terms) == 1 else Add(tuple(terms))
            before = self._name(name, self._spiking(current))
        return before

    def _image(self, shape: Shape) -> Expression:
        """A convolution, what the kind does with it, and its image as a vector."""
        channels = self._between(1, 3)
        current: Expression = Conv2d(Name(INPUT), channels, self._between(1, 3))
        if self._kind == "joined":
            current = Concat(current, Conv2d(Name(INPUT), 2, 3, bias=False))
        before = self._name("first", self._spiking(current))
        if self._kind == "pooled":
            before = self._name("pool", Pool2d("max", before, 2))
        if self._chance(0.5):
            second = Conv2d(before, self._between(1, 3), 2, self._between(1, 2), padding=0)
            before = self._name("second", self._spiking(second))
        return Flatten(before)
