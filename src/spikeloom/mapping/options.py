"""What the command line wants of a mapping."""

from __future__ import annotations

import argparse
from fractions import Fraction

from spikeloom.backend.crossbar_machine import CrossbarMachine
from spikeloom.mapping.needs import Wanted
from spikeloom.passes.clustering.strategy import Unrolling


def wanted_of(parsed: argparse.Namespace, machine: CrossbarMachine) -> Wanted:
    """The wanted unrolling and period; a throughput becomes the period in cycles of the machine."""
    unrolling = Unrolling(parsed.unroll)
    if parsed.period is not None:
        return Wanted(unrolling, Fraction(parsed.period))
    if parsed.throughput is not None:
        cycles = machine.clock.frequency.value * 10**6
        return Wanted(unrolling, Fraction(cycles, parsed.throughput), "--throughput, in cycles")
    return Wanted(unrolling)
