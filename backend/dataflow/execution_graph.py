"""Executed instructions and what they wait for, written as actors and channels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from spikeloom.backend.accounts.owner import Owner
from spikeloom.backend.dataflow.executions import Execution
from spikeloom.backend.dataflow.issue_slots import issue_slots
from spikeloom.backend.dataflow.waits import Reason
from spikeloom.backend.execution.program import spec_of
from spikeloom.backend.stream.stream import Stream
from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph


@dataclass(frozen=True)
class Edge:
    """`target` waits for the `source` of so many iterations before."""

    source: int
    target: int
    tokens: int
    reason: Reason


def graph_of_executions(
    stream: Stream, course: Sequence[Execution], edges: Sequence[Edge], rate: int, name: str
) -> Graph:
    """The graph of an iteration that consists of `course`.

    Args:
        edges: between numbers of `course`.
        rate: instructions issued per cycle; it divides their number.
    """
    count = len(course)
    names = _names(stream, course)
    actors = [Actor(name, execution.service) for name, execution in zip(names, course, strict=True)]
    every = list(edges)
    if count:
        inside = [(edge.source, edge.target) for edge in edges if not edge.tokens]
        slots = issue_slots([each.service for each in course], inside, rate)
        actors += [Actor(f"issue_{slot}", time) for slot, time in enumerate(slots.times)]
        last = len(slots.times) - 1
        for slot in range(len(slots.times)):
            before = count + (slot - 1 if slot else last)
            every.append(Edge(before, count + slot, int(not slot), Reason.ISSUE))
        every += [Edge(count + slot, target, 0, Reason.ISSUE) for slot, target in slots.waits]
    channels = [
        Channel(f"{edge.reason.value}_{number}", edge.source, edge.target, tokens=edge.tokens)
        for number, edge in enumerate(every)
    ]
    return Graph(tuple(actors), tuple(channels), name)


def _names(stream: Stream, course: Sequence[Execution]) -> list[str]:
    """`hidden_fire_12`: layer, instruction, record; and which of its executions, if several."""
    executed = Counter(execution.record for execution in course)
    turns: Counter[int] = Counter()
    names: list[str] = []
    for execution in course:
        record = execution.record
        layer = re.sub(r"\W", "_", stream.layers[record])
        spec = spec_of(int(stream.instructions["opcode"][record]))
        parts = [layer] * bool(layer) + [spec.name, str(record)]
        parts += [str(turns[record])] * (executed[record] > 1)
        turns[record] += 1
        names.append("_".join(parts))
    return names


def owner_of(stream: Stream, record: int) -> Owner:
    """Whose work a record of the stream is."""
    instruction = stream.instructions[record]
    location = stream.locations[int(instruction["location"])]
    return Owner(spec_of(int(instruction["opcode"])).engine, stream.layers[record], location)
