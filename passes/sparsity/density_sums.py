"""What the rules of densities share: extents, and sums over everything but the channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.ir import SSAValue

from spikeloom.dialects import bptt
from spikeloom.passes.sparsity.density_lattice import ALL, NOTHING, Density, density

Known = Callable[[SSAValue], Density]
"""The density of an operand."""


@dataclass(frozen=True)
class Extent:
    """Over how much a step runs: time steps and samples of a batch."""

    steps: int
    batch: int

    @property
    def cells(self) -> int:
        """Cells of one unit."""
        return self.steps * self.batch


def units_of(value: SSAValue) -> int:
    """Cells of one sample at one step."""
    return bptt.unit_count(value.type)


def channel_sums(value: Density, of: SSAValue, extent: Extent) -> Density:
    """Of one number per channel, a sum over time, batch and pixels.

    A channel's sum is zero unless one of its cells is not, so that there are no more such sums
    than such cells.
    """
    pixels = units_of(of) // bptt.channel_count(of.type)
    return density(1, NOTHING, min(ALL, extent.cells * pixels * value.at_most))
