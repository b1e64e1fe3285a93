"""`spikeloom throughput GRAPH`: the exact period of a dataflow graph, from SDF3 XML or IR."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

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
from spikeloom.passes.dataflow.throughput import throughput_of

MAX_INPUT_BYTES = 256 * 2**20


def show_throughput(path: str, json_file: Path | None) -> None:
    """Prints the answer for one graph, and writes it as JSON.

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
    except (InconsistentRates, TooManyFirings, OverflowError, ValueError) as problem:
        raise error("E0205", f"`{graph_name(op)}` has no throughput: {problem}", location) from None
    names = [actor.name for actor in graph.actors]
    answer = {
        "period": None if period is None else str(period),
        "repetition_vector": dict(zip(names, counts, strict=True)),
        "deadlock": period is None,
        "critical_cycle": [step.source for step in cycle],
    }
    if json_file is not None:
        write_atomically(json_file, (json.dumps(answer, indent=2) + "\n").encode())
    print(_report(op, period, cycle, sum(counts)))


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
        raise error("E0112", message, SourceLocation(path, 1, 1), help)
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


def _report(op: GraphOp, period: Fraction | None, cycle: Sequence[Step], firings: int) -> str:
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
    if cycle:
        lines.append(f"critical cycle  {path_text(cycle)}")
    return "\n".join(lines)
