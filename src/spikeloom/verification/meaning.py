"""What a module computes on a draw, at whatever level it stands: named values to compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from spikeloom.dialects import bptt, snn
from spikeloom.dialects.snn.parameter import ParameterOp
from spikeloom.dialects.training import LossKind, OptimizerAttr
from spikeloom.verification.arrays import Array
from spikeloom.verification.decisions import Decide
from spikeloom.verification.network_frame import NetworkFrame
from spikeloom.verification.objective_rules import objective
from spikeloom.verification.step_evaluator import Evaluation


class Level(Enum):
    """A level of the IR that can be executed."""

    NETWORK = "snn"
    TRAINING = "bptt"
    MACHINE = "engine"


ValueName = tuple[str, str]
"""What a value is known as: its kind (`loss`, `spikes`, `gradient`, ...) and its subject."""


@dataclass(frozen=True)
class Meaning:
    """What was computed.

    Attributes:
        values: by name; `("parameter", "a.weight")` is one after the update.
        optimizers: how the parameters were updated, by name.
        again: computes it once more, with another say about what neurons decide; None of a
            program, whose decisions are the machine's.
    """

    level: Level
    values: Mapping[ValueName, Array]
    optimizers: Mapping[str, OptimizerAttr] = field(default_factory=dict)
    again: Callable[[Decide], Meaning] | None = None


def name_of(value: ValueName) -> str:
    """The name in words: "the loss", "the gradient of `hidden.weight`"."""
    kind, subject = value
    words = "updated parameter" if kind == "parameter" else kind
    return f"the {words} of `{subject}`" if subject else f"the {words}"


def network_meaning(
    frame: NetworkFrame, network: snn.NetworkOp, train: snn.TrainOp | None, labels: Array
) -> Meaning:
    """The output, the spikes of every layer, and readout and loss as training takes them."""
    output = frame.sequence(network.returned.output)
    values: dict[ValueName, Array] = {("output", ""): output}
    for op in network.body.block.ops:
        if isinstance(op, snn.LifOp):
            values["spikes", op.layer.data] = frame.sequence(op.spikes)
    is_mean = train is not None and train.loss.data is LossKind.MSE
    scale = frame.precision(np.float32(1.0 / frame.steps if is_mean else 1.0))
    readout = values["readout", ""] = output.sum(axis=0) * scale
    if train is not None and readout.ndim == 2:
        found = objective(train.loss.data, readout, labels)
        values["loss", ""] = found.loss.astype(frame.precision)
        values["correct", ""] = found.correct
    return Meaning(Level.NETWORK, values)


def step_meaning(step: bptt.StepOp, found: Evaluation) -> Meaning:
    """Everything that the step reports, and the parameters that it updates."""
    values: dict[ValueName, Array] = {}
    optimizers: dict[str, OptimizerAttr] = {}
    for op in step.body.block.ops:
        if isinstance(op, bptt.ReportOp):
            values[op.kind.data, op.subject.data] = found.values[op.value]
        elif isinstance(op, bptt.OptimizeOp):
            optimizers[op.parameter.root_reference.data] = op.optimizer
        elif isinstance(op, ParameterOp):
            name = op.sym_name.data
            values["parameter", name] = found.parameters[name]
    return Meaning(Level.TRAINING, values, optimizers)
