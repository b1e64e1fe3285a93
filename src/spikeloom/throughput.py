"""`spikeloom throughput GRAPH`: the exact period of a dataflow graph, from SDF3 XML or IR."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from xdsl.dialects.builtin import IntegerAttr, ModuleOp

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.diagnostics import SourceLocation, error
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


def show_throughput(path: str, json_file: Path | None, storage: bool = False) -> None:
    """Prints the answer for one graph, and writes it as JSON; with `storage` its Pareto points.

    A deadlock is an answer; rates that contradict each other are an error.

    Raises:
        DiagnosticError: the file cannot be read or holds no single graph, or its rates contradict
            each other (E0205).
    """
    op = read_graph(path)
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


def read_graph(path: str) -> GraphOp:
    """The one graph in a file: SDF3 XML, which may deadlock, or well-formed IR in text form.

    Raises:
        DiagnosticError: the file cannot be read, or holds no graph or several.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_INPUT_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}") from None
    module = _module(data, path)
    graphs = [op for op in module.ops if isinstance(op, GraphOp)]
    if len(graphs) != 1:
        message = f"a throughput is that of one graph, but `{path}` holds {len(graphs)}"
        help = "extract-dataflow makes one from a program" if not graphs else None
        raise error("E0206", message, SourceLocation(path, 1, 1), help)
    return graphs[0]


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


def _passes(op: GraphOp, period: Fraction) -> list[str]:
    """What the period means for a program of which one iteration is several passes."""
    passes = op.attributes.get("passes")
    if not isinstance(passes, IntegerAttr) or passes.value.data < 2:
        return []
    number = passes.value.data
    return [f"{'':<16}an iteration is {number} passes of {period / number} cycles each"]


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
