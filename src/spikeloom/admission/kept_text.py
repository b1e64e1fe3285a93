"""Chips and applications as text, from which they come back exactly as they were."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import astuple, fields
from operator import attrgetter
from typing import Any

from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph
from spikeloom.dialects.dataflow.platform import Platform, Tile
from spikeloom.passes.admission.chip import ChipState
from spikeloom.passes.binding.application import Application, ordered_application
from spikeloom.passes.binding.buffers import Room

_ACTOR_FIELDS, _CHANNEL_FIELDS, _ROOM_FIELDS = (
    attrgetter(*(field.name for field in fields(kind))) for kind in (Actor, Channel, Room)
)


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
    read: dict[str, Any] = json.loads(text)
    tiles = tuple(Tile(*each) for each in read["tiles"])
    delays = tuple(tuple(row) for row in read["delays"])
    platform = Platform(tiles, delays, read["bandwidth"], read["name"])
    return ChipState(platform, frozenset(read["broken"]))


def application_text(application: Application) -> str:
    """An application with its order and its buffers."""
    graph = application.graph
    return json.dumps(
        {
            "name": graph.name,
            "actors": _rows(graph.actors, _ACTOR_FIELDS),
            "channels": _rows(graph.channels, _CHANNEL_FIELDS),
            "order": application.order,
            "room": _rows(application.room, _ROOM_FIELDS),
            "sizes": application.sizes,
            "states": application.states,
        }
    )


def _rows(records: Iterable[object], values: Callable[[object], Any]) -> list[Any]:
    """The fields of records; `astuple` would copy every one of them deeply, for milliseconds."""
    return [values(record) for record in records]


def application_of(text: str) -> Application:
    """The application in a text.

    Raises:
        ValueError, KeyError, TypeError: there is none in it.
        InconsistentRates, Deadlock, TooManyFirings: its graph cannot complete an iteration.
    """
    read: dict[str, Any] = json.loads(text)
    graph = Graph(
        tuple(Actor(*each) for each in read["actors"]),
        tuple(Channel(*each) for each in read["channels"]),
        read["name"],
    )
    return ordered_application(
        graph,
        tuple(read["order"]),
        tuple(Room(*each) for each in read["room"]),
        tuple(read["sizes"]),
        tuple(read["states"]),
    )
