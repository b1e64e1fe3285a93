"""Samples, their split into training and test, and the batches made from them.

Nothing here keeps a position: a batch follows from the seed, the epoch and its index alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.host.encoding import Signal, encode
from spikeloom.backend.host.plan import DataSizes, Encoding, batch_count
from spikeloom.backend.host.randomness import Purpose, generator

Indices = NDArray[np.int64]
Labels = NDArray[np.int32]


class Source(Protocol):
    """Where the signal of a sample comes from."""

    def present(self, samples: Indices, random: np.random.Generator) -> Signal:
        """The signal of these samples, [steps, samples, features]."""
        ...


@dataclass(frozen=True, eq=False)
class Images:
    """Still images, `values` in [0, 1] of shape [samples, features], encoded anew each time."""

    values: NDArray[np.float32]
    encoding: Encoding
    steps: int

    def present(self, samples: Indices, random: np.random.Generator) -> Signal:
        """The images over time."""
        return encode(self.values[samples], self.encoding, self.steps, random)


@dataclass(frozen=True, eq=False)
class Recordings:
    """Signals recorded over time: `values` [samples, steps, features]."""

    values: Signal

    def present(self, samples: Indices, random: np.random.Generator) -> Signal:
        """The recordings as they are."""
        return np.ascontiguousarray(self.values[samples].swapaxes(0, 1))


@dataclass(frozen=True, eq=False)
class RandomSpikes:
    """Every sample a fixed pattern in which each cell spikes with probability `rate`.

    `element` is uint8 for spikes, float32 for the same pattern as currents.
    """

    rate: float
    steps: int
    features: int
    seed: int
    element: type[np.uint8] | type[np.float32]

    def present(self, samples: Indices, random: np.random.Generator) -> Signal:
        """The samples' patterns."""
        shape = (self.steps, self.features)
        signal = np.empty((self.steps, len(samples), self.features), dtype=self.element)
        for place, sample in enumerate(samples):
            own = generator(self.seed, Purpose.RANDOM_SPIKES, int(sample))
            signal[:, place] = own.random(shape, dtype=np.float32) < self.rate
        return signal


@dataclass(frozen=True, eq=False)
class Batch:
    """`signal` [steps, samples, features]; `labels` [samples], None where there are none."""

    signal: Signal
    labels: Labels | None

    @property
    def samples(self) -> int:
        """Number of samples."""
        return self.signal.shape[1]


@dataclass(frozen=True, eq=False)
class Batches:
    """The batches of one pass over some samples, in order; only the last may be smaller."""

    source: Source
    labels: Labels | None
    order: Indices
    batch: int
    seed: int
    purpose: Purpose
    epoch: int

    def __len__(self) -> int:
        return batch_count(len(self.order), self.batch)

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < len(self):
            raise IndexError(index)
        chosen = self.order[index * self.batch : (index + 1) * self.batch]
        random = generator(self.seed, self.purpose, self.epoch, index)
        labels = None if self.labels is None else self.labels[chosen]
        return Batch(self.source.present(chosen, random), labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """All samples of a program; `train` and `test` are disjoint indices into them."""

    source: Source
    labels: Labels | None
    train: Indices
    test: Indices
    steps: int
    batch: int
    seed: int

    @property
    def sizes(self) -> DataSizes:
        """How much data there is."""
        return DataSizes(len(self.train), len(self.test), self.steps)

    def without_test(self) -> Dataset:
        """The same data to train on, and nothing to test with."""
        return replace(self, test=self.test[:0])

    def training(self, epoch: int) -> Batches:
        """The training batches of one epoch, shuffled in its own way."""
        order = generator(self.seed, Purpose.SHUFFLE, epoch).permutation(self.train)
        return self._batches(order, Purpose.TRAIN_ENCODING, epoch)

    def testing(self) -> Batches:
        """The test batches, the same after every epoch."""
        return self._batches(self.test, Purpose.TEST_ENCODING, 0)

    def _batches(self, order: Indices, purpose: Purpose, epoch: int) -> Batches:
        return Batches(self.source, self.labels, order, self.batch, self.seed, purpose, epoch)


def split(samples: int, test: float, seed: int) -> tuple[Indices, Indices]:
    """Indices to train on and to test with, both in ascending order, chosen by `seed`.

    The share `test` is rounded to whole samples. At least one sample is left to train on, and,
    where the share is above 0 and there are two, at least one to test with.
    """
    held_out = round(samples * test)
    if test > 0.0:
        held_out = min(max(held_out, 1), samples - 1)
    order = generator(seed, Purpose.SPLIT).permutation(samples).astype(np.int64)
    return np.sort(order[held_out:]), np.sort(order[:held_out])
