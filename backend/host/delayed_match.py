"""A synthetic task that no network without memory can solve: delayed match to sample.

A sample runs through four phases of equal length. In the first a symbol is shown, in the third
another one or the same again; the label says whether they match. At no single step is there
anything to tell the labels apart by, so that the first symbol must be kept over the pause. The
last phase leaves time for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.host.dataset import Indices, Labels
from spikeloom.backend.host.encoding import Signal
from spikeloom.backend.host.randomness import Purpose, generator

CLASSES = 2
"""Label 0: the symbols differ; 1: they are the same."""

PHASES = 4
"""There must be as many steps at least."""


@dataclass(frozen=True, eq=False)
class DelayedMatch:
    """The signal follows from the seed and the sample's label.

    A symbol is a group of features, which all spike as long as it is shown; besides, every
    feature spikes with probability `noise` at every step. `element` is uint8 for spikes, float32
    for the same as currents.
    """

    labels: Labels
    symbols: int
    noise: float
    steps: int
    features: int
    seed: int
    element: type[np.uint8] | type[np.float32]

    def present(self, samples: Indices, random: np.random.Generator) -> Signal:
        """The samples' signals, [steps, samples, features]; the same ones every time."""
        signal = np.empty((self.steps, len(samples), self.features), dtype=self.element)
        for place, sample in enumerate(samples):
            signal[:, place] = self._sample(int(sample))
        return signal

    def _sample(self, sample: int) -> NDArray[np.bool_]:
        own = generator(self.seed, Purpose.DELAYED_MATCH, sample)
        first = int(own.integers(self.symbols))
        other = (first + int(own.integers(1, self.symbols))) % self.symbols
        second = first if self.labels[sample] == 1 else other
        spikes = own.random((self.steps, self.features), dtype=np.float32) < self.noise
        group = np.arange(self.features) * self.symbols // self.features
        phase = np.arange(self.steps) * PHASES // self.steps
        spikes[np.ix_(phase == 0, group == first)] = True
        spikes[np.ix_(phase == 2, group == second)] = True
        return spikes
