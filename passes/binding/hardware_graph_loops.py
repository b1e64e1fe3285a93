"""The compiled loops that write down the graph of `hardware_graph`, block by block."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikeloom.passes.binding.buffers import (
    CONSUMPTION,
    INPUT,
    LOCAL,
    OUTPUT,
    PRODUCTION,
    SOURCE,
    TARGET,
    TOKENS,
)
from spikeloom.passes.compiled import Column, compiled

ALONE, MOVED, BUFFER, SEND, ARRIVE, OUTPUT_ROOM, INPUT_ROOM, ROOM_WAIT, ORDER = range(9)
"""Kinds of channels."""

ACTOR, CONNECTION, WAIT, ROOM_WAITS = range(4)
"""Kinds of actors."""

WORK_PACE, LATENESS = range(2)
"""Rows of `Platform.pace`."""


class Bound(NamedTuple):
    """A graph on tiles.

    Attributes:
        channels: a `channel_table`.
        times: cycles of every actor.
        tile: of every actor.
        busy: ticks for which every channel's connection is busy with a token.
        pace: of the platform.
    """

    channels: Column
    times: Column
    tile: Column
    busy: Column
    pace: Column


class Written(NamedTuple):
    """What is written so far: columns as `HardwareGraph` has them, and how many of each."""

    time: Column
    actor: Column
    channel: Column
    count: Column


@compiled
def too_small(bound: Bound) -> int:
    """A channel with more initial tokens than its buffer has room for; -1: there is none."""
    channels, tile = bound.channels, bound.tile
    for number in range(channels.shape[1]):
        source, target = channels[SOURCE, number], channels[TARGET, number]
        room = channels[LOCAL if tile[source] == tile[target] else OUTPUT, number]
        if source != target and 0 <= room < channels[TOKENS, number]:
            return number
    return -1


@compiled
def written(bound: Bound) -> tuple[Column, Column, Column]:
    """Times, actors and channels; buffers must be large enough."""
    channels, tile = bound.channels, bound.tile
    source, target = tile[channels[SOURCE]], tile[channels[TARGET]]
    crossing = np.flatnonzero(source != target)
    own, most = len(bound.times), channels.shape[1]
    into = Written(
        np.empty(own + 3 * len(crossing), np.int64),
        np.empty((2, own + 3 * len(crossing)), np.int64),
        np.empty((7, own + 2 * most + 5 * len(crossing)), np.int64),
        np.zeros(2, np.int64),
    )
    for actor in range(own):
        _new_actor(into, bound.times[actor] * bound.pace[WORK_PACE, tile[actor]], ACTOR, actor)
    for actor in range(own):
        _join(into, ALONE, actor, actor, 1, 1, 1, actor)
    _write_local(into, bound, np.flatnonzero(source == target))
    connection = _write_forward(into, bound, crossing)
    _write_room(into, bound, crossing, connection)
    actors, edges = into.count
    return into.time[:actors], into.actor[:, :actors], into.channel[:, :edges].copy()


@compiled
def _new_actor(into: Written, time: int, kind: int, origin: int) -> int:
    number = into.count[0]
    into.time[number], into.actor[0, number], into.actor[1, number] = time, kind, origin
    into.count[0] += 1
    return number


@compiled
def _join(
    into: Written,
    kind: int,
    source: int,
    target: int,
    production: int,
    consumption: int,
    tokens: int,
    origin: int,
) -> None:
    number = into.count[1]
    column = (source, target, production, consumption, tokens, kind, origin)
    for row in range(7):
        into.channel[row, number] = column[row]
    into.count[1] += 1


@compiled
def _write_local(into: Written, bound: Bound, local: Column) -> None:
    """Channels inside a tile, then their buffers."""
    for number in local:
        source, target, made, taken, tokens = bound.channels[:5, number]
        _join(into, MOVED, source, target, made, taken, tokens, number)
    for number in local:
        source, target, made, taken, tokens = bound.channels[:5, number]
        room = bound.channels[LOCAL, number]
        if room >= 0 and source != target:
            _join(into, BUFFER, target, source, taken, made, room - tokens, number)


@compiled
def _write_forward(into: Written, bound: Bound, crossing: Column) -> Column:
    """Connections, and what goes through them; the number of every connection."""
    channels, late = bound.channels, bound.pace[LATENESS]
    connection: Column = np.empty(len(crossing), np.int64)
    for place, number in enumerate(crossing):
        connection[place] = _new_actor(into, bound.busy[number], CONNECTION, number)
    for own in connection:
        _join(into, ALONE, own, own, 1, 1, 1, own)
    for place, number in enumerate(crossing):
        own = connection[place]
        source, tokens = channels[SOURCE, number], channels[TOKENS, number]
        _join(into, SEND, source, own, channels[PRODUCTION, number], 1, tokens, number)
    entry = connection.copy()
    for place, number in enumerate(crossing):
        wait = late[bound.tile[channels[TARGET, number]]]
        if wait:
            entry[place] = _new_actor(into, wait, WAIT, number)
            _join(into, ARRIVE, connection[place], entry[place], 1, 1, 0, number)
    for place, number in enumerate(crossing):
        target = channels[TARGET, number]
        _join(into, MOVED, entry[place], target, 1, channels[CONSUMPTION, number], 0, number)
    return connection


@compiled
def _write_room(into: Written, bound: Bound, crossing: Column, connection: Column) -> None:
    """The buffers on both sides of connections, where they are limited."""
    channels, late = bound.channels, bound.pace[LATENESS]
    for place, number in enumerate(crossing):
        room, target = channels[INPUT, number], channels[TARGET, number]
        taken = channels[CONSUMPTION, number]
        if room >= 0:
            _join(into, INPUT_ROOM, target, connection[place], taken, 1, room, number)
    entry = connection.copy()
    for place, number in enumerate(crossing):
        wait = late[bound.tile[channels[SOURCE, number]]]
        if wait and channels[OUTPUT, number] >= 0:
            entry[place] = _new_actor(into, wait, ROOM_WAITS, number)
            _join(into, ROOM_WAIT, connection[place], entry[place], 1, 1, 0, number)
    for place, number in enumerate(crossing):
        room, source = channels[OUTPUT, number], channels[SOURCE, number]
        made = channels[PRODUCTION, number]
        if room >= 0:
            left = room - channels[TOKENS, number]
            _join(into, OUTPUT_ROOM, entry[place], source, 1, made, left, number)
