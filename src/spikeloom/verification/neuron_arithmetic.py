"""A spiking neuron's rule on arrays (design.md, section 3), in a chosen precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom.dialects.neuron import NeuronAttr, Reset, SurrogateKind
from spikeloom.dialects.number_text import Real
from spikeloom.verification.arrays import Array, Precision


@dataclass(frozen=True)
class Neuron:
    """The neuron's constants; `one` is 1 in the precision that is computed in."""

    reset: Reset
    surrogate: SurrogateKind
    detached: bool
    decay: Any
    threshold: Any
    shape: Any
    gain: Any
    one: Any

    @classmethod
    def of(cls, neuron: NeuronAttr, precision: Precision) -> Neuron:
        """The rule with constants rounded to single precision, as the machine holds them."""

        def constant(number: Real) -> Any:
            return precision(np.float32(number.value.data))

        return cls(
            neuron.reset.data,
            neuron.surrogate.data,
            neuron.detached,
            constant(neuron.decay),
            constant(neuron.threshold),
            constant(neuron.shape),
            constant(neuron.gain),
            precision(1),
        )

    @property
    def edges(self) -> tuple[float, ...]:
        """The potentials at which a comparison changes its answer."""
        return (float(self.threshold), *self.mask_edges)

    @property
    def mask_edges(self) -> tuple[float, ...]:
        """Those at which the derivative jumps."""
        if self.surrogate is not SurrogateKind.RECTANGLE:
            return ()
        threshold, reach = float(self.threshold), float(self.shape)
        return (threshold - reach, threshold + reach)

    def potential(self, before: Array, spikes: Array, current: Array) -> Array:
        """u[t] = decay * R(u[t-1], s[t-1]) + I[t]."""
        match self.reset:
            case Reset.ZERO:
                kept = np.where(spikes > 0, self.one * 0, before)
            case Reset.SUBTRACT:
                kept = np.where(spikes > 0, before - self.threshold, before)
            case Reset.NONE:
                kept = before
        return self.decay * kept + current

    def spikes(self, potential: Array) -> Array:
        """s[t] = u[t] > threshold."""
        return (potential > self.threshold).astype(self.one.dtype)

    def mask(self, potential: Array) -> Array:
        """Where the surrogate has a derivative."""
        inside = np.abs(potential - self.threshold) < self.shape
        return (inside | (not self.surrogate.is_compact)).astype(self.one.dtype)

    def derivative(self, potential: Array, mask: Array) -> Array:
        """The surrogate's derivative, from what the backward pass reads."""
        distance = np.abs(potential - self.threshold)
        match self.surrogate:
            case SurrogateKind.RECTANGLE:
                return self.gain * mask
            case SurrogateKind.TRIANGLE:
                slope = self.gain * (self.one - distance / self.shape)
                return np.where(distance < self.shape, slope, self.one * 0)
            case SurrogateKind.FAST_SIGMOID:
                return self.one / (self.one + self.shape * distance) ** 2
            case SurrogateKind.ATAN:
                half_pi = type(self.one)(np.float32(np.pi / 2))
                return self.shape / 2 / (self.one + (half_pi * self.shape * distance) ** 2)

    def gradient(
        self, spike_gradient: Array, spikes: Array, mask: Array, potential: Array, following: Array
    ) -> Array:
        """gu[t] from gs[t] and gu[t+1]."""
        if not self.detached and self.reset is not Reset.NONE:
            taken = potential if self.reset is Reset.ZERO else self.threshold
            spike_gradient = spike_gradient - self.decay * taken * following
        stays = self.one - spikes if self.reset is Reset.ZERO else self.one
        flowing = self.decay * stays * following
        return self.derivative(potential, mask) * spike_gradient + flowing
