"""What the command line wants of a mapping."""

from __future__ import annotations

import argparse
from fractions import Fraction

from spikeloom.backend.host.plan import Task
from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.diagnostics import error
from spikeloom.mapping.binding import MapOptions
from spikeloom.mapping.needs import Wanted
from spikeloom.passes.clustering.strategy import Strategy, Unrolling
from spikeloom.passes.sparsity.density_profile import read_profile


def wanted_of(parsed: argparse.Namespace, machine: CrossbarMachine) -> Wanted:
    """The wanted unrolling and period; a throughput becomes the period in cycles of the machine."""
    unrolling = Unrolling(parsed.unroll)
    if parsed.period is not None:
        return Wanted(unrolling, parsed.period)
    if parsed.throughput is not None:
        cycles = machine.clock.frequency.value * 10**6
        return Wanted(unrolling, Fraction(cycles, parsed.throughput), "--throughput, in cycles")
    return Wanted(unrolling)


def options_of(parsed: argparse.Namespace, machine: CrossbarMachine, task: Task) -> MapOptions:
    """How the command line wants a program mapped.

    Raises:
        DiagnosticError: the profile cannot be read (E0401), or is of another program (E0407).
    """
    wanted, strategy = wanted_of(parsed, machine), Strategy(parsed.strategy)
    steps = 1 if task.training is None else task.training.steps
    if parsed.profile is None:
        return MapOptions(wanted, strategy, parsed.steps or steps)
    profile = read_profile(str(parsed.profile))
    if profile.network != task.network:
        message = f"the profile is of the network `{profile.network}`, not of `{task.network}`"
        help = f"`spikeloom run {task.program} --json FILE` writes one"
        raise error("E0407", message, help=help)
    source = f"measured by {parsed.profile}"
    return MapOptions(wanted, strategy, parsed.steps or profile.steps, profile, source)
