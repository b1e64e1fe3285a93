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

from dataclasses import dataclass, replace
from math import gcd, lcm

import numpy as np

from spikeloom.backend.accounts.owner import Owner
from spikeloom.backend.dataflow.execution_graph import Edge, graph_of_executions, owner_of
from spikeloom.backend.dataflow.executions import executions
from spikeloom.backend.dataflow.service_bounds import data_dependent
from spikeloom.backend.dataflow.waits import Dependences
from spikeloom.backend.execution.dependences import COPIES
from spikeloom.backend.execution.program import Program, decode
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.validation.validator import ValidatedStream
from spikeloom.dialects.dataflow.graph import Graph, TooManyFirings

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
    check_size(validated.dynamic_instructions, limit)
    stream = validated.stream
    decoded = decode(stream, machine, np.zeros(len(stream.buffers), np.int64))
    course = [replace(each, boxes=each.boxes.copy()) for each in executions(decoded)]
    rate = machine.clock.issue_rate.value
    dependences = Dependences(decoded)
    for execution in course:
        dependences.follow(execution)
    passes = lcm(_passes_of_copies(decoded, dependences), rate // gcd(rate, len(course)))
    check_size(passes * len(course), limit)
    course = passes * course
    for execution in course[len(course) // passes :]:
        dependences.follow(execution)
    waits = [wait for execution in course for wait in dependences.follow(execution)]
    count = len(course)
    # The waits are those of the second iteration: what finished in the first is a token away.
    edges = [
        Edge(wait.finished % count, wait.waiting % count, int(wait.finished < count), wait.reason)
        for wait in waits
    ]
    graph = graph_of_executions(stream, course, edges, rate, name)
    owners = tuple(owner_of(stream, execution.record) for execution in course)
    exact = not data_dependent(decoded).any()
    return StreamGraph(graph, owners, passes, exact)


def check_size(executed: int, limit: int) -> None:
    """Raises TooManyFirings beyond the limit."""
    if executed > limit:
        raise TooManyFirings(executed, limit)


def _passes_of_copies(decoded: Program, dependences: Dependences) -> int:
    """Passes after which every buffer is back at its first copy, seen after one pass."""
    numbers: list[int] = decoded.segments.copies[:, COPIES].tolist()
    moved = zip(numbers, dependences.copies_in_use, strict=True)
    return lcm(*(copies // gcd(copies, turn) for copies, turn in moved))
