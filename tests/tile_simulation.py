"""Tiles, wheels, buffers and connections event by event; shares no code with the analysis."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.dialects.dataflow.platform import Platform
from spikeloom.passes.binding.buffers import Room


class TileSimulation:
    """One run. Tiles follow their orders, connections move one token at a time."""

    def __init__(
        self,
        graph: Graph,
        binding: Sequence[int],
        platform: Platform,
        orders: Sequence[Sequence[int]],
        room: Sequence[Room],
        phases: Sequence[int],
    ):
        self.graph, self.binding, self.platform = graph, binding, platform
        self.orders, self.room, self.phases = orders, room, phases
        self.crosses = [binding[c.source] != binding[c.target] for c in graph.channels]
        self.output = [c.tokens for c in graph.channels]  # what lies, or is being written or read
        self.ready = [c.tokens for c in graph.channels]  # what can be taken from there
        self.input = [0] * len(graph.channels)
        self.input_ready = [0] * len(graph.channels)
        self.moving = [False] * len(graph.channels)
        self.position = [0] * len(platform.tiles)
        self.busy = [False] * len(platform.tiles)
        self.events: list[tuple[int, str, int]] = []
        self.fired = [0] * len(graph.actors)

    def run(self, iterations: int, counts: Sequence[int]) -> list[int]:
        """The cycles at which the iterations end, fewer where the run comes to a halt."""
        ends: list[int] = []
        self.goal = [iterations * count for count in counts]
        now = 0
        self.start_what_can(now)
        while self.events:
            now = self.events[0][0]
            while self.events and self.events[0][0] == now:
                _, kind, number = heapq.heappop(self.events)
                self.end_firing(number) if kind == "actor" else self.end_transfer(number)
            while len(ends) < iterations and all(
                fired >= (len(ends) + 1) * count
                for fired, count in zip(self.fired, counts, strict=True)
            ):
                ends.append(now)
            self.start_what_can(now)
        return ends

    def start_what_can(self, now: int) -> None:
        for tile in range(len(self.orders)):
            order = self.orders[tile]
            if order and not self.busy[tile]:
                actor = order[self.position[tile] % len(order)]
                begun = self.position[tile] // len(order)
                if begun * order.count(actor) < self.goal[actor] and self.enabled(actor):
                    self.begin_firing(tile, actor, now)
        for number, crosses in enumerate(self.crosses):
            limit = self.room[number].target
            free = limit is None or self.input[number] < limit
            if crosses and not self.moving[number] and self.ready[number] and free:
                self.moving[number] = True
                self.ready[number] -= 1
                self.input[number] += 1
                channel = self.graph.channels[number]
                tiles = self.binding[channel.source], self.binding[channel.target]
                delay = self.platform.delays[tiles[0]][tiles[1]]
                assert delay is not None
                extra = 0 if self.platform.bandwidth is None else -(-1 // self.platform.bandwidth)
                heapq.heappush(self.events, (now + delay + extra, "transfer", number))

    def enabled(self, actor: int) -> bool:
        for number, channel in enumerate(self.graph.channels):
            if channel.target == actor:
                here = self.input_ready if self.crosses[number] else self.ready
                if here[number] < channel.consumption:
                    return False
            if channel.source == actor and channel.target != actor:
                room = self.room[number]
                limit = room.source if self.crosses[number] else room.local
                if limit is not None and self.output[number] + channel.production > limit:
                    return False
        return True

    def begin_firing(self, tile: int, actor: int, now: int) -> None:
        self.busy[tile] = True
        for number, channel in enumerate(self.graph.channels):
            if channel.target == actor:
                here = self.input_ready if self.crosses[number] else self.ready
                here[number] -= channel.consumption
            if channel.source == actor:
                self.output[number] += channel.production
        heapq.heappush(self.events, (self.finish(tile, actor, now), "actor", actor))

    def finish(self, tile: int, actor: int, now: int) -> int:
        """Cycle by cycle: work goes on only inside the slice."""
        left = self.graph.actors[actor].time
        wheel, slice = self.platform.tiles[tile].wheel, self.platform.tiles[tile].slice
        while left:
            if (now + self.phases[tile]) % wheel < slice:
                left -= 1
            now += 1
        return now

    def end_firing(self, actor: int) -> None:
        self.busy[self.binding[actor]] = False
        self.position[self.binding[actor]] += 1
        self.fired[actor] += 1
        for number, channel in enumerate(self.graph.channels):
            if channel.target == actor:
                here = self.input if self.crosses[number] else self.output
                here[number] -= channel.consumption
            if channel.source == actor:
                self.ready[number] += channel.production

    def end_transfer(self, number: int) -> None:
        self.moving[number] = False
        self.output[number] -= 1
        self.input_ready[number] += 1
