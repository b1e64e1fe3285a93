"""The dataflow graph of a loop: an actor per instruction of its body, tokens as loop distance.

Loops inside of it have constant bounds and are unrolled. The graph is that of the loop in steady
state, as if it never ended: its tiles are whole, and what was there before it is forgotten. How
often it really runs does not matter to the size of the graph, nor does what stands around it.

Where distances are exact and no time depends on data, the period is how much later each iteration
ends than the one before, once the loop has settled. Otherwise it is never later by more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd, lcm

from spikeloom.backend.accounts.owner import Owner
from spikeloom.backend.dataflow.execution_graph import Edge, graph_of_executions, owner_of
from spikeloom.backend.dataflow.executions import Execution, iterations
from spikeloom.backend.dataflow.loop_places import LoopPlaces, loop_places
from spikeloom.backend.dataflow.loops import Loop
from spikeloom.backend.dataflow.service_bounds import data_dependent
from spikeloom.backend.dataflow.stream_graph import MAX_EXECUTIONS, check_size
from spikeloom.backend.dataflow.waits import Dependences, Wait
from spikeloom.backend.execution.program import Program
from spikeloom.backend.stream.stream import Stream
from spikeloom.dialects.dataflow.graph import Graph

MAX_FOLD = 16
"""Iterations of a loop in one of its graph: beyond it a bound is easier to read."""

LOOKED_AT = 20_000
"""Executed instructions, about, that are looked at one by one to find a loop's distances."""


@dataclass(frozen=True)
class LoopGraph:
    """A loop as a dataflow graph.

    Attributes:
        graph: one actor per executed instruction, in program order, and behind them the actors
            of the issue.
        owners: of the instructions' actors.
        iterations: of the loop in one iteration of the graph.
        exact_times: whether no service time depends on data.
        exact_distances: whether every channel says what each iteration waits for; otherwise some
            of them say more.
    """

    graph: Graph
    owners: tuple[Owner, ...]
    iterations: int
    exact_times: bool
    exact_distances: bool


def loop_graph(
    stream: Stream,
    decoded: Program,
    loop: Loop,
    issue_rate: int,
    name: str = "loop",
    limit: int = MAX_EXECUTIONS,
) -> LoopGraph:
    """The dataflow graph of a loop that executes anything, with the worst service times.

    Args:
        decoded: the stream for a machine of this issue rate.
        loop: one of `loops_of(decoded)`.

    Raises:
        TooManyFirings: an iteration of the graph executes more than `limit` instructions.
    """
    body = [_kept(each) for each in iterations(decoded, loop, 1)]
    together = issue_rate // gcd(issue_rate, len(body))
    check_size(together * len(body), limit)
    places = loop_places(decoded, loop, body, LOOKED_AT // len(body))
    fold, exact = lcm(together, places.phases), places.exact
    if fold > max(MAX_FOLD, together) or fold * len(body) > limit:
        fold, exact = together, False
    edges = _edges(_waits(decoded, loop, places, fold), fold * len(body))
    graph = graph_of_executions(stream, fold * body, edges, issue_rate, name)
    owners = tuple(owner_of(stream, execution.record) for execution in fold * body)
    depends = data_dependent(decoded)[loop.opened : loop.closed].any()
    return LoopGraph(graph, owners, fold, not depends, exact)


def _kept(execution: Execution) -> Execution:
    return replace(execution, boxes=execution.boxes.copy())


def _waits(decoded: Program, loop: Loop, places: LoopPlaces, fold: int) -> list[Wait]:
    """What each iteration waits for, from the first that can wait for all that it will."""
    before = -(-places.reach // fold) * fold
    looked_at = lcm(fold, places.phases)
    dependences = Dependences(replace(decoded, segments=places.segments))
    waits = [
        dependences.follow(execution) for execution in iterations(decoded, loop, before + looked_at)
    ]
    settled = len(waits) // (before + looked_at) * before
    return [wait for found in waits[settled:] for wait in found]


def _edges(waits: list[Wait], count: int) -> list[Edge]:
    """The waits of several iterations as those of one, the shortest distance of each."""
    nearest: dict[tuple[int, int], Edge] = {}
    for wait in waits:
        tokens = wait.waiting // count - wait.finished // count
        ends = wait.finished % count, wait.waiting % count
        if ends not in nearest or tokens < nearest[ends].tokens:
            nearest[ends] = Edge(*ends, tokens, wait.reason)
    return list(nearest.values())
