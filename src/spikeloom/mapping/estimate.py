"""Energy of one inference from numbers of spikes, before anything is executed."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import numpy as np

from spikeloom.backend.crossbar_machine import CrossbarMachine
from spikeloom.mapping.mapping import EnergyPart, Estimate, MappedChannel
from spikeloom.passes.clustering.clustering import Clustering


def energy_estimate(
    clustering: Clustering,
    channels: Sequence[MappedChannel],
    machine: CrossbarMachine,
    steps: int,
    period: Fraction,
    source: str,
) -> Estimate:
    """What one inference of `steps` time steps costs.

    A spike reads every crosspoint that it meets; a neuron is updated in every time step. Partial
    sums are sent as often as `Connections.spikes` says, which is at most once for each spike below.

    Args:
        source: where the numbers of spikes come from, in words.
    """
    energies = machine.energies
    connections = clustering.network.connections
    computed = clustering.cluster_of >= 0
    crosspoints = int(clustering.crosspoints.sum())
    tiles = len(machine.working_tiles)
    away = [each for each in channels if each.hops]
    counts = (
        ("crosspoints read", connections.spikes[connections.inputs].sum(), energies.crosspoint),
        ("neurons updated", int(computed.sum()) * steps, energies.update),
        ("spikes fired", connections.spikes[computed].sum(), energies.spike),
        ("spikes sent to other tiles", sum(each.spikes for each in away), energies.packet),
        ("hops of spikes", sum(each.spikes * each.hops for each in away), energies.hop),
        ("tile cycles of leakage", ceil(period * steps) * tiles, energies.leakage),
    )
    parts = tuple(EnergyPart(name, int(np.int64(n)), price.value) for name, n, price in counts)
    programming = EnergyPart("crosspoints written", crosspoints, energies.program.value)
    return Estimate(steps, source, parts, programming)
