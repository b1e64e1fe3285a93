"""The graph that tiles and connections make of a bound dataflow graph.

As Stuijk (2007, "Predictable mapping of streaming applications on multiprocessors") and the tools
that follow him build it:

- an actor does not overlap with itself, and takes longer where its tile has a slice of a wheel;
- a channel inside a tile gets a reverse channel for its buffer;
- a channel between tiles becomes `source -> connection -> target`: the connection carries one
  token at a time, in `delay + ceil(size / bandwidth)` cycles, the connections of a tile sharing
  its bandwidth equally; one reverse channel is the output buffer, one the input buffer;
- what comes to a tile from outside (tokens, room) may find its slice just over, and waits at most
  the rest of the wheel: an actor of its own;
- a tile fires in a static order, round and round.

A slice of the wheel is a server with that latency and the rate slice / wheel, and the order keeps
it busy, so that inside a tile nothing waits again (Wiggers, Bekooij & Smit 2007). Where all actors
share one tile this is exact: work x wheel / slice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph
from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.passes.binding.buffers import UNLIMITED, Room

Integers = NDArray[np.int64]

ALONE, TOKENS, BUFFER, SEND, ARRIVE, OUTPUT_ROOM, INPUT_ROOM, ROOM_WAIT, ORDER = range(9)
_CHANNEL_NAMES = (
    *("{} alone", "{}", "{} room", "{} sent", "{} arrives", "{} output room", "{} input room"),
    *("{} room waits", "{} next"),
)
ACTOR, CONNECTION, WAIT, ROOM_WAITS = range(4)
_ACTOR_NAMES = ("{}", "{} connection", "{} waits", "{} room waits")


class Unconnected(Exception):
    """A channel joins two tiles between which there is no connection."""

    def __init__(self, channel: str, source: str, target: str):
        super().__init__(f"channel {channel} joins {source} and {target}, which nothing connects")


@dataclass(frozen=True)
class HardwareGraph:
    """Columns of a hardware-aware graph; names are made when they are asked for.

    Attributes:
        time: of every actor, in `1 / ticks` cycles.
        actor: kind, and the number of the application's actor or channel it stems from.
        channel: source, target, production, consumption, tokens, kind, and a number as above.
    """

    application: Graph
    ticks: int
    time: Integers
    actor: Integers
    channel: Integers

    def graph(self) -> Graph:
        """The same with names; times in `1 / ticks` cycles."""
        actors = tuple(
            Actor(self.actor_name(number), time) for number, time in enumerate(self.time.tolist())
        )
        channels = tuple(
            Channel(self.channel_name(number), *self.channel[:5, number].tolist())
            for number in range(self.channel.shape[1])
        )
        return Graph(actors, channels, self.application.name)

    def actor_name(self, number: int) -> str:
        """The name of an actor."""
        kind, origin = (int(each) for each in self.actor[:, number])
        return _ACTOR_NAMES[kind].format(self._origin(kind == ACTOR, origin))

    def channel_name(self, number: int) -> str:
        """The name of a channel."""
        kind, origin = (int(each) for each in self.channel[5:, number])
        if kind == ALONE:
            return _CHANNEL_NAMES[kind].format(self.actor_name(origin))
        return _CHANNEL_NAMES[kind].format(self._origin(kind == ORDER, origin))

    def _origin(self, of_actor: bool, number: int) -> str:
        if of_actor:
            return self.application.actors[number].name
        return self.application.channels[number].name


def hardware_graph(
    graph: Graph,
    binding: Sequence[int],
    platform: Platform,
    room: Sequence[Room] = (),
    sizes: Sequence[int] = (),
) -> HardwareGraph:
    """The hardware-aware graph without the static orders.

    Args:
        binding: the tile of every actor.
        room: of every channel, unlimited where left out.
        sizes: of one token of every channel, 1 where left out.

    Raises:
        Unconnected: a channel joins tiles without a connection.
        ValueError: a buffer is smaller than the tokens in it.
    """
    ticks = math.lcm(*(tile.slice // math.gcd(tile.slice, tile.wheel) for tile in platform.tiles))
    columns = _Columns(graph, binding, platform, room or [UNLIMITED] * len(graph.channels), ticks)
    columns.add_actors()
    columns.add_local()
    columns.add_connections(sizes or [1] * len(graph.channels))
    time, actor, channel = columns.stacked()
    return HardwareGraph(graph, ticks, time, actor, channel)


@dataclass(frozen=True)
class Transfer:
    """One token of a channel on its way between two tiles.

    Attributes:
        channel: its number.
        delay, bits: cycles of the connection, and for the token on its share of all bandwidths.
    """

    channel: int
    delay: int
    bits: int

    @property
    def cycles(self) -> int:
        """Cycles for which the connection is busy with a token."""
        return self.delay + self.bits


def transfers(
    graph: Graph, binding: Sequence[int], platform: Platform, sizes: Sequence[int]
) -> list[Transfer]:
    """The times of all channels between tiles, in the order of their numbers.

    Raises:
        Unconnected: a channel joins tiles without a connection.
    """
    tiles = platform.tiles
    ends = [(binding[channel.source], binding[channel.target]) for channel in graph.channels]
    leaving, entering = [0] * len(tiles), [0] * len(tiles)
    for out, into in ends:
        if out != into:
            leaving[out] += 1
            entering[into] += 1
    found: list[Transfer] = []
    for number, (out, into) in enumerate(ends):
        if out == into:
            continue
        delay = platform.delays[out][into]
        if delay is None:
            name = graph.channels[number].name
            raise Unconnected(name, tiles[out].name, tiles[into].name)
        shares = (
            (1, platform.bandwidth),
            (leaving[out], tiles[out].bandwidth_out),
            (entering[into], tiles[into].bandwidth_in),
        )
        bits = [-(-sizes[number] * sharing // width) for sharing, width in shares if width]
        found.append(Transfer(number, delay, max(bits, default=0)))
    return found


class _Columns:
    """Blocks of equal actors and channels."""

    def __init__(
        self,
        graph: Graph,
        binding: Sequence[int],
        platform: Platform,
        room: Sequence[Room],
        ticks: int,
    ):
        self._graph, self._platform, self._room, self._ticks = graph, platform, room, ticks
        self._tile = np.array(binding, np.int64)
        rows = [(c.source, c.target, c.production, c.consumption, c.tokens) for c in graph.channels]
        self._rows = np.array(rows, np.int64).reshape(-1, 5).T
        source, target = self._tile[self._rows[0]], self._tile[self._rows[1]]
        self._local = np.flatnonzero(source == target)
        self._crossing = np.flatnonzero(source != target)
        self._wait = np.array([tile.wait for tile in platform.tiles], np.int64)
        self._times: list[Integers] = []
        self._actors: list[Integers] = []
        self._channels: list[Integers] = []
        self._count = 0

    def stacked(self) -> tuple[Integers, Integers, Integers]:
        """All blocks: times, actors, channels."""
        return (
            np.concatenate(self._times),
            np.concatenate(self._actors, axis=1),
            np.concatenate(self._channels, axis=1),
        )

    def add_actors(self) -> None:
        """The application's actors, each alone with itself."""
        tiles = self._platform.tiles
        share = np.array([self._ticks * t.wheel // t.slice for t in tiles], np.int64)
        rest = np.array([self._ticks * t.wheel % t.slice for t in tiles], np.int64)
        assert not rest.any()
        own = np.array([actor.time for actor in self._graph.actors], np.int64)
        numbers = self._new_actors(ACTOR, own * share[self._tile], np.arange(len(own)))
        self._add(ALONE, numbers, numbers, 1, 1, 1, numbers)

    def add_local(self) -> None:
        """Channels inside a tile, with their buffers."""
        origin = self._local
        source, target, production, consumption, tokens = self._rows[:, origin]
        self._add(TOKENS, source, target, production, consumption, tokens, origin)
        room = self._limits([self._room[number].local for number in origin.tolist()])
        bounded = np.flatnonzero((room >= 0) & (source != target))
        left = room[bounded] - tokens[bounded]
        self._check_room(left, origin[bounded])
        back = (target[bounded], source[bounded], consumption[bounded], production[bounded])
        self._add(BUFFER, *back, left, origin[bounded])

    def add_connections(self, sizes: Sequence[int]) -> None:
        """Channels between tiles: connection, buffers on both sides, waiting for the slice."""
        origin = self._crossing
        source, target, production, consumption, tokens = self._rows[:, origin]
        own = self._new_actors(CONNECTION, self._transfer_times(sizes), origin)
        self._add(ALONE, own, own, 1, 1, 1, own)
        self._add(SEND, source, own, production, 1, tokens, origin)
        entry = self._through_wait(WAIT, ARRIVE, own, self._tile[target], origin)
        self._add(TOKENS, entry, target, 1, consumption, 0, origin)
        room = [self._room[number] for number in origin.tolist()]
        limit = self._limits([each.target for each in room])
        kept = np.flatnonzero(limit >= 0)
        self._add(
            INPUT_ROOM, target[kept], own[kept], consumption[kept], 1, limit[kept], origin[kept]
        )
        limit = self._limits([each.source for each in room])
        kept = np.flatnonzero(limit >= 0)
        left = limit[kept] - tokens[kept]
        self._check_room(left, origin[kept])
        entry = self._through_wait(
            ROOM_WAITS, ROOM_WAIT, own[kept], self._tile[source[kept]], origin[kept]
        )
        self._add(OUTPUT_ROOM, entry, source[kept], 1, production[kept], left, origin[kept])

    def _transfer_times(self, sizes: Sequence[int]) -> Integers:
        found = transfers(self._graph, self._tile.tolist(), self._platform, sizes)
        return self._ticks * np.array([each.cycles for each in found], np.int64)

    def _through_wait(
        self, kind: int, leads: int, entry: Integers, tile: Integers, origin: Integers
    ) -> Integers:
        """The actors after which something is at `tile`: `entry` itself, or one that waits."""
        late = np.flatnonzero(self._wait[tile])
        waits = self._new_actors(kind, self._ticks * self._wait[tile[late]], origin[late])
        self._add(leads, entry[late], waits, 1, 1, 0, origin[late])
        after = entry.copy()
        after[late] = waits
        return after

    def _new_actors(self, kind: int, time: Integers, origin: Integers) -> Integers:
        numbers = np.arange(self._count, self._count + len(time))
        self._count += len(time)
        self._times.append(time)
        self._actors.append(np.stack([np.full(len(time), kind), origin]))
        return numbers

    def _add(
        self,
        kind: int,
        source: Integers,
        target: Integers,
        production: Integers | int,
        consumption: Integers | int,
        tokens: Integers | int,
        origin: Integers,
    ) -> None:
        block = np.empty((7, len(source)), np.int64)
        columns = (source, target, production, consumption, tokens, kind, origin)
        for row, column in enumerate(columns):
            block[row] = column
        self._channels.append(block)

    def _limits(self, capacities: Sequence[int | None]) -> Integers:
        return np.array([-1 if each is None else each for each in capacities], np.int64)

    def _check_room(self, left: Integers, origin: Integers) -> None:
        if len(left) and left.min() < 0:
            channel = self._graph.channels[int(origin[int(left.argmin())])]
            raise ValueError(
                f"channel {channel.name} holds {channel.tokens} tokens initially, "
                f"but its buffer has room for {channel.tokens + int(left.min())}"
            )
