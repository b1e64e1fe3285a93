"""`spikeloom throughput GRAPH`: the exact period of a dataflow graph, from SDF3 XML or IR."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from fractions import Fraction

from xdsl.dialects.builtin import IntegerAttr, StringAttr

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.diagnostics import error
from spikeloom.dialects.dataflow.graph import (
    Deadlock,
    Graph,
    InconsistentRates,
    Step,
    TooManyFirings,
    path_text,
)
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.sdf import GraphOp
from spikeloom.dialects.sdf.binding import TileOp
from spikeloom.graph_file import graph_name, read_graph
from spikeloom.passes.dataflow.critical_work import critical_work
from spikeloom.passes.dataflow.latency import latency_of
from spikeloom.passes.dataflow.storage import StorageTradeOff, storage_trade_off
from spikeloom.passes.dataflow.throughput import throughput_of
from spikeloom.terminal import EXIT_OK

SHOWN_WORK = 8


def command(parsed: argparse.Namespace) -> int:
    """Prints the answer for one graph, and writes it as JSON; with `--storage` its Pareto points.

    A deadlock is an answer; rates that contradict each other are an error.

    Raises:
        DiagnosticError: the file cannot be read or holds no single graph, or its rates contradict
            each other (E0205).
    """
    op = read_graph(parsed.file, parsed.graph)
    location = location_of(op)
    try:
        graph = op.bounded_graph()
        counts = repetition_vector(graph).counts
        period, cycle = _period(graph)
        latency = None if period is None else latency_of(graph)
        trade_off = storage_trade_off(op.graph(), op.capacities) if parsed.storage else None
    except (InconsistentRates, TooManyFirings, OverflowError, ValueError) as problem:
        raise error("E0205", f"`{graph_name(op)}` has no throughput: {problem}", location) from None
    names = [actor.name for actor in graph.actors]
    answer: dict[str, object] = {
        "period": None if period is None else str(period),
        "repetition_vector": dict(zip(names, counts, strict=True)),
        "deadlock": period is None,
        "critical_cycle": [step.source for step in cycle],
    }
    if trade_off is not None:
        answer["storage"] = _storage_answer(graph, trade_off)
    if parsed.json is not None:
        write_atomically(parsed.json, (json.dumps(answer, indent=2) + "\n").encode())
    print(_report(op, period, latency, cycle, sum(counts)))
    print_critical_work(op, cycle)
    if trade_off is not None:
        print(_storage_report(trade_off))
    return EXIT_OK


def _period(graph: Graph) -> tuple[Fraction | None, Sequence[Step]]:
    try:
        found = throughput_of(graph)
    except Deadlock as stuck:
        return None, stuck.cycle
    return found.period, found.critical_cycle


def _report(
    op: GraphOp,
    period: Fraction | None,
    latency: int | None,
    cycle: Sequence[Step],
    firings: int,
) -> str:
    size = f"{len(op.actors)} actors, {len(op.channels)} channels"
    lines = [f"graph           {graph_name(op)}: {size}"]
    lines += _loop(op)
    lines.append(f"firings         {firings} per iteration")
    if period is None:
        lines.append("deadlock        too few initial tokens on the cycle below")
    elif period == 0:
        lines.append("period          0 cycles per iteration: no cycle bounds the graph")
    else:
        rate = 1 / period
        lines.append(f"period          {period} cycles per iteration (throughput {rate})")
        lines += _passes(op, period)
    if latency is not None:
        lines.append(f"latency         {latency} cycles for one iteration from the initial tokens")
    if cycle:
        lines.append(f"critical cycle  {path_text(cycle)}")
    return "\n".join(lines + _tiles(op))


def _tiles(op: GraphOp) -> list[str]:
    """That the period is not that of the tiles, for a graph that has any."""
    tiles = sum(isinstance(each, TileOp) for each in op.body.block.ops)
    if not tiles:
        return []
    words = f"{tiles} {'tile' if tiles == 1 else 'tiles'} and their bindings"
    return [
        f"tiles           {words} are not part of this answer, which is that of the graph alone;",
        f"{'':<16}`spikeloom-opt -p bind-tiles` gives the period they guarantee",
    ]


def _loop(op: GraphOp) -> list[str]:
    """Which loop of a program the graph is of, and whether it says more than what happens."""
    loop, runs, entries, times, distances = (
        op.attributes.get(name) for name in ("loop", "runs", "entries", "times", "distances")
    )
    if not (isinstance(loop, StringAttr) and isinstance(runs, IntegerAttr)):
        return []
    line = f"loop            {loop.data}: {runs.value.data} iterations"
    if isinstance(entries, IntegerAttr):
        line += f", entered {entries.value.data} x"
    if isinstance(times, StringAttr) and isinstance(distances, StringAttr):
        line += f"; times: {times.data}, distances: {distances.data}"
    return [line]


def _passes(op: GraphOp, period: Fraction) -> list[str]:
    """What the period means for a program or loop that an iteration goes through several times."""
    for attribute, things in (("passes", "passes"), ("iterations", "iterations of the loop")):
        number = op.attributes.get(attribute)
        if isinstance(number, IntegerAttr) and number.value.data > 1:
            each = period / number.value.data
            return [f"{'':<16}an iteration is {number.value.data} {things} of {each} cycles each"]
    return []


def print_critical_work(op: GraphOp, cycle: Sequence[Step]) -> None:
    """Whose work the critical cycle is, for a graph that came from a program."""
    work = critical_work(op, cycle)
    total = max(1, sum(each.cycles for each in work))
    for number, each in enumerate(work[:SHOWN_WORK]):
        title = "" if number else "critical work"
        times = "1 firing" if each.firings == 1 else f"{each.firings} firings"
        share = f"{100 * each.cycles / total:5.1f} %"
        print(f"{title:<16}{share}  {each.label}, {times}")
    if len(work) > SHOWN_WORK:
        print(f"{'':<16}and {len(work) - SHOWN_WORK} more")


def _storage_answer(graph: Graph, trade_off: StorageTradeOff) -> dict[str, object]:
    """The Pareto points; capacities of the channels that the search bounded, by name."""
    return {
        "complete": trade_off.complete,
        "points": [
            {
                "size": point.size,
                "period": str(point.period),
                "capacities": {
                    channel.name: capacity
                    # The room of bounded channels follows the channels themselves.
                    for channel, capacity in zip(graph.channels, point.capacities, strict=False)
                    if capacity is not None
                },
            }
            for point in trade_off.points
        ],
    }


def _storage_report(trade_off: StorageTradeOff) -> str:
    lines = ["storage         tokens in all channels without a capacity, and the period they allow"]
    lines += [f"  {point.size:>12}  {point.period}" for point in trade_off.points]
    if not trade_off.complete:
        lines.append("  the search was cut here: a longer list exists")
    return "\n".join(lines)
