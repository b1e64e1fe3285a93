"""`analyze-throughput`: the exact period of every dataflow graph, and the cycle that causes it."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    DenseArrayBase,
    DictionaryAttr,
    IntegerAttr,
    ModuleOp,
    StringAttr,
    i64,
)
from xdsl.passes import ModulePass

from spikeloom.diagnostics import error
from spikeloom.dialects.dataflow.graph import Deadlock, InconsistentRates, TooManyFirings
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.number_text import count
from spikeloom.dialects.sdf import GraphOp
from spikeloom.dialects.sdf.types import RatioAttr
from spikeloom.passes.dataflow.critical_work import critical_work
from spikeloom.passes.dataflow.latency import latency_of
from spikeloom.passes.dataflow.storage import StoragePoint, storage_trade_off
from spikeloom.passes.dataflow.throughput import throughput_of

UNBOUNDED = -1
"""Stands for a channel without a capacity in the `capacities` of a storage point."""


@dataclass(frozen=True)
class AnalyzeThroughputPass(ModulePass):
    """Writes `period`, `critical_cycle`, `latency` and the actors' `repetition` into `sdf.graph`s.

    With `storage=true` also the Pareto points of storage and period over all channels without a
    capacity: `storage`, and `storage_complete`, which is false where the search was cut.

    A graph that came from a program also gets `critical_work`: whose layers, engines and lines of
    the program the critical cycle consists of.

    Raises:
        DiagnosticError: the graph deadlocks, its rates contradict each other, or it is too large
            (E0205).
    """

    name = "analyze-throughput"

    storage: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for graph in [each for each in op.ops if isinstance(each, GraphOp)]:
            try:
                bounded = graph.bounded_graph()
                found = throughput_of(bounded)
                latency = latency_of(bounded)
                if self.storage:
                    _write_storage(graph)
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
            graph.attributes["latency"] = IntegerAttr(latency, i64)
            for actor, times in zip(graph.actors, found.repetition.counts, strict=True):
                actor.repetition = count(times)


def _write_storage(graph: GraphOp) -> None:
    """The trade-off as attributes; capacities stand in the order of the channels."""
    found = storage_trade_off(graph.graph(), graph.capacities)
    graph.attributes["storage"] = ArrayAttr([_storage_point(point) for point in found.points])
    graph.attributes["storage_complete"] = BoolAttr.from_bool(found.complete)


def _storage_point(point: StoragePoint) -> DictionaryAttr:
    capacities = [UNBOUNDED if each is None else each for each in point.capacities]
    return DictionaryAttr(
        {
            "period": RatioAttr.get(point.period),
            "size": IntegerAttr(point.size, i64),
            "capacities": DenseArrayBase.from_list(i64, capacities),
        }
    )
