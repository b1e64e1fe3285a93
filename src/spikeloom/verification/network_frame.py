"""What an operation of a network can see while the network is executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.ir import Operation, SSAValue

from spikeloom.verification.arrays import Array, Precision
from spikeloom.verification.decisions import Decider


@dataclass
class NetworkFrame:
    """What an operation of a network can see.

    Attributes:
        training: whether statistics are those of the batch.
        fire: decides about neurons.
        values: of every step that has been computed so far, [B, ...] each.
        states: potentials of leaky neurons, after the last step computed.
    """

    precision: Precision
    steps: int
    training: bool
    parameters: Mapping[str, Array]
    fire: Decider
    values: dict[SSAValue, list[Array]]
    states: dict[Operation, Array] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        """Samples."""
        return next(iter(self.values.values()))[0].shape[0]

    def known(self, value: SSAValue) -> int:
        """For how many steps a value is known."""
        return len(self.values.get(value, ()))

    def sequence(self, value: SSAValue) -> Array:
        """A value over all steps, [T, B, ...]."""
        return np.stack(self.values[value])


StepRule = Callable[[Any, NetworkFrame, int], Array]
"""The result of an operation at one time step."""
