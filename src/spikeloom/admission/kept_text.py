"""Chips and applications as text, from which they come back exactly as they were."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph
from spikeloom.dialects.dataflow.platform import Platform, Tile
from spikeloom.passes.admission.chip import ChipState
from spikeloom.passes.binding.application import Application, ordered_application
from spikeloom.passes.binding.buffers import Room


def chip_text(state: ChipState) -> str:
    """The chip without its programs."""
    platform = state.platform
    return json.dumps(
        {
            "name": platform.name,
            "bandwidth": platform.bandwidth,
            "tiles": [astuple(tile) for tile in platform.tiles],
            "delays": platform.delays,
            "broken": sorted(state.broken),
        }
    )


def chip_of(text: str) -> ChipState:
    """The chip in a text, nothing running.

    Raises:
        ValueError, KeyError, TypeError: there is none in it.
    """
    fields: dict[str, Any] = json.loads(text)
    tiles = tuple(Tile(*each) for each in fields["tiles"])
    delays = tuple(tuple(row) for row in fields["delays"])
    platform = Platform(tiles, delays, fields["bandwidth"], fields["name"])
    return ChipState(platform, frozenset(fields["broken"]))


def application_text(application: Application) -> str:
    """An application with its order and its buffers."""
    graph = application.graph
    return json.dumps(
        {
            "name": graph.name,
            "actors": [astuple(actor) for actor in graph.actors],
            "channels": [astuple(channel) for channel in graph.channels],
            "order": application.order,
            "room": [astuple(room) for room in application.room],
            "sizes": application.sizes,
            "states": application.states,
        }
    )


def application_of(text: str) -> Application:
    """The application in a text.

    Raises:
        ValueError, KeyError, TypeError: there is none in it.
        InconsistentRates, Deadlock, TooManyFirings: its graph cannot complete an iteration.
    """
    fields: dict[str, Any] = json.loads(text)
    graph = Graph(
        tuple(Actor(*each) for each in fields["actors"]),
        tuple(Channel(*each) for each in fields["channels"]),
        fields["name"],
    )
    return ordered_application(
        graph,
        tuple(fields["order"]),
        tuple(Room(*each) for each in fields["room"]),
        tuple(fields["sizes"]),
        tuple(fields["states"]),
    )
