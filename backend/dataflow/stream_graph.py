"""The dataflow graph of a stream that is executed again and again.

An actor is an executed instruction, its time the most cycles that it can take. A channel says
what it waits for, as the clock does; its initial tokens are the distance in iterations. Loops
have constant bounds, so that an iteration is as long as a pass over the stream, or as the passes
after which copies of buffers and the issue rate are in step again.

Where no service time depends on data, self-timed execution of the graph is the interpreter's
clock, to the cycle, in every pass. Otherwise no instruction of the interpreter finishes later:
the equations of the clock are monotone.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from math import gcd, lcm

import numpy as np

from spikeloom.backend.dataflow.executions import Execution, executions
from spikeloom.backend.dataflow.issue_slots import issue_slots
from spikeloom.backend.dataflow.service_bounds import data_dependent
from spikeloom.backend.dataflow.waits import Dependences, Reason, Wait
from spikeloom.backend.dependences import COPIES
from spikeloom.backend.machine import Machine
from spikeloom.backend.owner import Owner
from spikeloom.backend.program import Program, decode, spec_of
from spikeloom.backend.stream import Stream
from spikeloom.backend.validator import ValidatedStream
from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph, TooManyFirings

MAX_EXECUTIONS = 100_000
"""Executed instructions of an iteration, all of which are looked at one by one."""


@dataclass(frozen=True)
class StreamGraph:
    """A stream as a dataflow graph.

    Attributes:
        graph: one actor per executed instruction, in program order, and behind them the actors
            of the issue.
        owners: of the instructions' actors; the actors of the issue have none.
        passes: over the stream in one iteration of the graph.
        exact: whether no service time depends on data.
    """

    graph: Graph
    owners: tuple[Owner, ...]
    passes: int
    exact: bool


def stream_graph(
    validated: ValidatedStream,
    machine: Machine,
    name: str = "stream",
    limit: int = MAX_EXECUTIONS,
) -> StreamGraph:
    """The dataflow graph of a stream on a machine, with the worst service times.

    Raises:
        TooManyFirings: an iteration executes more than `limit` instructions.
    """
    _check_size(validated.dynamic_instructions, limit)
    stream = validated.stream
    decoded = decode(stream, machine, np.zeros(len(stream.buffers), np.int64))
    course = [replace(each, boxes=each.boxes.copy()) for each in executions(decoded)]
    rate = machine.clock.issue_rate.value
    dependences = Dependences(decoded)
    for execution in course:
        dependences.follow(execution)
    passes = lcm(_passes_of_copies(decoded, dependences), rate // gcd(rate, len(course)))
    _check_size(passes * len(course), limit)
    course = passes * course
    for execution in course[len(course) // passes :]:
        dependences.follow(execution)
    waits = [wait for execution in course for wait in dependences.follow(execution)]
    graph = Graph(*_actors_and_channels(stream, course, waits, rate), name)
    owners = tuple(_owner(stream, execution.record) for execution in course)
    exact = not data_dependent(decoded).any()
    return StreamGraph(graph, owners, passes, exact)


def _check_size(executed: int, limit: int) -> None:
    if executed > limit:
        raise TooManyFirings(executed, limit)


def _passes_of_copies(decoded: Program, dependences: Dependences) -> int:
    """Passes after which every buffer is back at its first copy, seen after one pass."""
    numbers: list[int] = decoded.segments.copies[:, COPIES].tolist()
    moved = zip(numbers, dependences.copies_in_use, strict=True)
    return lcm(*(copies // gcd(copies, turn) for copies, turn in moved))


def _actors_and_channels(
    stream: Stream, course: list[Execution], waits: list[Wait], rate: int
) -> tuple[tuple[Actor, ...], tuple[Channel, ...]]:
    count = len(course)
    names = _names(stream, course)
    actors = [Actor(name, execution.service) for name, execution in zip(names, course, strict=True)]
    # The waits are those of the second iteration: what finished in the first is a token away.
    edges = [
        (wait.finished % count, wait.waiting % count, int(wait.finished < count), wait.reason)
        for wait in waits
    ]
    inside = [(source, target) for source, target, tokens, _ in edges if not tokens]
    if count:
        slots = issue_slots([each.service for each in course], inside, rate)
        actors += [Actor(f"issue_{slot}", time) for slot, time in enumerate(slots.times)]
        last = len(slots.times) - 1
        for slot in range(len(slots.times)):
            before = count + (slot - 1 if slot else last)
            edges.append((before, count + slot, int(not slot), Reason.ISSUE))
        edges += [(count + slot, target, 0, Reason.ISSUE) for slot, target in slots.waits]
    channels = [
        Channel(f"{reason.value}_{number}", source, target, tokens=tokens)
        for number, (source, target, tokens, reason) in enumerate(edges)
    ]
    return tuple(actors), tuple(channels)


def _names(stream: Stream, course: list[Execution]) -> list[str]:
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


def _owner(stream: Stream, record: int) -> Owner:
    instruction = stream.instructions[record]
    location = stream.locations[int(instruction["location"])]
    return Owner(spec_of(int(instruction["opcode"])).engine, stream.layers[record], location)
