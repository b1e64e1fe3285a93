"""Whose work a critical cycle is: cycles by layer, engine and line of the program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.dialects.builtin import StringAttr

from spikeloom.dialects.dataflow.graph import Step
from spikeloom.dialects.sdf import GraphOp
from spikeloom.dialects.sdf.graph_parts import ActorOp

_LABELS = ("layer", "engine", "source")
"""Attributes of actors that came from a program."""


@dataclass(frozen=True)
class CriticalWork:
    """What one layer does on one engine for one line of the program, around a critical cycle.

    `layer`, `engine` and `source` are "" where the graph does not say them.
    """

    layer: str
    engine: str
    source: str
    firings: int
    cycles: int

    @property
    def label(self) -> str:
        """`hidden fe net.snn:3:14`."""
        return " ".join(filter(None, (self.layer, self.engine, self.source)))


def critical_work(graph: GraphOp, cycle: Iterable[Step]) -> list[CriticalWork]:
    """The work around a cycle, the largest first; empty where no actor came from a program."""
    actors = {op.sym_name.data: op for op in graph.actors}
    if not any(label in op.attributes for op in actors.values() for label in _LABELS):
        return []
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for step in cycle:
        actor = actors[step.source]
        layer, engine, source = (_text(actor, label) for label in _LABELS)
        firings, cycles = found.get((layer, engine, source), (0, 0))
        found[layer, engine, source] = firings + 1, cycles + actor.time.value.data
    work = [CriticalWork(*labels, *amounts) for labels, amounts in found.items()]
    return sorted(work, key=lambda each: (-each.cycles, each.label))


def _text(actor: ActorOp, label: str) -> str:
    attribute = actor.attributes.get(label)
    return attribute.data if isinstance(attribute, StringAttr) else ""
