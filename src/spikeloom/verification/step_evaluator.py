"""The meaning of a `bptt.step`, in numpy, straight from the dialect's page.

Values inside of a scan are stacked over its turns, by time, so that every value is there as a
whole, also those that no machine keeps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from xdsl.ir import Block, Operation, SSAValue

from spikeloom.diagnostics import error
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn.parameter import ParameterOp
from spikeloom.verification.arrays import Array, Precision
from spikeloom.verification.decisions import Decide, Decider, Record, by_comparison
from spikeloom.verification.image_rules import IMAGE_RULES
from spikeloom.verification.matrix_rules import MATRIX_RULES
from spikeloom.verification.neuron_rules import NEURON_RULES
from spikeloom.verification.normalization_rules import NORMALIZATION_RULES, updated_statistic
from spikeloom.verification.objective_rules import OBJECTIVE_RULES, updated
from spikeloom.verification.step_frame import Frame, Rule

RULES: dict[type[Operation], Rule] = {
    **MATRIX_RULES,
    **IMAGE_RULES,
    **NEURON_RULES,
    **NORMALIZATION_RULES,
    **OBJECTIVE_RULES,
}
"""Every operation with results but the scan."""

Observer = Callable[[Operation, Frame], None]
"""Sees the frame after each operation, and may change the values in it."""


@dataclass(frozen=True)
class Evaluation:
    """What a step computed.

    Attributes:
        values: by IR value; [T, B, ...] where it has time, also inside of scans.
        parameters: all of them after the step, by name.
        record: what neurons decided.
    """

    values: dict[SSAValue, Array]
    parameters: dict[str, Array]
    record: Record


def evaluate_step(
    step: bptt.StepOp,
    parameters: Mapping[str, Array],
    signal: Array,
    labels: Array,
    precision: Precision = np.float32,
    observer: Observer | None = None,
    decide: Decide = by_comparison,
) -> Evaluation:
    """Executes one training step, the first one: optimizers start from zeros.

    Args:
        parameters: in the language's shapes, by name.
        signal: [T, B, ...]; T and B are the step's.
        labels: [B], integers.
        observer: is called after each operation.
        decide: about spikes and masks.

    Raises:
        DiagnosticError: an operation has no meaning (E0204).
    """
    started = {name: np.asarray(array, precision) for name, array in parameters.items()}
    steps, batch = signal.shape[:2]
    frame = Frame(precision, steps, batch, started, Decider(decide))
    image, *others = step.body.block.args
    frame.now[image] = frame.real(signal)
    for argument in others:
        frame.now[argument] = np.asarray(labels)
    run = _Run(frame, observer, dict(started))
    # Numbers may underflow, and a branch that `where` does not take may divide by zero.
    with np.errstate(all="ignore"):
        run.block(step.body.block)
    return Evaluation(frame.now, run.updated, frame.fire.record)


@dataclass
class _Run:
    frame: Frame
    observer: Observer | None
    updated: dict[str, Array]

    def block(self, block: Block) -> None:
        for op in block.ops:
            match op:
                case ScanOp():
                    self._scan(op)
                case YieldOp() | ParameterOp() | bptt.ReportOp():
                    continue
                case bptt.OptimizeOp():
                    name = op.parameter.root_reference.data
                    before, gradient = self.frame.parameter(op.parameter), self.frame[op.gradient]
                    self.updated[name] = updated(op.optimizer, before, gradient)
                case bptt.UpdateRunningOp():
                    name = op.parameter.root_reference.data
                    self.updated[name] = self.frame.real(updated_statistic(op, self.frame))
                case _:
                    self._apply(op)
            if self.observer is not None:
                self.observer(op, self.frame)

    def _apply(self, op: Operation) -> None:
        rule = RULES.get(type(op))
        if rule is None:
            raise error("E0204", f"{op.name} cannot be executed", location_of(op))
        for result, array in zip(op.results, rule(op, self.frame), strict=True):
            is_label = array.dtype.kind == "i"
            self.frame.now[result] = array if is_label else self.frame.real(array)

    def _scan(self, scan: ScanOp) -> None:
        frame = self.frame
        state = [
            np.zeros((frame.batch, *bptt.tensor_of(argument).get_shape()[1:]), frame.precision)
            for argument in scan.carried_arguments
        ]
        times = range(frame.steps)
        turns: dict[int, dict[SSAValue, Array]] = {}
        outer = frame.now
        for time in reversed(times) if scan.is_backward else times:
            frame.now, frame.time = dict(outer), time
            for argument, sequence in zip(scan.step_arguments, scan.sequences, strict=True):
                frame.now[argument] = outer[sequence][time]
            frame.now.update(zip(scan.carried_arguments, state, strict=True))
            self.block(scan.body.block)
            state = [frame.now[value] for value in scan.yielded.carried]
            turns[time] = {v: a for v, a in frame.now.items() if v not in outer}
        frame.now, frame.time = outer, None
        stacks: dict[SSAValue, list[Array]] = defaultdict(list)
        for time in times:
            for value, array in turns[time].items():
                stacks[value].append(array)
        outer.update({value: np.stack(arrays) for value, arrays in stacks.items()})
        for value, result in zip(scan.yielded.collected, scan.collected, strict=True):
            outer[result] = outer[value]
