"""`analyze-throughput`: the exact period of every dataflow graph, and the cycle that causes it."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr
from xdsl.passes import ModulePass

from spikeloom.diagnostics import error
from spikeloom.dialects.dataflow.graph import Deadlock, InconsistentRates, TooManyFirings
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.number_text import count
from spikeloom.dialects.sdf import GraphOp
from spikeloom.dialects.sdf_types import RatioAttr
from spikeloom.passes.dataflow.critical_work import critical_work
from spikeloom.passes.dataflow.progress import latency
from spikeloom.passes.dataflow.throughput import throughput_of


@dataclass(frozen=True)
class AnalyzeThroughputPass(ModulePass):
    """Writes `period`, `critical_cycle` and every actor's `repetition` into each `sdf.graph`.

    `latency` is the time of the first iteration. A graph that came from a program also gets
    `critical_work`: whose layers, engines and lines of the program the critical cycle consists of.

    Raises:
        DiagnosticError: the graph deadlocks, its rates contradict each other, or it is too large
            (E0205).
    """

    name = "analyze-throughput"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in [each for each in op.ops if isinstance(each, GraphOp)]:
            try:
                bounded = graph.bounded_graph()
                found = throughput_of(bounded)
                graph.attributes["latency"] = count(latency(bounded))
            except (Deadlock, InconsistentRates, TooManyFirings, OverflowError) as problem:
                message = f"@{graph.sym_name.data} has no throughput: {problem}"
                raise error("E0205", message, location_of(graph)) from None
            graph.attributes["period"] = RatioAttr.get(found.period)
            graph.attributes["critical_cycle"] = ArrayAttr(
                [StringAttr(step.channel) for step in found.critical_cycle]
            )
            if work := critical_work(graph, found.critical_cycle):
                graph.attributes["critical_work"] = ArrayAttr(
                    [StringAttr(f"{each.label}: {each.cycles} cycles") for each in work]
                )
            for actor, times in zip(graph.actors, found.repetition.counts, strict=True):
                actor.repetition = count(times)
