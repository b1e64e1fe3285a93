"""The value of every operation of a `bptt.step`, in numpy, straight from the dialect's page.

It exists to look at values that no machine keeps: those inside of a scan are stacked over its
turns, by time, so that every value can be counted as a whole. Single precision, as on the machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from bptt_image_values import ImageOperation, channel_sums, image_value, moments
from numpy.typing import NDArray
from xdsl.dialects.builtin import DYNAMIC_INDEX, i1
from xdsl.ir import Block, Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp
from spikeloom.dialects.neuron import NeuronAttr, Reset, SurrogateKind
from spikeloom.dialects.snn.parameter import ParameterOp
from spikeloom.dialects.training import LossKind

Array = NDArray[np.float32]
Index = tuple[int, ...]
F32 = np.float32
_WITHOUT_VALUES = YieldOp | ParameterOp | bptt.ReportOp | bptt.OptimizeOp | bptt.UpdateRunningOp


def step_values(
    step: bptt.StepOp,
    parameters: Mapping[str, Array],
    signal: NDArray[np.generic],
    labels: NDArray[np.int32],
    disturbed: tuple[SSAValue, Index] | None = None,
) -> dict[SSAValue, Array]:
    """Every value of the step; [T, B, ...] where it has time, also inside of scans.

    `disturbed` names one cell of one result, which gets another value before anything reads it.
    """
    run = _Run(step, {name: np.asarray(p, F32) for name, p in parameters.items()}, disturbed)
    image, *others = step.body.block.args
    run.now[image] = np.asarray(signal, F32)
    for label in others:
        run.now[label] = np.asarray(labels)
    # Numbers may underflow, and a branch that `where` does not take may divide by zero.
    with np.errstate(all="ignore"):
        run.block(step.body.block)
    return run.now


class _Run:
    def __init__(
        self,
        step: bptt.StepOp,
        parameters: Mapping[str, Array],
        disturbed: tuple[SSAValue, Index] | None,
    ):
        self.steps = step.steps.value.data
        self.parameters = parameters
        self.disturbed = disturbed
        self.time: int | None = None
        self.now: dict[SSAValue, Array] = {}

    def block(self, block: Block) -> None:
        for op in block.ops:
            if isinstance(op, ScanOp):
                self._scan(op)
            elif not isinstance(op, _WITHOUT_VALUES):
                self._apply(op)
            if self.disturbed is not None and self.disturbed[0] in op.results:
                self._disturb(*self.disturbed)

    def _disturb(self, value: SSAValue, index: Index) -> None:
        if self.time is not None:
            if index[0] != self.time:
                return
            index = index[1:]
        array = self.now[value] = np.array(self.now[value])
        array[index] = 1 - array[index] if bptt.tensor_of(value).element_type == i1 else 0.7

    def _scan(self, scan: ScanOp) -> None:
        batch = self.now[scan.sequences[0]].shape[1]
        state = [
            np.zeros((batch, *bptt.tensor_of(a).get_shape()[1:]), F32)
            for a in scan.carried_arguments
        ]
        times = range(self.steps)
        turns: dict[int, dict[SSAValue, Array]] = {}
        outer = self.now
        for time in reversed(times) if scan.is_backward else times:
            self.now, self.time = dict(outer), time
            for argument, sequence in zip(scan.step_arguments, scan.sequences, strict=True):
                self.now[argument] = outer[sequence][time]
            self.now.update(zip(scan.carried_arguments, state, strict=True))
            self.block(scan.body.block)
            state = [self.now[value] for value in scan.yielded.carried]
            turns[time] = {v: a for v, a in self.now.items() if v not in outer}
        self.now, self.time = outer, None
        stacks: dict[SSAValue, list[Array]] = defaultdict(list)
        for time in times:
            for value, array in turns[time].items():
                stacks[value].append(array)
        self.now.update({value: np.stack(arrays) for value, arrays in stacks.items()})
        for value, result in zip(scan.yielded.collected, scan.collected, strict=True):
            self.now[result] = self.now[value]

    def _apply(self, op: Operation) -> None:
        now = self.now
        match op:
            case FireOp():
                self._fire(op)
                return
            case FireGradientOp():
                self._fire_gradient(op)
                return
            case bptt.LossOp():
                self._loss(op)
                return
            case bptt.MomentsOp():
                now[op.mean], now[op.variance] = moments(now[op.value])
                return
            case bptt.SynapseOp():
                result = now[op.input] @ self._parameter(op.weight).T
                if op.bias is not None:
                    result = result + self._parameter(op.bias)
            case bptt.SynapseInputGradientOp():
                result = now[op.gradient] @ self._parameter(op.weight)
                if op.mask is not None:
                    result = np.where(now[op.mask] != 0, result, 0)
            case bptt.SynapseWeightGradientOp():
                result = np.einsum("tbo,tbi->oi", now[op.gradient], now[op.input])
            case bptt.BiasGradientOp():
                result = channel_sums(now[op.gradient])
            case bptt.AddOp():
                result = now[op.left] + now[op.right]
            case bptt.ReshapeOp():
                shape, value = bptt.tensor_of(op.reshaped).get_shape(), now[op.value]
                open_dimensions = shape.count(DYNAMIC_INDEX)
                result = value.reshape(*value.shape[:open_dimensions], *shape[open_dimensions:])
            case bptt.DelayOp():
                result = np.concatenate([np.zeros_like(now[op.value][:1]), now[op.value][:-1]])
            case bptt.AdvanceOp():
                result = np.concatenate([now[op.value][1:], np.zeros_like(now[op.value][:1])])
            case bptt.ReadoutOp():
                result = now[op.output].sum(axis=0) * self._readout_scale(op)
            case bptt.ReadoutGradientOp():
                spread = now[op.gradient] * self._readout_scale(op)
                result = np.broadcast_to(spread, (self.steps, *spread.shape))
            case IntegrateOp() | IntegrateGradientOp():
                result = self._leaky_sum(op)
            case _:
                assert isinstance(op, ImageOperation), f"no meaning for {op.name}"
                result = image_value(op, now, self.parameters)
        now[op.results[0]] = np.asarray(result, F32)

    def _parameter(self, symbol) -> Array:
        return self.parameters[symbol.root_reference.data]

    def _readout_scale(self, op: bptt.ReadoutOp | bptt.ReadoutGradientOp) -> np.float32:
        return F32(1.0 / self.steps if op.kind.data is bptt.ReadoutKind.MEAN else 1.0)

    def _loss(self, op: bptt.LossOp) -> None:
        readout, label = self.now[op.readout].astype(np.float64), self.now[op.label]
        target = np.eye(readout.shape[1])[label]
        if op.kind.data is LossKind.MSE:
            loss, gradient = np.mean((readout - target) ** 2), 2 * (readout - target) / readout.size
        else:
            shifted = readout - readout.max(axis=1, keepdims=True)
            logarithm = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
            loss = -np.sum(logarithm * target) / len(label)
            gradient = (np.exp(logarithm) - target) / len(label)
        self.now[op.loss] = np.asarray(loss, F32)
        self.now[op.correct] = np.asarray(np.sum(readout.argmax(axis=1) == label))
        if op.gradient is not None:
            self.now[op.gradient] = gradient.astype(F32)

    def _is_step(self, op: Operation) -> bool:
        return isinstance(op.parent_op(), ScanOp)

    def _leaky_sum(self, op: IntegrateOp | IntegrateGradientOp) -> Array:
        decay, value = F32(op.decay.value.data), self.now[op.value]
        if self._is_step(op):
            return value if op.state is None else decay * self.now[op.state] + value
        result = np.zeros_like(value)
        order = range(self.steps)
        state = np.zeros_like(value[0])
        for time in reversed(order) if isinstance(op, IntegrateGradientOp) else order:
            state = result[time] = decay * state + value[time]
        return result

    def _fire(self, op: FireOp) -> None:
        now, rule = self.now, _Neuron(op.neuron)
        current = now[op.current]
        if self._is_step(op):
            u = spikes = np.zeros_like(current)
            if op.previous_potential is not None:
                u = now[op.previous_potential]
            if op.previous_spikes is not None:
                spikes = now[op.previous_spikes]
            potential = rule.decay * rule.after_reset(u, spikes) + current
        else:
            potential = np.zeros_like(current)
            u = spikes = np.zeros_like(current[0])
            for time in range(self.steps):
                u = potential[time] = rule.decay * rule.after_reset(u, spikes) + current[time]
                spikes = (u > rule.threshold).astype(F32)
        now[op.spikes] = (potential > rule.threshold).astype(F32)
        if op.mask is not None:
            now[op.mask] = rule.has_derivative(potential).astype(F32)
        if op.potential is not None:
            now[op.potential] = potential

    def _fire_gradient(self, op: FireGradientOp) -> None:
        now, rule = self.now, _Neuron(op.neuron)
        gs = now[op.spike_gradient]
        nothing = np.zeros_like(gs)

        def given(value: SSAValue | None) -> Array:
            return nothing if value is None else now[value]

        spikes, mask, u = given(op.spikes), given(op.mask), given(op.potential)
        if self._is_step(op):
            following = given(op.next_gradient)
            now[op.gradient] = rule.gradient(gs, spikes, mask, u, following)
            return
        result, following = nothing.copy(), nothing[0]
        for t in reversed(range(self.steps)):
            following = result[t] = rule.gradient(gs[t], spikes[t], mask[t], u[t], following)
        now[op.gradient] = result


class _Neuron:
    def __init__(self, neuron: NeuronAttr):
        self.decay = F32(neuron.decay.value.data)
        self.threshold = F32(neuron.threshold.value.data)
        self.reset = neuron.reset.data
        self.kind = neuron.surrogate.data
        self.shape = F32(neuron.shape.value.data)
        self.gain = F32(neuron.gain.value.data)
        self.detached = neuron.detached

    def after_reset(self, u: Array, spikes: Array) -> Array:
        match self.reset:
            case Reset.ZERO:
                return np.where(spikes > 0, F32(0), u)
            case Reset.SUBTRACT:
                return np.where(spikes > 0, u - self.threshold, u)
            case Reset.NONE:
                return u

    def has_derivative(self, u: Array) -> NDArray[np.bool_]:
        inside = np.abs(u - self.threshold) < self.shape
        return inside if self.kind.is_compact else np.ones(u.shape, bool)

    def derivative(self, u: Array, mask: Array) -> Array:
        x = np.abs(u - self.threshold)
        match self.kind:
            case SurrogateKind.RECTANGLE:
                return self.gain * mask
            case SurrogateKind.TRIANGLE:
                return np.where(x < self.shape, self.gain * (F32(1) - x / self.shape), F32(0))
            case SurrogateKind.FAST_SIGMOID:
                return F32(1) / (F32(1) + self.shape * x) ** 2
            case SurrogateKind.ATAN:
                return self.shape / F32(2) / (F32(1) + (F32(np.pi / 2) * self.shape * x) ** 2)

    def gradient(self, gs: Array, spikes: Array, mask: Array, u: Array, following: Array) -> Array:
        taken = {Reset.ZERO: u, Reset.SUBTRACT: self.threshold, Reset.NONE: F32(0)}[self.reset]
        if not self.detached:
            gs = gs - self.decay * taken * following
        stays = F32(1) - spikes if self.reset is Reset.ZERO else F32(1)
        return (self.derivative(u, mask) * gs + self.decay * stays * following).astype(F32)
