"""A program's way to `bptt`, and what that computes in numpy: gradients without any machine."""

from __future__ import annotations

import numpy as np
from bptt_image_values import running_after
from bptt_values import Array, step_values
from reference_gradients import Batch, Gradients, Parameters
from snn_program import Network
from xdsl.dialects.builtin import ModuleOp
from xdsl.transforms import get_all_passes

from spikeloom.compiler import new_context
from spikeloom.dialects import bptt
from spikeloom.frontend.program import parse_program
from spikeloom.pass_pipeline import parse_passes
from spikeloom.passes.registry import PASSES


def expanded_step(network: Network, *, training: bool = True) -> tuple[ModuleOp, bptt.StepOp]:
    """The network's verified step, and the module that owns it."""
    module = parse_program(network.text(), "random.snn")
    options = f"training={str(training).lower()} steps={network.steps} batch={network.batch}"
    pipeline = f"infer-shapes,expand-bptt{{{options}}},cse,dce"
    for each in parse_passes(pipeline, {**get_all_passes(), **PASSES}):
        each.apply(new_context(), module)
        module.verify()
    (step,) = (op for op in module.ops if isinstance(op, bptt.StepOp))
    return module, step


def evaluate_step(step: bptt.StepOp, parameters: Parameters, batch: Batch) -> Gradients:
    """What the step reports of a batch, and its running statistics afterwards."""
    values = step_values(step, parameters, batch.signal, batch.labels)
    singles = {name: np.asarray(tensor, np.float32) for name, tensor in parameters.items()}

    def reports(kind: str) -> dict[str, Array]:
        return {
            op.subject.data: values[op.value]
            for op in step.body.block.ops
            if isinstance(op, bptt.ReportOp) and op.kind.data == kind
        }

    gradients = reports("gradient")
    updated = {
        op.parameter.root_reference.data: values[op.gradient]
        for op in step.body.block.ops
        if isinstance(op, bptt.OptimizeOp)
    }
    assert updated.keys() == gradients.keys()
    shapes = {name: p.type.get_shape() for name, p in step.parameters().items() if not p.is_running}
    return Gradients(
        loss=float(reports("loss")[""]),
        correct=int(reports("correct")[""]),
        spikes={name: spikes.astype(np.uint8) for name, spikes in reports("spikes").items()},
        # A parameter that the loss does not depend on has no gradient in the step.
        gradients={
            name: gradients.get(name, np.zeros(shape, np.float32)).astype(np.float64)
            for name, shape in shapes.items()
        },
        running={
            name: statistic.astype(np.float64)
            for name, statistic in running_after(step, values, singles).items()
        },
    )
