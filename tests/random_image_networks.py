"""Random convolutional networks, the same for the same seed, small enough for plain references.

What a network of a seed must contain goes through all kinds as the seed counts up; everything
else is drawn. Images are at most 8 x 8, channels at most 6, steps and samples at most 4.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from random_networks import LOSSES, RESETS, SURROGATES
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
    PoolKind,
    Previous,
    Reshape,
    Shape,
    Surrogate,
)

MAX_SIDE, MAX_CHANNELS, MAX_STEPS, MAX_BATCH = 8, 6, 4, 4
POOLS: tuple[PoolKind, ...] = ("sum", "avg", "max")
BLOCKS = ("plain", "normalized", "residual", "recurrent", "joined", "delayed")
COMBINATIONS = tuple(product(BLOCKS, POOLS))
"""The first block and the first pool of seed 0, 1, ..., again and again."""

INPUT = "signal"


def random_image_network(seed: int, optimizer: str = "sgd(rate = 0.01)") -> Network:
    """The network of a seed."""
    return _Draw(seed).network(optimizer)


class _Draw:
    """Builds one network: an image, blocks and pools, and a linear readout."""

    def __init__(self, seed: int):
        self._random = np.random.default_rng([2026, seed])
        self._block, self._pool = COMBINATIONS[seed % len(COMBINATIONS)]
        self._loss = LOSSES[seed // len(COMBINATIONS) % len(LOSSES)]
        self._reset = RESETS[(seed + seed // len(COMBINATIONS)) % len(RESETS)]
        self._surrogate = SURROGATES[(seed + seed // len(COMBINATIONS)) % len(SURROGATES)]
        self._statements: list[tuple[str, Expression]] = []
        self._shapes: dict[str, Shape] = {}
        self._analog = self._chance(0.3)
        # More numbers than a few per statistic: of two, a batchnorm has no gradient left.
        self._steps, self._batch = self._between(2, MAX_STEPS), self._between(2, MAX_BATCH)

    def network(self, optimizer: str) -> Network:
        image = tuple(self._between(4, MAX_SIDE) for _ in range(2))
        shape = (self._between(1, 3), *image)
        flat = self._chance(0.15)
        self._shapes[INPUT] = shape
        before = INPUT
        if flat:
            before = self._name("image", Reshape(Name(INPUT), shape), shape)
        before = self._blocks(before)
        returned = self._output(before)
        return Network(
            input_kind="currents" if self._analog else "spikes",
            input_shape=(int(np.prod(shape)),) if flat else shape,
            statements=tuple(self._statements),
            returned=returned,
            steps=self._steps,
            batch=self._batch,
            loss=self._loss,
            optimizer=optimizer,
        )

    def _chance(self, probability: float) -> bool:
        return bool(self._random.random() < probability)

    def _between(self, first: int, last: int) -> int:
        return int(self._random.integers(first, last + 1))

    def _rounded(self, low: float, high: float) -> float:
        return round(float(self._random.uniform(low, high)), 2)

    def _name(self, name: str, value: Expression, shape: Shape) -> str:
        """A statement of that name."""
        self._statements.append((name, value))
        self._shapes[name] = shape
        return name

    def _blocks(self, before: str) -> str:
        """One or two blocks, a pool behind or before the first."""
        # Of currents only an analog image's own cells are pooled, none of which are equal.
        if not self._chance(0.6 if self._analog and self._pool == "max" else 0.2):
            before = self._named_block("block1", self._block, before)
            before = self._pooled("pool1", self._pool, before)
        else:
            before = self._pooled("pool1", self._pool, before)
            before = self._named_block("block1", self._block, before)
        if self._chance(0.6):
            kind = BLOCKS[self._between(0, len(BLOCKS) - 1)]
            before = self._named_block("block2", kind, before)
        return before

    def _pooled(self, name: str, kind: PoolKind, before: str) -> str:
        """A pool; windows may overlap, and leave rows out at the end."""
        channels, *sides = self._shapes[before]
        size = min(self._between(1, 3) if self._chance(0.3) else 2, *sides)
        stride = self._between(1, 3) if self._chance(0.4) else None
        pool = Pool2d(kind, Name(before), size, stride)
        return self._name(name, pool, (channels, *(pool.output(side) for side in sides)))

    def _named_block(self, name: str, kind: str, before: str) -> str:
        """Convolutions, and neurons behind them."""
        channels, *sides = self._shapes[before]
        outputs = channels if kind == "residual" else self._between(1, MAX_CHANNELS)
        keeps_size = kind in ("residual", "recurrent", "joined")
        conv = self._convolution(Name(before), outputs, sides, keeps_size, kind != "normalized")
        shape = (outputs, *(conv.output(side) for side in sides))
        match kind:
            case "plain":
                current: Expression = conv
            case "normalized":
                current = Batchnorm(conv, *self._batchnorm_numbers())
            case "residual":
                current = Add((Batchnorm(_without_bias(conv)), Name(before)))
            case "recurrent":
                current = Add((conv, self._recurrence(name, shape)))
            case "joined":
                current = Concat(conv, self._convolution(Name(before), 2, sides, True, True))
                shape = (outputs + 2, *shape[1:])
            case _:
                late = self._convolution(Previous(Name(before)), outputs, sides, keeps_size, True)
                late_shape = tuple(late.output(side) for side in sides)
                same = late_shape == shape[1:]
                current = Add((conv, late)) if same else Previous(conv)
        if self._chance(0.15):
            current = Name(self._name(f"{name}_current", current, shape))
        return self._name(name, self._spiking(current), shape)

    def _recurrence(self, name: str, shape: Shape) -> Expression:
        """The block's own past through one convolution, or pooled, joined and convolved."""
        past: Expression = Previous(Name(name))
        channels = shape[0]
        match self._between(0, 3):
            case 0:
                past = Previous(Conv2d(Name(name), channels, bias=False))
                return past
            case 1:
                past = Pool2d(POOLS[self._between(0, 2)], past, 1)
            case 2:
                past = Concat(past, Previous(Previous(Name(name))))
            case _ if len(set(shape[1:])) == 1 and shape[1] > 2:
                # Windows that overlap, and a convolution that makes up for the rows they cost.
                past = Pool2d(POOLS[self._between(0, 2)], past, 2, 1)
                return Conv2d(past, channels, kernel=2, padding=1, bias=False)
            case _:
                pass
        return Conv2d(past, channels, kernel=2 * self._between(0, 1) + 1, bias=self._chance(0.5))

    def _convolution(
        self, value: Expression, channels: int, sides: list[int], keeps_size: bool, bias: bool
    ) -> Conv2d:
        kernel = self._between(1, min(4, *sides))
        if keeps_size:
            return Conv2d(value, channels, kernel, bias=bias and self._chance(0.7))
        return Conv2d(
            value,
            channels,
            kernel,
            stride=self._between(1, 3) if self._chance(0.4) else 1,
            padding=self._between(0, kernel - 1) if self._chance(0.5) else None,
            bias=bias and self._chance(0.7),
        )

    def _batchnorm_numbers(self) -> tuple[float, float]:
        """Momentum and epsilon."""
        if self._chance(0.5):
            return 0.1, 1e-5
        return self._rounded(0.05, 0.9), 1e-3

    def _output(self, before: str) -> Expression:
        """A linear readout of the flattened image, sometimes normalized."""
        classes = self._between(2, 5)
        value = Flatten(Name(before))
        if self._batch * self._steps >= 6 and self._chance(0.25):
            return self._spiking(Batchnorm(Linear(value, classes, bias=False)))
        current = Linear(value, classes, self._chance(0.8))
        return Li(current, self._rounded(0.2, 0.9)) if self._chance(0.4) else self._spiking(current)

    def _spiking(self, current: Expression) -> Lif:
        compact = self._surrogate in ("rectangle", "triangle")
        surrogate = (
            Surrogate(self._surrogate, self._rounded(0.4, 1.2), self._rounded(0.5, 1.5))
            if compact
            else Surrogate(self._surrogate, self._rounded(0.8, 3.0))
        )
        neuron = Neuron(
            decay=self._rounded(0.2, 0.95),
            threshold=self._rounded(0.05, 0.6),
            reset=self._reset,
            surrogate=surrogate,
            detach_reset=self._chance(0.3),
        )
        return Lif(current, neuron)


def _without_bias(conv: Conv2d) -> Conv2d:
    """A batchnorm takes every bias away again, whose gradient is then nothing but rounding."""
    return Conv2d(conv.value, conv.channels, conv.kernel, conv.stride, conv.padding, False)
