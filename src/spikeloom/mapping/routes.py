"""The links of the mesh that packets take: first along the row, then along the column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from spikeloom.backend.crossbar_machine import CrossbarMachine
from spikeloom.mapping.mapping import MeshLink


def route(machine: CrossbarMachine, source: int, target: int) -> Iterator[tuple[int, int]]:
    """Pairs of neighbouring tiles on the way; broken tiles still pass packets on."""
    columns = machine.mesh.columns.value
    row, column = machine.place(source)
    last_row, last_column = machine.place(target)
    here = source
    while here != target:
        if column != last_column:
            column += 1 if column < last_column else -1
        else:
            row += 1 if row < last_row else -1
        there = row * columns + column
        yield here, there
        here = there


def link_traffic(
    machine: CrossbarMachine, flows: Iterable[tuple[int, int, int]]
) -> tuple[MeshLink, ...]:
    """Spikes on every link that is used, given flows of (source tile, target tile, packets)."""
    packets: dict[tuple[int, int], int] = {}
    for source, target, count in flows:
        for link in route(machine, source, target):
            packets[link] = packets.get(link, 0) + count
    return tuple(MeshLink(*ends, count) for ends, count in sorted(packets.items()))
