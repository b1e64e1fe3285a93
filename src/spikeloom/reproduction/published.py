"""What is published of H2Learn, and what was assumed beside it.

Of the paper (Liang et al., "H2Learn: High-Efficiency Learning Accelerator for High-Accuracy Spiking
Neural Networks", IEEE TCAD 2021) only the abstract is known here, and only its figures stand below.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Range:
    """Published ratios against a V100, lowest and highest."""

    low: Fraction
    high: Fraction

    def holds(self, value: Fraction) -> bool:
        """Whether a value lies inside, bounds included."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        low, high = float(self.low), float(self.high)
        return f"{low:.2f}x" if low == high else f"{low:.2f}x to {high:.2f}x"


AREA_SAVING = Fraction("7.38")
AREA_TOLERANCE = Fraction(25, 100)
SPEEDUP = Range(Fraction("5.74"), Fraction("10.20"))
ENERGY_SAVING = Range(Fraction("5.25"), Fraction("7.12"))
POWER_RATIO = Range(Fraction("0.81"), Fraction("1.94"))
"""Implied, not published: watts of the V100 by watts of the machine = energy saving by speedup."""

AREA = Range(AREA_SAVING * (1 - AREA_TOLERANCE), AREA_SAVING * (1 + AREA_TOLERANCE))
"""The abstract's 7.38x, taken as reproduced within 25 %."""

EFFICIENCY = 12
"""Per cent of the V100's peak that it is credited with. Chosen, not measured: with it the modelled
speedups of all three workloads lie in the published range (11.0 to 12.5 % on the bundled machine
with the densities below). Every ratio that rests on it says so, and the report prints the range."""

CHOSEN = "chosen so that V2 of all three workloads lies in its range; not measured"
DECLARED = "declared by --efficiency"

DENSITIES = "spikes=.17,mask=.36,gradients=.5"
"""Spikes: measured for VGG9 on CIFAR10 (activations published with Prosperity). Mask and
gradients: from the recursion with decay = threshold = .25 and half width .5, T = 6."""

WORKLOADS = ("cifar_bn", "alexnet_bn", "resnet")
"""Programs in the examples, after the first author's public library."""
