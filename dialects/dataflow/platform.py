"""Tiles with processors, buffers and a share of their time, and the connections between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tile:
    """One processor (a crossbar) with its buffers and its network interface.

    Attributes:
        wheel, slice: of every `wheel` cycles, `slice` consecutive ones are ours (TDMA).
        memory: for buffers and states, in the unit of token sizes; None is unlimited.
        connections: channels to and from other tiles; None is unlimited.
        bandwidth_in, bandwidth_out: token sizes per cycle; None is unlimited.
        actors: how many may be bound to it; None is unlimited.

    Raises:
        ValueError: the slice does not lie in the wheel, or a limit is negative.
    """

    name: str
    wheel: int = 1
    slice: int = 1
    memory: int | None = None
    connections: int | None = None
    bandwidth_in: int | None = None
    bandwidth_out: int | None = None
    actors: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.slice <= self.wheel:
            raise ValueError(
                f"tile {self.name}: the slice {self.slice} is no part of the wheel {self.wheel}"
            )
        for limit in (self.memory, self.connections, self.actors):
            if limit is not None and limit < 0:
                raise ValueError(f"tile {self.name} has the negative limit {limit}")
        for bandwidth in (self.bandwidth_in, self.bandwidth_out):
            if bandwidth is not None and bandwidth < 1:
                raise ValueError(f"tile {self.name} has the bandwidth {bandwidth}")

    @property
    def wait(self) -> int:
        """The longest time until the slice begins, in cycles."""
        return self.wheel - self.slice


@dataclass(frozen=True)
class Platform:
    """Tiles, and how long one token is under way between them.

    Attributes:
        delays: [source][target] cycles of the connection; None where there is none. The diagonal
            is not used.
        bandwidth: token sizes that one connection moves per cycle; None is unlimited.

    Raises:
        ValueError: two tiles have the same name, the delays are no square, or a bandwidth is
            below 1.
    """

    tiles: tuple[Tile, ...]
    delays: tuple[tuple[int | None, ...], ...]
    bandwidth: int | None = None
    name: str = "platform"

    def __post_init__(self) -> None:
        if len({tile.name for tile in self.tiles}) < len(self.tiles):
            raise ValueError("two tiles have the same name")
        if any(len(row) != len(self.tiles) for row in (self.delays, *self.delays)):
            raise ValueError("there is not one delay from every tile to every tile")
        if self.bandwidth is not None and self.bandwidth < 1:
            raise ValueError(f"a connection has the bandwidth {self.bandwidth}")

    @cached_property
    def distances(self) -> NDArray[np.float64]:
        """`delays` as numbers, infinite where there is no connection, 0 on the diagonal."""
        rows = [[np.inf if delay is None else delay for delay in row] for row in self.delays]
        found = np.array(rows, np.float64).reshape(len(rows), len(rows))
        np.fill_diagonal(found, 0)
        found.flags.writeable = False
        return found

    @cached_property
    def apart(self) -> NDArray[np.float64]:
        """Cycles from one tile to the other and back; what is not connected is farther than all."""
        found = self.distances + self.distances.T
        connected = np.isfinite(found)
        found[~connected] = 1 + float(found[connected].max(initial=0)) * len(self.tiles)
        found.flags.writeable = False
        return found

    @cached_property
    def limits(self) -> NDArray[np.float64]:
        """Rows memory, connections, bandwidth in and out, actors; infinite where there is none."""
        rows = [
            (tile.memory, tile.connections, tile.bandwidth_in, tile.bandwidth_out, tile.actors)
            for tile in self.tiles
        ]
        values = [[np.inf if value is None else value for value in row] for row in rows]
        found = np.array(values, np.float64).reshape(len(rows), 5).T.copy()
        found.flags.writeable = False
        return found

    @cached_property
    def slowness(self) -> NDArray[np.float64]:
        """Wheel / slice of every tile."""
        found = np.array([tile.wheel / tile.slice for tile in self.tiles], np.float64)
        found.flags.writeable = False
        return found

    @cached_property
    def distances_to(self) -> NDArray[np.float64]:
        """`distances` by target: rows are tiles that something goes to, columns where from."""
        found = self.distances.T.copy()
        found.flags.writeable = False
        return found

    @cached_property
    def is_connected(self) -> bool:
        """Whether there is a connection from every tile to every other."""
        return bool(np.isfinite(self.distances).all())

    @cached_property
    def cycles(self) -> NDArray[np.int64]:
        """`delays` as integers, -1 where there is no connection, 0 on the diagonal."""
        found = np.where(np.isfinite(self.distances), self.distances, -1).astype(np.int64)
        found.flags.writeable = False
        return found

    @cached_property
    def shares(self) -> tuple[tuple[int, int], ...]:
        """Slice and wheel of every tile."""
        return tuple((tile.slice, tile.wheel) for tile in self.tiles)

    @cached_property
    def ticks(self) -> int:
        """Parts of a cycle of which a cycle of work takes a whole number on every tile."""
        shares = set(self.shares)
        return math.lcm(*(slice // math.gcd(slice, wheel) for slice, wheel in shares))

    @cached_property
    def pace(self) -> NDArray[np.int64]:
        """Rows over tiles: `ticks` that a cycle of work takes, `ticks` until the slice begins."""
        ticks = self.ticks
        rows = [(ticks * wheel // slice, ticks * (wheel - slice)) for slice, wheel in self.shares]
        found = np.array(rows, np.int64).reshape(-1, 2).T.copy()
        found.flags.writeable = False
        return found

    @cached_property
    def interfaces(self) -> NDArray[np.int64]:
        """Rows over tiles: bandwidth out and in, -1 where it is unlimited."""
        rows = [(tile.bandwidth_out, tile.bandwidth_in) for tile in self.tiles]
        values = [[-1 if value is None else value for value in row] for row in rows]
        found = np.array(values, np.int64).reshape(-1, 2).T.copy()
        found.flags.writeable = False
        return found

    @cached_property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """Of every tile those to which and from which no other connection is faster."""
        slower = np.maximum(self.distances, self.distances.T)
        np.fill_diagonal(slower, np.inf)
        near = (slower == slower.min(initial=np.inf)) & np.isfinite(slower)
        return tuple(tuple(np.flatnonzero(row).tolist()) for row in near)

    @cached_property
    def adjacency(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`neighbours` one tile after the other, and where those of every tile begin and end."""
        lengths = [len(each) for each in self.neighbours]
        others = np.array([other for each in self.neighbours for other in each], np.int64)
        return others, np.cumsum([0, *lengths], dtype=np.int64)

    def with_slices(self, slices: Sequence[int]) -> Platform:
        """The platform with another slice of every tile's wheel.

        Raises:
            ValueError: a slice is no part of its wheel.
        """
        tiles = [replace(tile, slice=each) for tile, each in zip(self.tiles, slices, strict=True)]
        return replace(self, tiles=tuple(tiles))


def mesh(
    rows: int, columns: int, tile: Tile, cycles_per_hop: int = 1, bandwidth: int | None = None
) -> Platform:
    """A mesh of equal tiles, numbered by rows; a connection takes the shortest way."""
    places = [(row, column) for row in range(rows) for column in range(columns)]
    tiles = tuple(replace(tile, name=f"{tile.name}_{number}") for number in range(len(places)))
    delays = tuple(
        tuple(cycles_per_hop * (abs(row - r) + abs(column - c)) for r, c in places)
        for row, column in places
    )
    return Platform(tiles, delays, bandwidth, f"mesh {rows} x {columns}")
