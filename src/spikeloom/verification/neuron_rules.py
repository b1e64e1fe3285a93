"""The operations of neurons in a training step, over sequences and at one step of a scan."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.verification.arrays import Array
from spikeloom.verification.neuron_arithmetic import Neuron
from spikeloom.verification.step_frame import Frame, Rule, is_in_scan


def fire(op: FireOp, frame: Frame) -> tuple[Array, ...]:
    """Spikes, and the mask and potential if they are saved."""
    neuron, current = Neuron.of(op.neuron, frame.precision), frame[op.current]
    nothing = np.zeros_like(current if is_in_scan(op) else current[0])
    before = _given(op.previous_potential, frame, nothing)
    spikes = _given(op.previous_spikes, frame, nothing)
    layer = op.layer.data
    if frame.time is not None:
        potential = neuron.potential(before, spikes, current)
        bits, mask = frame.fire((layer, frame.time), neuron, potential)
    else:
        potential, bits, mask = (np.zeros_like(current) for _ in range(3))
        for time, charge in enumerate(current):
            before = potential[time] = neuron.potential(before, spikes, charge)
            bits[time], mask[time] = frame.fire((layer, time), neuron, before)
            spikes = bits[time]
    results = [bits]
    if op.mask is not None:
        results.append(mask)
    if op.potential is not None:
        results.append(potential)
    return tuple(results)


def fire_gradient(op: FireGradientOp, frame: Frame) -> tuple[Array, ...]:
    """The gradient of the potential."""
    neuron, source = Neuron.of(op.neuron, frame.precision), frame[op.spike_gradient]
    nothing = np.zeros_like(source)
    spikes = _given(op.spikes, frame, nothing)
    mask = _given(op.mask, frame, nothing)
    potential = _given(op.potential, frame, nothing)
    if is_in_scan(op):
        following = _given(op.next_gradient, frame, nothing)
        return (neuron.gradient(source, spikes, mask, potential, following),)
    result, following = nothing.copy(), nothing[0]
    for time in reversed(range(len(source))):
        now = (spikes[time], mask[time], potential[time])
        following = result[time] = neuron.gradient(source[time], *now, following)
    return (result,)


def integrate(op: IntegrateOp | IntegrateGradientOp, frame: Frame) -> tuple[Array, ...]:
    """y[t] = decay * y[neighbour of t] + x[t]; the gradient is the same backwards."""
    decay, value = frame.constant(op.decay.value.data), frame[op.value]
    if is_in_scan(op):
        return (value if op.state is None else decay * frame[op.state] + value,)
    result, state = np.zeros_like(value), np.zeros_like(value[0])
    order = range(len(value))
    for time in reversed(order) if isinstance(op, IntegrateGradientOp) else order:
        state = result[time] = decay * state + value[time]
    return (result,)


def _given(value: SSAValue | None, frame: Frame, otherwise: Array) -> Array:
    return otherwise if value is None else frame[value]


NEURON_RULES: dict[type[Operation], Rule] = {
    FireOp: fire,
    FireGradientOp: fire_gradient,
    IntegrateOp: integrate,
    IntegrateGradientOp: integrate,
}
"""By the kind of operation."""
