"""Energy of one inference from numbers of spikes, before anything is executed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.mapping.mapping import EnergyPart, Estimate, MappedChannel
from spikeloom.mapping.tokens import packets_of
from spikeloom.passes.clustering.clustering import Clustering


def energy_estimate(
    clustering: Clustering,
    numbers: NDArray[np.bool_],
    channels: Sequence[MappedChannel],
    machine: CrossbarMachine,
    steps: int,
    period: Fraction,
    source: str,
) -> Estimate:
    """What one inference of `steps` time steps costs.

    A spike, or a number, reads every crosspoint that it meets, but a partial sum needs none to be
    added; a neuron is updated in every time step; the tiles leak for the guaranteed period.

    Args:
        numbers: [n], neurons that send a number in every time step.
        source: where the numbers of spikes come from, in words.
    """
    energies = machine.energies
    connections = clustering.network.connections
    computed = clustering.cluster_of >= 0
    packets = packets_of(clustering, numbers, steps)
    tiles = len(machine.working_tiles)
    weighted = connections.inputs[~clustering.network.is_partial[connections.inputs]]
    away = [each for each in channels if each.hops]
    counts = (
        ("crosspoints read", packets[weighted].sum(), energies.crosspoint),
        ("neurons updated", computed.sum() * steps, energies.update),
        ("spikes fired", packets[computed & ~numbers].sum(), energies.spike),
        ("packets to other tiles", sum(each.packets for each in away), energies.packet),
        ("hops of packets", sum(each.packets * each.hops for each in away), energies.hop),
        ("tile cycles of leakage", ceil(period * steps) * tiles, energies.leakage),
    )
    parts = tuple(EnergyPart(name, int(count), price.value) for name, count, price in counts)
    programming = EnergyPart("crosspoints written", len(weighted), energies.program.value)
    return Estimate(steps, source, parts, programming)
