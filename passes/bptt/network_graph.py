"""The graph of a network: which values form cycles, in what order, and what needs a gradient."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import error
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import (
    NetworkOp,
    NetworkValueOperation,
    ParametricOperation,
    PreviousOp,
)
from spikeloom.dialects.snn.cycles import strongly_connected


@dataclass(frozen=True)
class Component:
    """Operations that depend on each other through `previous`, or a single one that does not.

    `operations` are in an order in which each can be computed at one time step, given what
    `previous` yields.
    """

    operations: tuple[NetworkValueOperation, ...]
    is_cycle: bool

    def values(self) -> tuple[SSAValue, ...]:
        """The results of all operations."""
        return tuple(op.results[0] for op in self.operations)

    def inputs(self) -> tuple[SSAValue, ...]:
        """Values from outside that the operations use, each once, in order of use."""
        own = set(self.values())
        used = [value for op in self.operations for value in op.operands if value not in own]
        return tuple(dict.fromkeys(used))


@dataclass(frozen=True)
class NetworkGraph:
    """A network's components in an order in which each needs only earlier ones.

    `trained` holds the values that depend on a parameter; only they need a gradient.
    """

    components: tuple[Component, ...]
    trained: frozenset[SSAValue]


def analyze_network(network: NetworkOp) -> NetworkGraph:
    """The graph of what the network's output depends on.

    Raises:
        DiagnosticError: a value depends on itself within one time step (E0202).
    """
    components = tuple(
        _component(members) for members in strongly_connected(network.returned.output)
    )
    trained: set[SSAValue] = set()
    for component in components:
        if any(
            isinstance(op, ParametricOperation) or any(value in trained for value in op.operands)
            for op in component.operations
        ):
            trained |= set(component.values())
    return NetworkGraph(components, frozenset(trained))


def _component(members: list[NetworkValueOperation]) -> Component:
    """Orders the members for one time step; the results of `previous` are given at its start."""
    own = set(members)
    is_cycle = len(members) > 1 or members[0] in {v.owner for v in members[0].operands}
    order: list[NetworkValueOperation] = []
    done: set[Operation] = set()
    in_progress: set[Operation] = set()
    # Reversed, because Tarjan's stack yields them last found first.
    work: list[NetworkValueOperation] = list(members)
    while work:
        op = work[-1]
        if op in done:
            work.pop()
            continue
        waiting = [
            producer
            for value in op.operands
            if isinstance(producer := value.owner, NetworkValueOperation)
            and producer in own
            and producer not in done
            and not isinstance(op, PreviousOp)
        ]
        if not waiting:
            work.pop()
            done.add(op)
            in_progress.discard(op)
            order.append(op)
            continue
        if op in in_progress:
            raise error(
                "E0202",
                "this value depends on itself within one time step",
                location_of(op),
                "use previous(x) for the value of one time step ago",
            )
        in_progress.add(op)
        work += waiting
    return Component(tuple(order), is_cycle)
