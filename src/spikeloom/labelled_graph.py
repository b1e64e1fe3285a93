"""The IR of a graph whose actors are instructions: whose work each of them is."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import StringAttr

from spikeloom.backend.accounts.owner import Owner
from spikeloom.diagnostics import SourceLocation, error
from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.dialects.locations import location_attribute
from spikeloom.dialects.sdf import GraphOp, make_graph
from spikeloom.dialects.sdf.graph_parts import MAX_NUMBER


def labelled_graph(
    graph: Graph, owners: Sequence[Owner], location: SourceLocation | None
) -> GraphOp:
    """The IR of a graph: the first actors are instructions of these owners.

    Raises:
        DiagnosticError: an actor takes longer than the IR can say (E0205), at `location`.
    """
    for actor in graph.actors:
        if actor.time >= MAX_NUMBER:
            message = f"`{actor.name}` can take {actor.time} cycles, {MAX_NUMBER - 1} at most"
            raise error("E0205", message, location)
    op = make_graph(graph)
    for actor, owner in zip(op.actors, owners, strict=False):
        actor.attributes["engine"] = StringAttr(owner.engine.value)
        if owner.layer:
            actor.attributes["layer"] = StringAttr(owner.layer)
        if owner.location:
            actor.attributes["source"] = StringAttr(owner.location)
            file, line, column = owner.location.rsplit(":", 2)
            actor.location = location_attribute(SourceLocation(file, int(line), int(column)))
    return op
