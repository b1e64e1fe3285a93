"""Programs of a trace as applications that are ready for admission; every file is read once."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

from spikeloom.admission.events import Arrival
from spikeloom.admission.trace import TraceEvent
from spikeloom.diagnostics import Diagnostic, DiagnosticError, SourceLocation, error
from spikeloom.dialects.dataflow.graph import Deadlock, InconsistentRates, TooManyFirings
from spikeloom.dialects.dataflow.platform import Tile, mesh
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.dialects.sdf import GraphOp
from spikeloom.graph_file import read_graph
from spikeloom.passes.binding.application import Application, prepare
from spikeloom.passes.binding.load_balance import balanced_binding
from spikeloom.passes.binding.pipeline import pipelined
from spikeloom.passes.clustering.limits import Limits

MAX_PROGRAM_BYTES = 2**24
ONE_TILE = mesh(1, 1, Tile("tile"))


@dataclass(frozen=True)
class Crossbars:
    """What a `.snn` program is clustered for: limits of a crossbar, cycles of one pass."""

    limits: Limits
    time: int


def applications_of(
    events: list[TraceEvent], folder: str, crossbars: Crossbars
) -> dict[str, Application]:
    """The applications of all arrivals, by name and, for a name that comes again, the same file.

    Keys are those of `application_key`. Files are relative to `folder`.

    Raises:
        DiagnosticError: a file cannot be read, or its graph has no throughput; at the trace's line.
    """
    found: dict[str, Application] = {}
    for each in events:
        event = each.event
        if isinstance(event, Arrival) and application_key(event) not in found:
            path = os.path.join(folder, event.program)
            try:
                found[application_key(event)] = _application(path, event.pipeline, crossbars)
            except DiagnosticError as problem:
                raise _at_the_line(problem, each.location) from None
    return found


def application_key(event: Arrival) -> str:
    """What arrivals of the same application have in common."""
    return f"{event.program}{' with a prologue' if event.pipeline else ''}"


def _at_the_line(problem: DiagnosticError, location: SourceLocation) -> DiagnosticError:
    first = problem.diagnostics[0]
    place = f" ({first.location})" if first.location is not None else ""
    message = f"`program`: {first.message}{place}"
    return DiagnosticError(Diagnostic(first.code, message, location, first.help))


def _application(path: str, pipeline: bool, crossbars: Crossbars) -> Application:
    op = _clustered_graph(path, crossbars) if path.endswith(".snn") else read_graph(path)
    sizes = [1 if each.token_size is None else each.token_size.value.data for each in op.channels]
    try:
        graph = op.graph()
        if pipeline:
            graph = pipelined(graph, repetition_vector(graph)).graph
        application = prepare(graph, op.capacities, sizes)
        # What cannot be analysed on the smallest chip is an error of its line, not of a decision.
        binding = balanced_binding(application, ONE_TILE)
        application.guarantee(binding, ONE_TILE)
        assert application.alone.period >= 0, "times are not negative"
        return application
    except (Deadlock, InconsistentRates, TooManyFirings, OverflowError, ValueError) as problem:
        message = f"`{op.sym_name.data}` in `{path}` has no throughput: {problem}"
        raise error("E0205", message) from None


def _clustered_graph(path: str, crossbars: Crossbars) -> GraphOp:
    """The graph of a program's network, of which a time step is an iteration."""
    from spikeloom.compiler import apply_pipeline
    from spikeloom.frontend.program import parse_program_bytes

    try:
        with open(path, "rb") as file:
            data = file.read(MAX_PROGRAM_BYTES)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}") from None
    module = parse_program_bytes(data, path)
    values = {field.name: getattr(crossbars.limits, field.name) for field in fields(Limits)}
    limits = " ".join(
        f"{name.replace('_', '-')}={value}" for name, value in values.items() if value is not None
    )
    apply_pipeline(
        module,
        f"infer-shapes,cluster-crossbars{{{limits}}},"
        f"extract-dataflow{{crossbar-time={crossbars.time}}}",
    )
    graphs = [op for op in module.ops if isinstance(op, GraphOp)]
    if len(graphs) != 1:
        raise error("E0206", f"`{path}` holds {len(graphs)} networks, not one")
    return graphs[0]
