"""`spikeloom throughput GRAPH`: the exact period of a dataflow graph, from SDF3 XML or IR."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.diagnostics import SourceLocation, did_you_mean, error
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
from spikeloom.passes.dataflow.critical_work import critical_work
from spikeloom.passes.dataflow.latency import latency_of
from spikeloom.passes.dataflow.storage import StorageTradeOff, storage_trade_off
from spikeloom.passes.dataflow.throughput import throughput_of

MAX_INPUT_BYTES = 256 * 2**20
SHOWN_WORK = 8
SHOWN_NAMES = 12


def show_throughput(
    path: str, json_file: Path | None, storage: bool = False, name: str | None = None
) -> None:
    """Prints the answer for one graph, and writes it as JSON; with `storage` its Pareto points.

    `name` says which of several graphs.

    A deadlock is an answer; rates that contradict each other are an error.

    Raises:
        DiagnosticError: the file cannot be read or holds no single graph, or its rates contradict
            each other (E0205).
    """
    op = read_graph(path, name)
    location = location_of(op)
    try:
        graph = op.bounded_graph()
        counts = repetition_vector(graph).counts
        period, cycle = _period(graph)
        latency = None if period is None else latency_of(graph)
        trade_off = storage_trade_off(op.graph(), op.capacities) if storage else None
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
    if json_file is not None:
        write_atomically(json_file, (json.dumps(answer, indent=2) + "\n").encode())
    print(_report(op, period, latency, cycle, sum(counts)))
    print_critical_work(op, cycle)
    if trade_off is not None:
        print(_storage_report(trade_off))


def read_graph(path: str, name: str | None = None) -> GraphOp:
    """The one graph in a file, or that of a name: SDF3 XML, which may deadlock, or well-formed IR.

    Raises:
        DiagnosticError: the file cannot be read, or holds no such graph, or several.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_INPUT_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}") from None
    found = {graph_name(op): op for op in _module(data, path).ops if isinstance(op, GraphOp)}
    place = SourceLocation(path, 1, 1)
    if name is not None:
        if name not in found:
            message = f"`{path}` holds no graph `{name}`"
            raise error("E0206", message, place, did_you_mean(name, found))
        return found[name]
    if len(found) != 1:
        message = f"a throughput is that of one graph, but `{path}` holds {len(found)}"
        help = f"--graph NAME: {_some(list(found))}"
        raise error("E0206", message, place, help if found else "extract-dataflow makes them")
    return next(iter(found.values()))


def _some(names: Sequence[str]) -> str:
    """The first names, and how many are left."""
    shown = ", ".join(names[:SHOWN_NAMES])
    left = len(names) - SHOWN_NAMES
    return f"{shown}, ... {left} more" if left > 0 else shown


def _module(data: bytes, path: str) -> ModuleOp:
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        from spikeloom.frontend.sdf3 import parse_sdf3

        return parse_sdf3(data, path)
    from spikeloom.compiler import new_context
    from spikeloom.ir_checks import verify_module
    from spikeloom.ir_text import decode_text, parse_ir

    module = parse_ir(new_context(), decode_text(data, path), path)
    verify_module(module)
    return module


def graph_name(op: GraphOp) -> str:
    """The graph's name."""
    return op.sym_name.data


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
    return "\n".join(lines)


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
