"""The meaning of an `snn.network`: what it does with a batch, step after step.

Every operation is executed at one time step as soon as its operands are known there, in whatever
order that takes: the body of a network is a graph, and `snn.previous` closes cycles in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import error
from spikeloom.dialects import snn
from spikeloom.dialects.locations import location_of
from spikeloom.verification.arrays import Array, Closeness, Precision, WorkLimit
from spikeloom.verification.neuron_arithmetic import Neuron


@dataclass
class NetworkFrame:
    """What an operation of a network can see.

    Attributes:
        values: of every step that has been computed so far, [B, ...] each.
        states: potentials of leaky neurons, after the last step computed.
    """

    precision: Precision
    steps: int
    parameters: Mapping[str, Array]
    work: WorkLimit
    closeness: Closeness
    values: dict[SSAValue, list[Array]]
    states: dict[Operation, Array] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        """Samples."""
        return next(iter(self.values.values()))[0].shape[0]

    def known(self, value: SSAValue) -> int:
        """For how many steps a value is known."""
        return len(self.values.get(value, ()))

    def sequence(self, value: SSAValue) -> Array:
        """A value over all steps, [T, B, ...]."""
        return np.stack(self.values[value])


StepRule = Callable[[Any, NetworkFrame, int], Array]
"""The result of an operation at one time step."""


def evaluate_network(
    network: snn.NetworkOp,
    parameters: Mapping[str, Array],
    signal: Array,
    precision: Precision,
    work: WorkLimit,
) -> NetworkFrame:
    """All values of a network over the steps of `signal` [T, B, ...].

    Raises:
        DiagnosticError: the work limit is reached (E0602), or the network cannot be executed
            (E0204).
    """
    started = {name: np.asarray(array, precision) for name, array in parameters.items()}
    image = list(np.asarray(signal, precision))
    values: dict[SSAValue, list[Array]] = {network.body.block.args[0]: image}
    frame = NetworkFrame(precision, len(image), started, work, Closeness(), values)
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


def _linear(op: snn.LinearOp, frame: NetworkFrame, time: int) -> Array:
    weight, value = frame.parameters[op.weight_name], frame.values[op.input][time]
    frame.work.spend(value.size * len(weight))
    current = value @ weight.T
    return current if op.bias_name is None else current + frame.parameters[op.bias_name]


def _add(op: snn.AddOp, frame: NetworkFrame, time: int) -> Array:
    return frame.values[op.left][time] + frame.values[op.right][time]


def _reshape(op: snn.FlattenOp, frame: NetworkFrame, time: int) -> Array:
    shape = snn.known_shape(op.results[0])
    assert shape is not None
    return frame.values[op.operands[0]][time].reshape(-1, *shape)


def _previous(op: snn.PreviousOp, frame: NetworkFrame, time: int) -> Array:
    if time > 0:
        return frame.values[op.value][time - 1]
    shape = snn.known_shape(op.result)
    assert shape is not None
    return np.zeros((frame.batch, *shape), frame.precision)


def _lif(op: snn.LifOp, frame: NetworkFrame, time: int) -> Array:
    neuron, current = Neuron.of(op.neuron, frame.precision), frame.values[op.current][time]
    before = frame.states.get(op, np.zeros_like(current))
    spikes = frame.values[op.spikes][time - 1] if time > 0 else np.zeros_like(current)
    potential = frame.states[op] = neuron.potential(before, spikes, current)
    frame.closeness.note(op, potential, neuron.edges)
    return neuron.spikes(potential)


def _li(op: snn.LiOp, frame: NetworkFrame, time: int) -> Array:
    current = frame.values[op.current][time]
    before = frame.states.get(op, np.zeros_like(current))
    decay = frame.precision(np.float32(op.decay.value.data))
    frame.states[op] = decay * before + current
    return frame.states[op]


OVER_TIME: tuple[type[Operation], ...] = ()
"""Operations that read all steps of their operands at each of theirs."""

STEP_RULES: dict[type[Operation], StepRule] = {
    snn.LinearOp: _linear,
    snn.AddOp: _add,
    snn.FlattenOp: _reshape,
    snn.PreviousOp: _previous,
    snn.LifOp: _lif,
    snn.LiOp: _li,
}
"""By the kind of operation."""
