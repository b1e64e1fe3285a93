"""Which layers of a stream spike, keep a mask and learn, and what a batch made of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spikeloom.backend.accounts.quantities import (
    GRADIENTS_NONZERO,
    MASK_ONES,
    QUANTITIES,
    SPIKES_EMITTED,
)
from spikeloom.backend.accounts.results import CounterTotals
from spikeloom.backend.host.plan import Plan
from spikeloom.backend.stream.stream import NO_BUFFER, Stream
from spikeloom.dialects.activity_profile import NOT_COUNTED, Activity, LayerActivity, Share
from spikeloom.dialects.instruction_set import OPCODES, SPECS, Engine

_LEARNING = ("fire_gradient", "integrate_gradient")


@dataclass(frozen=True)
class ActiveLayers:
    """The layers that `fire`, those of them that keep a mask, those whose gradient is computed."""

    firing: frozenset[str]
    masking: frozenset[str]
    learning: frozenset[str]

    @staticmethod
    def of(stream: Stream) -> ActiveLayers:
        """The layers of this stream."""
        return ActiveLayers(
            _layers(stream, ("fire",)), _masking(stream), _layers(stream, _LEARNING)
        )

    def activity(self, plan: Plan, samples: int, signal: Share, totals: CounterTotals) -> Activity:
        """What the input, of which `signal` is not zero, the neurons and their gradients held."""
        ones = {name: np.zeros(QUANTITIES, np.int64) for name in self.firing | self.learning}
        for owner, row in totals.per_owner().items():
            if owner.engine is Engine.NEURON and owner.layer in ones:
                ones[owner.layer] += row
        units = {layer.name: math.prod(layer.shape) for layer in plan.layers}

        def share(name: str, counted: frozenset[str], quantity: int) -> Share:
            cells = samples * plan.sizes.steps * units[name]
            return (int(ones[name][quantity]), cells) if name in counted else NOT_COUNTED

        layers = {
            name: LayerActivity(
                spikes=share(name, self.firing, SPIKES_EMITTED),
                mask=share(name, self.masking, MASK_ONES),
                gradients=share(name, self.learning, GRADIENTS_NONZERO),
            )
            for name in sorted(ones)
        }
        return Activity(input=signal, layers=layers)


def _layers(stream: Stream, instructions: tuple[str, ...]) -> frozenset[str]:
    """The layers for which a stream has one of these instructions."""
    opcodes = [OPCODES[name] for name in instructions]
    found = np.flatnonzero(np.isin(stream.instructions["opcode"], opcodes))
    return frozenset(stream.layers[index] for index in found) - {""}


def _masking(stream: Stream) -> frozenset[str]:
    """The layers whose neurons keep a mask for the backward pass."""
    opcodes = [OPCODES[name] for name in ("fire", "fire_again")]
    role = [role.name for role in SPECS["fire"].roles].index("mask")
    is_kept = stream.instructions["buffer"][:, role] != NO_BUFFER
    found = np.flatnonzero(np.isin(stream.instructions["opcode"], opcodes) & is_kept)
    return frozenset(stream.layers[index] for index in found) - {""}
