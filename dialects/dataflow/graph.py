"""A synchronous dataflow graph as plain data: actors, channels, rates, initial tokens.

An actor fires when every input channel holds as many tokens as its consumption rate; it takes
them at its start and puts its production on every output channel at its end (Lee & Messerschmitt
1987). Nothing else bounds it: an actor may overlap with itself unless a self-loop forbids it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Actor:
    """Something that fires: its name and the time of one firing, in cycles."""

    name: str
    time: int


@dataclass(frozen=True)
class Channel:
    """A queue of tokens from one actor to another, given by their numbers in the graph.

    Attributes:
        production, consumption: tokens per firing of the source and of the target, at least 1.
        tokens: how many lie in the channel initially.
    """

    name: str
    source: int
    target: int
    production: int = 1
    consumption: int = 1
    tokens: int = 0


@dataclass(frozen=True)
class Graph:
    """Actors and the channels between them.

    Raises:
        ValueError: a channel names no actor, a rate is below 1, tokens or a time are negative.
    """

    actors: tuple[Actor, ...]
    channels: tuple[Channel, ...]
    name: str = "graph"

    def __post_init__(self) -> None:
        for actor in self.actors:
            if actor.time < 0:
                raise ValueError(f"actor {actor.name} has the negative time {actor.time}")
        for channel in self.channels:
            for end in (channel.source, channel.target):
                if not 0 <= end < len(self.actors):
                    raise ValueError(
                        f"channel {channel.name} names actor {end}, which is not there"
                    )
            if channel.production < 1 or channel.consumption < 1:
                raise ValueError(f"channel {channel.name} has a rate below 1")
            if channel.tokens < 0:
                raise ValueError(f"channel {channel.name} has {channel.tokens} initial tokens")

    @cached_property
    def columns(self) -> NDArray[np.int64]:
        """Rows source, target, production, consumption and tokens over all channels."""
        rows = [(c.source, c.target, c.production, c.consumption, c.tokens) for c in self.channels]
        found = np.array(rows, np.int64).reshape(-1, 5).T
        found.flags.writeable = False
        return found

    @cached_property
    def times(self) -> NDArray[np.int64]:
        """The time of every actor."""
        found = np.array([actor.time for actor in self.actors], np.int64)
        found.flags.writeable = False
        return found

    @cached_property
    def is_single_rate(self) -> bool:
        """Whether every channel is filled as fast as it is emptied: all actors fire once."""
        return all(channel.production == channel.consumption for channel in self.channels)

    def with_capacities(self, capacities: Sequence[int | None]) -> Graph:
        """The graph with a bounded buffer for each channel that has a capacity, in tokens.

        Room is taken when the source starts and given back when the target ends, which a reverse
        channel with `capacity - tokens` initial tokens says exactly.

        Raises:
            ValueError: a capacity is smaller than the initial tokens of its channel.
        """
        reverse: list[Channel] = []
        for channel, capacity in zip(self.channels, capacities, strict=True):
            if capacity is None:
                continue
            if capacity < channel.tokens:
                raise ValueError(
                    f"channel {channel.name} holds {channel.tokens} tokens initially, "
                    f"but has room for {capacity}"
                )
            reverse.append(
                Channel(
                    f"{channel.name} room",
                    channel.target,
                    channel.source,
                    channel.consumption,
                    channel.production,
                    capacity - channel.tokens,
                )
            )
        return Graph(self.actors, (*self.channels, *reverse), self.name)

    def part(self, actors: Sequence[int]) -> Graph:
        """Some of the actors, in the given order, and the channels between them."""
        numbers = {actor: number for number, actor in enumerate(actors)}
        channels = tuple(
            Channel(
                c.name, numbers[c.source], numbers[c.target], c.production, c.consumption, c.tokens
            )
            for c in self.channels
            if c.source in numbers and c.target in numbers
        )
        return Graph(tuple(self.actors[actor] for actor in actors), channels, self.name)

    def without_self_overlap(self) -> Graph:
        """The graph with a self-loop of one token for every actor that has no self-loop."""
        looped = {channel.source for channel in self.channels if channel.source == channel.target}
        loops = [
            Channel(f"{actor.name} alone", number, number, tokens=1)
            for number, actor in enumerate(self.actors)
            if number not in looped
        ]
        return Graph(self.actors, (*self.channels, *loops), self.name)


@dataclass(frozen=True)
class Step:
    """One channel of a cycle, as a message names it."""

    source: str
    channel: str
    target: str


class InconsistentRates(Exception):
    """Rates around a cycle of channels contradict each other: no firing counts balance them."""

    def __init__(self, cycle: Sequence[Step]):
        super().__init__("no numbers of firings balance the rates of " + path_text(cycle))
        self.cycle = tuple(cycle)


class Deadlock(Exception):
    """A cycle of actors waits for itself: too few initial tokens."""

    def __init__(self, cycle: Sequence[Step]):
        super().__init__("too few initial tokens on the cycle " + path_text(cycle))
        self.cycle = tuple(cycle)


class TooManyFirings(Exception):
    """One iteration has more firings, or precedences of firings, than are looked at one by one."""

    def __init__(self, number: int, limit: int, what: str = "firings"):
        super().__init__(f"one iteration has {number} {what}, more than the {limit} supported")


def path_text(cycle: Sequence[Step], shown: int = 12) -> str:
    """`a -> b -> c`, cut in the middle where it is long."""
    names = [step.source for step in cycle] + [cycle[-1].target] if cycle else []
    if len(names) > shown:
        left = f"... {len(names) - shown} more ..."
        names = [*names[: shown // 2], left, *names[-(shown - shown // 2) :]]
    return " -> ".join(names)


@dataclass(frozen=True)
class Repetition:
    """How often every actor fires in one iteration: no common factor in a connected part."""

    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Firings of all actors in one iteration."""
        return sum(self.counts)
