"""`extract-dataflow`: engine programs and clustered networks as dataflow graphs.

Service times are the machine's, which only the backend knows: the pass therefore stands here,
above both, and not in `spikeloom.passes`.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

from spikeloom.backend.dataflow.stream_graph import MAX_EXECUTIONS, StreamGraph, stream_graph
from spikeloom.backend.encode import encode_program
from spikeloom.backend.machine import load_machine
from spikeloom.backend.validator import validate
from spikeloom.diagnostics import SourceLocation, error
from spikeloom.dialects.crossbars import CrossbarsOp
from spikeloom.dialects.dataflow.graph import TooManyFirings
from spikeloom.dialects.engine import ProgramOp
from spikeloom.dialects.locations import location_attribute, location_of
from spikeloom.dialects.number_text import count
from spikeloom.dialects.sdf import MAX_NUMBER, GraphOp, make_graph
from spikeloom.passes.cluster_dataflow import crossbars_graph
from spikeloom.passes.dataflow.progress import finishes

PUBLISHED_TIME = 16
"""Cycles of a pass in the published graph of a clustered LeNet (DFSynthesizer's example)."""

LIMIT = 20_000
"""Actors of a graph unless the user says otherwise: some 3 MB of text."""


@dataclass(frozen=True)
class ExtractDataflowPass(ModulePass):
    """Adds an `sdf.graph` behind every `engine.program` and every `snn.crossbars`.

    Of a program it says what its endless repetition waits for. An actor is an executed
    instruction, its time the most cycles it can take; an iteration is one pass over the program,
    or the `passes` after which double buffers are in step again.

    Of a clustered network an actor is a crossbar and an iteration a time step; spikes used so many
    steps later are initial tokens. The size of a token is the most spikes that a step can send.

    Options: `crossbar_time` is the time of one pass of a crossbar, in cycles; `machine` names the
    machine file of programs (the bundled one unless said); `limit` is the most executed
    instructions, at most 100,000.

    Raises:
        DiagnosticError: an iteration executes more instructions than `limit`, or one of them takes
            too long (E0205); the program breaks a rule of the machine (E0304); a pass of a crossbar
            takes no time (E0405).
    """

    name = "extract-dataflow"

    machine: str | None = None
    limit: int = LIMIT
    crossbar_time: int = PUBLISHED_TIME

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for program in [each for each in op.ops if isinstance(each, ProgramOp)]:
            op.body.block.insert_op_after(self._graph(program), program)
        for crossbars in [each for each in op.ops if isinstance(each, CrossbarsOp)]:
            op.body.block.insert_op_after(self._graph_of_clusters(crossbars), crossbars)

    def _graph_of_clusters(self, crossbars: CrossbarsOp) -> GraphOp:
        if not 1 <= self.crossbar_time < MAX_NUMBER:
            message = f"a pass of a crossbar takes at least 1 cycle, not {self.crossbar_time}"
            raise error("E0405", message)
        return crossbars_graph(crossbars, self.crossbar_time)

    def _graph(self, program: ProgramOp) -> GraphOp:
        machine = load_machine(self.machine)
        name = f"{program.sym_name.data}_dataflow"
        validated = validate(encode_program(program), machine.memory_bytes)
        try:
            found = stream_graph(validated, machine, name, min(self.limit, MAX_EXECUTIONS))
        except TooManyFirings as problem:
            message = f"@{program.sym_name.data} is too long for a graph of instructions: {problem}"
            help = "smaller steps or batch, or extract-dataflow{limit=...}"
            raise error("E0205", message, location_of(program), help) from None
        for actor in found.graph.actors:
            if actor.time >= MAX_NUMBER:
                message = f"`{actor.name}` can take {actor.time} cycles, {MAX_NUMBER - 1} at most"
                raise error("E0205", message, location_of(program))
        return graph_op(found)


def graph_op(found: StreamGraph) -> GraphOp:
    """The IR of a stream's graph: actors know layer, engine and line of the program.

    `first_pass` is the cycle in which the first pass over the program is over.
    """
    op = make_graph(found.graph)
    op.attributes["passes"] = count(found.passes)
    first = finishes(found.graph, 1)[0, : len(found.owners) // found.passes]
    op.attributes["first_pass"] = count(int(first.max(initial=0)))
    op.attributes["times"] = StringAttr("exact" if found.exact else "worst case")
    for actor, owner in zip(op.actors, found.owners, strict=False):
        actor.attributes["engine"] = StringAttr(owner.engine.value)
        if owner.layer:
            actor.attributes["layer"] = StringAttr(owner.layer)
        if owner.location:
            actor.attributes["source"] = StringAttr(owner.location)
            file, line, column = owner.location.rsplit(":", 2)
            actor.location = location_attribute(SourceLocation(file, int(line), int(column)))
    return op
