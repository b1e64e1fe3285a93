"""The links of the mesh that packets take."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from spikeloom.backend.machine.crossbar_machine import CrossbarMachine
from spikeloom.mapping.mapping import MeshLink


def link_traffic(
    machine: CrossbarMachine, flows: Iterable[tuple[int, int, int]]
) -> tuple[MeshLink, ...]:
    """Packets on every link that is used, given flows of (source tile, target tile, packets)."""
    packets: dict[tuple[int, int], int] = {}
    for source, target, count in flows:
        for link in pairwise(machine.route(source, target)):
            packets[link] = packets.get(link, 0) + count
    return tuple(MeshLink(*ends, count) for ends, count in sorted(packets.items()))
