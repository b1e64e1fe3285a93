"""What clustering must know about a machine of crossbars."""

from __future__ import annotations

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.passes.clustering.limits import Limits


def limits_of(machine: CrossbarMachine) -> Limits:
    """The limits of one crossbar and its tile."""
    crossbar = machine.crossbar
    return Limits(
        crossbar.inputs.value,
        crossbar.outputs.value,
        crossbar.crosspoints.value,
        crossbar.fan_in.value,
        crossbar.destinations.value,
        crossbar.input_buffer.value,
        crossbar.output_buffer.value,
    )
