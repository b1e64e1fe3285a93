"""Which wire of which crossbar every neuron has: the map from the program to the chip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from spikeloom.dialects.snn.crossbars import CrossbarsOp
from spikeloom.dialects.snn.crossbars_types import NeuronsAttr
from spikeloom.mapping.mapping import MappedCrossbar, MappedLayer, Wires
from spikeloom.passes.clustering.network import NetworkConnections


def layers_in(crossbars: CrossbarsOp, network: NetworkConnections) -> tuple[MappedLayer, ...]:
    """All layers, those of partial sums and relays at the places of whom they work for."""
    places = {layer.name: layer.location for layer in network.layers}
    return tuple(
        MappedLayer(
            name := op.layer.data,
            op.units.value.data,
            op.kind.data,
            op.delay.value.data,
            places.get(name, places.get(name.partition(".partial")[0].partition(".relay")[0])),
        )
        for op in crossbars.layers
    )


def crossbars_on(crossbars: CrossbarsOp, tiles: Sequence[int]) -> tuple[MappedCrossbar, ...]:
    """Every cluster in a crossbar of its tile.

    Wires are in the order of layers and neurons; those of partial sums come behind all rows of
    spikes.
    """
    partial = {op.layer.data for op in crossbars.layers if op.kind.data == "partial"}
    slots: dict[int, int] = {}
    found: list[MappedCrossbar] = []
    for op, tile in zip(crossbars.clusters, tiles, strict=True):
        slot = slots.get(tile, 0)
        slots[tile] = slot + 1
        found.append(
            MappedCrossbar(
                op.number.value.data,
                tile,
                slot,
                _wires(sorted(op.reads, key=lambda each: each.layer.data in partial)),
                _wires(op.computes),
                op.synapses.value.data,
            )
        )
    return tuple(found)


def _wires(lists: Iterable[NeuronsAttr]) -> tuple[Wires, ...]:
    found: list[Wires] = []
    wire = 0
    for each in lists:
        units = each.units
        begins = np.concatenate([[0], np.flatnonzero(np.diff(units) != 1) + 1, [len(units)]])
        for begin, end in zip(begins[:-1].tolist(), begins[1:].tolist(), strict=True):
            found.append(Wires(each.layer.data, int(units[begin]), end - begin, wire))
            wire += end - begin
    return tuple(found)
