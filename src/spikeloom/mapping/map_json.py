"""A mapping as JSON: sorted keys, the same bytes every time; documented in docs/map.md."""

from __future__ import annotations

import json
from typing import Any

from spikeloom.mapping.demand import Demand
from spikeloom.mapping.mapping import (
    EnergyPart,
    MappedCrossbar,
    MappedTile,
    Mapping,
    Wires,
)

VERSION = 1
"""Changes where a key changes its meaning or is taken away."""


def mapping_json(mapping: Mapping) -> str:
    """The whole mapping."""
    guarantee, machine = mapping.guarantee, mapping.machine
    answer: dict[str, Any] = {
        "version": VERSION,
        "program": mapping.program,
        "network": mapping.network,
        "machine": machine.name,
        "mesh": {"rows": machine.mesh.rows.value, "columns": machine.mesh.columns.value},
        "strategy": mapping.strategy,
        "cut": mapping.cut,
        "fits": True,
        "limits": [_limit(each) for each in mapping.demands],
        "layers": [
            {
                "layer": each.name,
                "neurons": each.neurons,
                "kind": each.kind,
                "delay": each.delay,
                "source": None if each.location is None else str(each.location),
            }
            for each in mapping.layers
        ],
        "crossbars": [_crossbar(each) for each in mapping.crossbars],
        "tiles": [_tile(each) for each in mapping.tiles],
        "channels": [
            {
                "name": each.name,
                "source": each.source,
                "target": each.target,
                "delay": each.delay,
                "bits": each.bits,
                "packets": each.packets,
                "hops": each.hops,
                "buffers": list(each.buffers),
            }
            for each in mapping.channels
        ],
        "links": [
            {"source": each.source, "target": each.target, "packets": each.packets}
            for each in mapping.links
        ],
        "guarantee": {
            "period": str(guarantee.period),
            "critical_cycle": list(guarantee.critical),
            "search_complete": guarantee.is_complete,
        },
        "estimate": _estimate(mapping),
        "measurement": _measurement(mapping),
        "not_executed": mapping.obstacle or None,
    }
    return json.dumps(answer, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _limit(demand: Demand) -> dict[str, Any]:
    return {
        "limit": demand.limit,
        "what": demand.what,
        "value": str(demand.value),
        "bound": str(demand.bound),
        "by": demand.where,
    }


def _crossbar(crossbar: MappedCrossbar) -> dict[str, Any]:
    return {
        "cluster": crossbar.cluster,
        "tile": crossbar.tile,
        "slot": crossbar.slot,
        "crosspoints": crossbar.crosspoints,
        "rows": [_wires(each) for each in crossbar.rows],
        "columns": [_wires(each) for each in crossbar.columns],
    }


def _wires(wires: Wires) -> dict[str, Any]:
    return {
        "layer": wires.layer,
        "first": wires.first,
        "count": wires.count,
        "wire": wires.wire,
    }


def _tile(tile: MappedTile) -> dict[str, Any]:
    return {
        "number": tile.number,
        "row": tile.row,
        "column": tile.column,
        "broken": tile.is_broken,
        "order": list(tile.clusters),
        "work": str(tile.work),
        "memory": tile.memory,
        "connections": tile.connections,
        "bits_in": tile.bits_in,
        "bits_out": tile.bits_out,
    }


def _estimate(mapping: Mapping) -> dict[str, Any]:
    estimate = mapping.estimate
    return {
        "steps": estimate.steps,
        "spikes_from": estimate.source,
        "packets": mapping.packets,
        "hops": mapping.hops,
        "energy_fj": estimate.energy_fj,
        "parts": [_part(each) for each in estimate.parts],
        "programming": _part(estimate.programming),
        "energy_table": mapping.machine.energy_table,
    }


def _measurement(mapping: Mapping) -> dict[str, Any] | None:
    measured = mapping.measurement
    if measured is None:
        return None
    return {
        "of": measured.subject,
        "steps": measured.steps,
        "period": None if measured.period is None else str(measured.period),
        "period_steps": measured.period_steps,
        "elapsed": measured.elapsed,
        "programmed": measured.programmed,
        "first_step": measured.first_step,
        "ignores_slices": mapping.ignores_slices,
        "energy_fj": measured.energy_fj,
        "parts": [_part(each) for each in measured.parts],
        "programming": _part(measured.programming),
        "tiles": [
            {
                "number": each.number,
                "active": each.active,
                "worked": each.worked,
                "passes": each.passes,
                "spikes": each.spikes,
            }
            for each in measured.tiles
        ],
        "packets": list(measured.packets),
        "spikes": dict(measured.spikes),
    }


def _part(part: EnergyPart) -> dict[str, Any]:
    return {"what": part.name, "count": part.count, "energy_fj": part.energy_fj}
