"""Area of the machine: units x area per unit, from the machine file alone."""

from __future__ import annotations

from collections.abc import Mapping

from spikeloom.backend.machine.components import components
from spikeloom.backend.machine.description import Machine

SQUARE_NANOMETRES_PER_SQUARE_MILLIMETRE = 10**12


def area_of(machine: Machine) -> Mapping[str, int]:
    """Square nanometres of every engine and memory by name; the chip is their sum.

    Control, wires, latches and the interface of the DRAM are not modelled.
    """
    return {component.name: component.area for component in components(machine)}
