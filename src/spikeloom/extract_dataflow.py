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
from spikeloom.backend.machine.description import load_machine
from spikeloom.backend.stream.encode import encode_program
from spikeloom.backend.validation.validator import validate
from spikeloom.diagnostics import SourceLocation, error
from spikeloom.dialects.dataflow.graph import TooManyFirings
from spikeloom.dialects.engine import ProgramOp
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.number_text import count
from spikeloom.dialects.sdf import GraphOp
from spikeloom.dialects.sdf.graph_parts import MAX_NUMBER
from spikeloom.dialects.snn.crossbars import CrossbarsOp
from spikeloom.labelled_graph import labelled_graph
from spikeloom.loop_dataflow import graphs_of_loops
from spikeloom.passes.clustering.cluster_dataflow import crossbars_graph
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

    With `loops` it says that of every loop that runs more than once instead: an actor is an
    instruction of the loop's body, loops inside of it unrolled; an iteration is one of the loop, or
    the `iterations` after which what they share recurs. `loop` picks one loop by its name, which is
    that of its value in the text. A graph is named after both: `net_step_1`.

    Of a clustered network an actor is a crossbar and an iteration a time step; spikes used so many
    steps later are initial tokens. The size of a token is the most spikes that a step can send.

    Options: `crossbar_time` is the time of one pass of a crossbar, in cycles; `machine` names the
    machine file of programs (the bundled one unless said); `limit` is the most executed
    instructions of an iteration, at most 100,000.

    Raises:
        DiagnosticError: an iteration executes more instructions than `limit`, or one of them takes
            too long (E0205); there is no such loop (E0203); the program breaks a rule of the
            machine (E0304); a pass of a crossbar takes no time (E0405).
    """

    name = "extract-dataflow"

    machine: str | None = None
    limit: int = LIMIT
    crossbar_time: int = PUBLISHED_TIME
    loops: bool = False
    loop: str | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for program in [each for each in op.ops if isinstance(each, ProgramOp)]:
            op.body.block.insert_ops_after(self._graphs(program), program)
        for crossbars in [each for each in op.ops if isinstance(each, CrossbarsOp)]:
            op.body.block.insert_op_after(self._graph_of_clusters(crossbars), crossbars)

    def _graph_of_clusters(self, crossbars: CrossbarsOp) -> GraphOp:
        if not 1 <= self.crossbar_time < MAX_NUMBER:
            message = f"a pass of a crossbar takes at least 1 cycle, not {self.crossbar_time}"
            raise error("E0405", message)
        return crossbars_graph(crossbars, self.crossbar_time)

    def _graphs(self, program: ProgramOp) -> list[GraphOp]:
        machine = load_machine(self.machine)
        validated = validate(encode_program(program), machine.memory_bytes)
        limit = min(self.limit, MAX_EXECUTIONS)
        if self.loops or self.loop is not None:
            return graphs_of_loops(program, validated, machine, limit, self.loop)
        name = f"{program.sym_name.data}_dataflow"
        try:
            found = stream_graph(validated, machine, name, limit)
        except TooManyFirings as problem:
            message = f"@{program.sym_name.data} is too long for a graph of instructions: {problem}"
            help = "smaller steps or batch, loops=true, or extract-dataflow{limit=...}"
            raise error("E0205", message, location_of(program), help) from None
        return [graph_op(found, location_of(program))]


def graph_op(found: StreamGraph, location: SourceLocation | None) -> GraphOp:
    """The IR of a stream's graph: actors know layer, engine and line of the program.

    `first_pass` is the cycle in which the first pass over the program is over.

    Raises:
        DiagnosticError: an instruction takes too long (E0205).
    """
    op = labelled_graph(found.graph, found.owners, location)
    op.attributes["passes"] = count(found.passes)
    first = finishes(found.graph, 1)[0, : len(found.owners) // found.passes]
    op.attributes["first_pass"] = count(int(first.max(initial=0)))
    op.attributes["times"] = StringAttr("exact" if found.exact else "worst case")
    return op
