"""Cycles through `snn.previous`: which operations depend on their own past."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import error
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn.network import NetworkOp
from spikeloom.dialects.snn.normalization import BatchnormOp
from spikeloom.dialects.snn.types import NetworkValueOperation


def check_normalizations(network: NetworkOp) -> None:
    """Refuses a batchnorm that depends on its own past.

    Its statistics are taken over all time steps, and none is known before the last has run.

    Raises:
        DiagnosticError: there is one (E0111).
    """
    if not any(isinstance(op, BatchnormOp) for op in network.body.block.ops):
        return
    for members in strongly_connected(network.returned.output):
        for op in members:
            if isinstance(op, BatchnormOp) and len(members) > 1:
                raise error(
                    "E0111",
                    "batchnorm stands in a cycle through `previous`: its statistics over time "
                    "are not known before the cycle has run",
                    location_of(op),
                    "normalize what enters the cycle: batchnorm(linear(x, n)) + "
                    "linear(previous(h), n)",
                )


def strongly_connected(output: SSAValue) -> list[list[NetworkValueOperation]]:
    """The operations behind `output`; those that depend on each other stand together.

    Tarjan's algorithm (SIAM J. Comput. 1972), without recursion, dependences first.
    """
    index: dict[Operation, int] = {}
    low: dict[Operation, int] = {}
    stack: list[NetworkValueOperation] = []
    on_stack: set[Operation] = set()
    found: list[list[NetworkValueOperation]] = []
    if not isinstance(output.owner, NetworkValueOperation):
        return []
    work: list[tuple[NetworkValueOperation, int]] = [(output.owner, 0)]
    while work:
        op, position = work.pop()
        if op not in index:
            index[op] = low[op] = len(index)
            stack.append(op)
            on_stack.add(op)
        producers = [v.owner for v in op.operands if isinstance(v.owner, NetworkValueOperation)]
        for i in range(position, len(producers)):
            producer = producers[i]
            if producer not in index:
                work += [(op, i), (producer, 0)]
                break
            if producer in on_stack:
                low[op] = min(low[op], low[producer])
        else:
            if low[op] == index[op]:
                members: list[NetworkValueOperation] = []
                while not members or members[-1] is not op:
                    members.append(stack.pop())
                    on_stack.discard(members[-1])
                found.append(members)
    return found
