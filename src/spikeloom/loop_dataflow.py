"""Loops of an engine program as dataflow graphs in the IR, each under the name of its loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from xdsl.dialects.builtin import StringAttr

from spikeloom.backend.dataflow.loop_graph import LoopGraph, loop_graph
from spikeloom.backend.dataflow.loops import Loop, loops_of
from spikeloom.backend.execution.program import decode
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.validation.validator import ValidatedStream
from spikeloom.diagnostics import did_you_mean, error
from spikeloom.dialects.dataflow.graph import TooManyFirings
from spikeloom.dialects.engine import LoopOp, ProgramOp
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.number_text import count
from spikeloom.dialects.sdf import GraphOp
from spikeloom.labelled_graph import labelled_graph

UNNAMED = "loop"


def graphs_of_loops(
    program: ProgramOp,
    validated: ValidatedStream,
    machine: Machine,
    limit: int,
    only: str | None = None,
) -> list[GraphOp]:
    """The graphs of all loops that run more than once, or of the one of that name.

    Args:
        validated: the stream of the program.
        limit: executed instructions of an iteration.

    Raises:
        DiagnosticError: an iteration is longer, or an instruction takes too long (E0205); there is
            no loop `only` that runs more than once (E0203).
    """
    stream = validated.stream
    decoded = decode(stream, machine, np.zeros(len(stream.buffers), np.int64))
    repeated = _repeated(program, loops_of(decoded))
    _check_name(program, repeated, only)
    operations = list(_loops(program))
    chosen = repeated if only is None else {only: repeated[only]}
    graphs: list[GraphOp] = []
    for name, loop in chosen.items():
        location = location_of(operations[loop.number]) or location_of(program)
        title, rate = f"{program.sym_name.data}_{name}", machine.clock.issue_rate.value
        try:
            found = loop_graph(stream, decoded, loop, rate, title, limit)
        except TooManyFirings as problem:
            message = f"the loop `{name}` is too long for a graph of instructions: {problem}"
            help = "extract-dataflow{loop=...} picks one inside of it; or {limit=...}"
            raise error("E0205", message, location, help) from None
        op = labelled_graph(found.graph, found.owners, location)
        _describe(op, name, loop, found)
        graphs.append(op)
    return graphs


def _repeated(program: ProgramOp, loops: Sequence[Loop]) -> dict[str, Loop]:
    """The loops that execute anything more than once, by name."""
    named = zip(loop_names(program), loops, strict=True)
    return {name: loop for name, loop in named if loop.iterations > 1 and loop.instructions}


def _check_name(program: ProgramOp, repeated: Mapping[str, Loop], name: str | None) -> None:
    if name is not None and name not in repeated:
        message = f"@{program.sym_name.data} has no loop `{name}` that runs more than once"
        help = did_you_mean(name, repeated) if repeated else "none of its loops does"
        raise error("E0203", message, location_of(program), help)


def loop_names(program: ProgramOp) -> list[str]:
    """The names of all loops as the text has them: `step`, and `step_1` for the next of them."""
    names: list[str] = []
    used: dict[str, int] = {}
    for op in _loops(program):
        name = op.body.block.args[0].name_hint or UNNAMED
        turn = used[name] = used.get(name, -1) + 1
        names.append(f"{name}_{turn}" if turn else name)
    return names


def _loops(program: ProgramOp) -> Iterator[LoopOp]:
    return (op for op in program.walk() if isinstance(op, LoopOp))


def _describe(op: GraphOp, name: str, loop: Loop, found: LoopGraph) -> None:
    """What the graph's numbers mean for the loop."""
    op.attributes["loop"] = StringAttr(name)
    op.attributes["runs"] = count(loop.iterations)
    op.attributes["entries"] = count(loop.entries)
    op.attributes["iterations"] = count(found.iterations)
    op.attributes["times"] = StringAttr("exact" if found.exact_times else "worst case")
    op.attributes["distances"] = StringAttr("exact" if found.exact_distances else "bound")
