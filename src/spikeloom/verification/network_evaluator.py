"""The meaning of an `snn.network`: what it does with a batch, step after step.

Every operation is executed at one time step as soon as its operands are known there, in whatever
order that takes: the body of a network is a graph, and `snn.previous` closes cycles in it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import error
from spikeloom.dialects import snn
from spikeloom.dialects.locations import location_of
from spikeloom.verification.arrays import Array, Precision
from spikeloom.verification.decisions import Decide, Decider, by_comparison
from spikeloom.verification.network_frame import NetworkFrame
from spikeloom.verification.network_rules import OVER_TIME, STEP_RULES


def evaluate_network(
    network: snn.NetworkOp,
    parameters: Mapping[str, Array],
    signal: Array,
    precision: Precision,
    *,
    training: bool,
    decide: Decide = by_comparison,
) -> NetworkFrame:
    """All values of a network over the steps of `signal` [T, B, ...].

    Args:
        training: whether normalization takes the statistics of the batch, not the running ones.
        decide: about spikes.

    Raises:
        DiagnosticError: the network cannot be executed (E0204).
    """
    started = {name: np.asarray(array, precision) for name, array in parameters.items()}
    image = list(np.asarray(signal, precision))
    values: dict[SSAValue, list[Array]] = {network.body.block.args[0]: image}
    frame = NetworkFrame(precision, len(image), training, started, Decider(decide), values)
    waiting = [op for op in network.body.block.ops if op.results]
    with np.errstate(all="ignore"):
        while waiting:
            computed = sum([_advance(op, frame) for op in waiting])
            if computed == 0:
                message = f"{waiting[0].name} waits for its own result"
                raise error("E0204", message, location_of(waiting[0]))
            waiting = [op for op in waiting if frame.known(op.results[0]) < frame.steps]
    return frame


def _advance(op: Operation, frame: NetworkFrame) -> int:
    """Executes an operation at every step at which that is possible; how many these are."""
    rule = STEP_RULES.get(type(op))
    if rule is None:
        raise error("E0204", f"{op.name} cannot be executed", location_of(op))
    computed = frame.values.setdefault(op.results[0], [])
    before = len(computed)
    while len(computed) < frame.steps and _is_ready(op, frame, len(computed)):
        computed.append(np.asarray(rule(op, frame, len(computed)), frame.precision))
    return len(computed) - before


def _is_ready(op: Operation, frame: NetworkFrame, time: int) -> bool:
    needed = time + 1
    if isinstance(op, snn.PreviousOp):
        needed = time
    elif isinstance(op, OVER_TIME):
        needed = frame.steps
    return all(frame.known(value) >= needed for value in op.operands)
