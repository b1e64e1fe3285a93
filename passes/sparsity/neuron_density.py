"""What a neuron's rule says of the densities of its spikes, masks, potentials and gradients.

The arguments of the proofs are zeros: a potential is zero until the first current that is not,
and a neuron at zero spikes, or has a surrogate gradient, or not, by its threshold alone. All
constants are compared in single precision, as the machine does it. Numbers are taken to be
finite: an infinite weight times zero is no zero.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

from spikeloom.dialects.neuron import NeuronAttr, Reset, SurrogateKind
from spikeloom.dialects.number_text import Real
from spikeloom.passes.sparsity.density_lattice import (
    ALL,
    Density,
    both,
    complement,
    density,
    either,
    from_then_on,
    possibly,
    up_to_then,
    zero,
)


def single(number: Real) -> float:
    """A constant as the machine holds it: small ones may become 0, large ones infinite."""
    return ctypes.c_float(number.value.data).value


@dataclass(frozen=True)
class Rule:
    """A neuron's constants in single precision.

    Attributes:
        forgets: the state of the step before is multiplied by zero, or there is none.
    """

    neuron: NeuronAttr
    threshold: float
    forgets: bool

    @classmethod
    def of(cls, neuron: NeuronAttr, *, has_state: bool) -> Rule:
        """The rule of a neuron that continues from a state or starts anew at every step."""
        forgets = not has_state or single(neuron.decay) == 0.0
        return cls(neuron, single(neuron.threshold), forgets)

    @property
    def reset(self) -> Reset:
        """What a spike does to the potential."""
        return self.neuron.reset.data

    @property
    def charges_itself(self) -> bool:
        """Whether a spike without current raises the potential: minus a negative threshold."""
        return self.reset is Reset.SUBTRACT and self.threshold < 0.0 and not self.forgets

    def potential(self, current: Density) -> Density:
        """Of u[t] = decay * R(u[t-1], s[t-1]) + I[t], from zero."""
        if self.forgets:
            return current
        if self.charges_itself:
            return density(current.steps, leading=min(1, current.leading))
        return from_then_on(current)

    def spikes(self, current: Density) -> Density:
        """Of s[t] = u[t] > threshold.

        With a threshold of at least zero a spike needs a current of its own step if the reset is
        to zero: without one, a potential that was not above the threshold is not now. A reset by
        subtraction, or none, may leave the potential above it for any number of steps.
        """
        if self.threshold < 0.0:
            # Until the first current the potential is not below zero, so every cell spikes.
            touched = current if self.forgets else from_then_on(current)
            return density(current.steps, 1 - touched.at_most)
        if self.forgets or self.reset is Reset.ZERO:
            return possibly(current)
        return possibly(from_then_on(current))

    def spikes_at(self, potential: Density) -> Density:
        """Of the spikes of potentials of which nothing is known but where they are zero."""
        if self.threshold < 0.0:
            return density(potential.steps, 1 - potential.at_most)
        return possibly(potential)

    def mask(self, potential: Density) -> Density:
        """Of the cells whose surrogate has a derivative: |u - threshold| < half width."""
        steps = potential.steps
        if not self.neuron.surrogate.data.is_compact:
            return density(steps, ALL)
        half_width = single(self.neuron.shape)
        if half_width == 0.0:
            return zero(steps)
        if abs(self.threshold) < half_width:
            return density(steps, complement(potential).at_least)
        return possibly(potential)

    def derivative(self, mask: Density | None, potential: Density | None, steps: int) -> Density:
        """Of the surrogate's derivative, from what the backward pass reads."""
        kind = self.neuron.surrogate.data
        if kind.is_compact and single(self.neuron.gain) == 0.0:
            return zero(steps)
        if kind is SurrogateKind.RECTANGLE and mask is not None:
            return possibly(mask)
        if kind.is_compact and potential is not None:
            return possibly(self.mask(potential))
        return density(steps)

    def gradient(self, source: Density, derivative: Density, spikes: Density | None) -> Density:
        """Of gu[t], whose `source` is h[t] * gs[t], where the state is its own.

        A gradient flows back from a source through all earlier steps; a reset to zero stops it
        at a spike, unless the reset path revives it where the surrogate has a derivative.
        """
        if self.forgets:
            return source
        flow = up_to_then(source)
        if self.reset is not Reset.ZERO or spikes is None:
            return flow
        passing = density(source.steps, at_most=either(derivative, complement(spikes)).at_most)
        return both(flow, passing)

    def gradient_after(
        self, source: Density, following: Density, derivative: Density, spikes: Density | None
    ) -> Density:
        """The same where gu[t+1] is any value."""
        if self.forgets:
            return source
        if self.reset is not Reset.ZERO or spikes is None:
            return either(source, following)
        passing = density(source.steps, at_most=either(derivative, complement(spikes)).at_most)
        return either(source, both(following, passing))
