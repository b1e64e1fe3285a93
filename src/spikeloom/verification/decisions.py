"""What neurons decide by comparing: spikes and masks, recorded, and decided again elsewhere.

Two executions that round differently may decide differently about a potential that lies at a
threshold, and nothing after it can be compared then. So an execution can be told to decide as
another one did, everywhere or where rounding decides only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from spikeloom.verification.arrays import Array
from spikeloom.verification.neuron_arithmetic import Neuron

SAFETY = 8.0
"""How many times its rounding error a potential must keep away from a comparison."""

Place = tuple[str, int]
"""A layer at a time step."""


@dataclass(frozen=True)
class Fired:
    """A layer's potentials [B, ...] at a time step, and what was decided about them."""

    neuron: Neuron
    potential: Array
    spikes: Array
    mask: Array


Record = Mapping[Place, Fired]
"""All decisions of an execution."""

Decide = Callable[[Place, Neuron, Array], tuple[Array, Array]]
"""Spikes and mask of potentials [B, ...]."""

Margins = Mapping[str, float]
"""By layer, how near to a comparison rounding decides about its potentials."""


def by_comparison(place: Place, neuron: Neuron, potential: Array) -> tuple[Array, Array]:
    """As the neuron's rule says."""
    return neuron.spikes(potential), neuron.mask(potential)


@dataclass
class Decider:
    """Decides about every neuron of an execution, and records it."""

    decide: Decide = by_comparison
    record: dict[Place, Fired] = field(default_factory=dict)

    def __call__(self, place: Place, neuron: Neuron, potential: Array) -> tuple[Array, Array]:
        """Spikes and mask, in the potential's precision."""
        decided = self.decide(place, neuron, potential)
        spikes, mask = (bits.astype(potential.dtype) for bits in decided)
        self.record[place] = Fired(neuron, potential, spikes, mask)
        return spikes, mask


def following(record: Record) -> Decide:
    """Decides everything as the recorded execution did."""

    def decide(place: Place, neuron: Neuron, potential: Array) -> tuple[Array, Array]:
        return record[place].spikes, record[place].mask

    return decide


def with_other_masks(record: Record, margins: Margins) -> Decide:
    """Spikes as recorded; masks the other way round wherever rounding decides about them."""

    def decide(place: Place, neuron: Neuron, potential: Array) -> tuple[Array, Array]:
        unclear = _is_near(potential, neuron.mask_edges, margins.get(place[0], 0.0))
        fired = record[place]
        return fired.spikes, np.where(unclear, 1 - fired.mask, fired.mask)

    return decide


@dataclass
class Adopting:
    """Decides by comparison, but adopts spikes of another execution where rounding decides.

    Attributes:
        spikes: of the other execution, by layer, [T, B, ...].
        adopted: how many spikes were decided otherwise than by comparison.
    """

    spikes: Mapping[str, Array]
    margins: Margins
    adopted: int = 0

    def __call__(self, place: Place, neuron: Neuron, potential: Array) -> tuple[Array, Array]:
        """See `Decide`."""
        own, mask = by_comparison(place, neuron, potential)
        layer, time = place
        if (theirs := self.spikes.get(layer)) is None or theirs[time].shape != own.shape:
            return own, mask
        unclear = _is_near(potential, (float(neuron.threshold),), self.margins.get(layer, 0.0))
        unclear &= theirs[time] != own
        self.adopted += int(np.count_nonzero(unclear))
        return np.where(unclear, theirs[time], own), mask


def margins_of(single: Record, double: Record) -> Margins:
    """How near is too near, from the same decisions in single and in double precision."""
    margins: dict[str, float] = {}
    for (layer, time), fired in single.items():
        error = np.abs(fired.potential - double[layer, time].potential).max(initial=0.0)
        margins[layer] = max(margins.get(layer, 0.0), SAFETY * float(error))
    return margins


def is_clear(double: Record, margins: Margins) -> bool:
    """Whether rounding decides about no spike and no mask."""
    return not any(
        _is_near(fired.potential, fired.neuron.edges, margins[layer]).any()
        for (layer, _), fired in double.items()
    )


def _is_near(potential: Array, edges: tuple[float, ...], margin: float) -> Array:
    near = np.zeros(potential.shape, np.bool_)
    for edge in edges:
        near |= np.abs(potential - edge) < margin
    return near
