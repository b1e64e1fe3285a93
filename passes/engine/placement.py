"""Which home every value of a step gets, and what it is called.

Values of the step have a plane per time step; values inside a scan only where they are carried or
collected.
"""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import error
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp
from spikeloom.dialects.instruction_set import Element
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.schedule import is_recomputed
from spikeloom.passes.engine.images import is_view
from spikeloom.passes.engine.layers import statement
from spikeloom.passes.engine.layout import Layout, View


def lay_out(step: bptt.StepOp) -> Layout:
    """Gives every value of the step a place.

    Raises:
        DiagnosticError: an operation has no lowering, or a value cannot be reported (E0204).
    """
    layout = Layout(step.steps.value.data, step.batch.value.data)
    arguments = step.body.block.args
    layout.place_activation(arguments[0], arguments[0].name_hint or "input", True)
    layout.views[arguments[0]].home.role = ("input", "")
    if len(arguments) > 1:
        label = layout.new_home("label", Element.I32, (1, layout.samples, 1, 1), False)
        label.role = ("label", "")
        layout.views[arguments[1]] = View(label)
    for op in step.body.block.ops:
        _place(layout, op, timed=True)
    for value in list(layout.carried):
        layout.view(value)
    for op in step.body.block.ops:
        if isinstance(op, bptt.ReportOp):
            _assign_role(layout, op)
    return layout


def _place(layout: Layout, op: Operation, timed: bool) -> None:
    """Gives an operation's results a place; `timed` where there is a plane per step."""
    if (view := _view_of(op)) is not None:
        value, shift = view
        layout.place_shifted(op.results[0], layout.view(value), shift)
    elif (name := _name_of(op)) is not None:
        layout.place_activation(op.results[0], name, timed)
    else:
        _place_several(layout, op, timed)


def _view_of(op: Operation) -> tuple[SSAValue, int] | None:
    """What an operation without work has for its operand, and how many steps later it is."""
    match op:
        case bptt.DelayOp():
            return op.value, -1
        case bptt.AdvanceOp():
            return op.value, 1
        case bptt.ReshapeOp() if is_view(op.value, op.reshaped):
            return op.value, 0
        case bptt.SliceOp() if op.value.type == op.part.type:
            return op.value, 0
        case _:
            return None


def _name_of(op: Operation) -> str | None:
    """What the one sequence that an operation computes is called, None for other operations."""
    match op:
        case bptt.SynapseOp() | bptt.ConvolutionOp():
            return f"{statement(op.weight)}.current"
        case bptt.SynapseInputGradientOp() | bptt.ConvolutionInputGradientOp():
            return f"{statement(op.weight)}.input_gradient"
        case IntegrateOp():
            return f"{op.layer.data}.potential"
        case FireGradientOp() | IntegrateGradientOp():
            return f"{op.layer.data}.gradient"
        case bptt.NormalizeOp():
            return f"{statement(op.scale)}.normalized"
        case bptt.NormalizeGradientOp():
            return f"{statement(op.scale)}.normalize_gradient"
        case bptt.AddOp() | bptt.ReadoutGradientOp():
            return op.results[0].name_hint or "sum"
        case (
            bptt.PoolOp()
            | bptt.PoolGradientOp()
            | bptt.ConcatenateOp()
            | bptt.SliceOp()
            | bptt.ReshapeOp()
        ):
            return op.results[0].name_hint or op.name.removeprefix("bptt.")
        case _:
            return None


def _place_several(layout: Layout, op: Operation, timed: bool) -> None:
    match op:
        case FireOp() if is_recomputed(op):
            return  # its results never leave the chip
        case FireOp():
            for name, value in (
                ("spikes", op.spikes),
                ("mask", op.mask),
                ("potential", op.potential),
            ):
                if value is not None:
                    layout.place_activation(value, f"{op.layer.data}.{name}", timed)
        case (
            bptt.SynapseWeightGradientOp()
            | bptt.ConvolutionWeightGradientOp()
            | bptt.BiasGradientOp()
            | bptt.ScaleGradientOp()
        ):
            layout.place_parameter_like(op.results[0], "gradient")
        case bptt.MomentsOp():
            layout.place_parameter_like(op.mean, "mean")
            layout.place_parameter_like(op.variance, "variance")
        case bptt.ReadoutOp():
            layout.place_activation(op.readout, "readout", False)
        case bptt.LossOp():
            _place_loss(layout, op)
        case ScanOp():
            _place_scan(layout, op)
        case _:
            return


def _place_loss(layout: Layout, op: bptt.LossOp) -> None:
    for value, element in ((op.loss, Element.F32), (op.correct, Element.I32)):
        name = "loss" if element is Element.F32 else "correct"
        layout.views[value] = View(layout.new_home(name, element, (1, 1, 1, 1), False))
    if op.gradient is not None:
        layout.place_activation(op.gradient, "readout_gradient", False)


def _place_scan(layout: Layout, scan: ScanOp) -> None:
    """Values that are carried or collected get a plane per step, all others a single one."""
    for sequence, argument in zip(scan.sequences, scan.step_arguments, strict=True):
        layout.views[argument] = layout.view(sequence)
    shift = 1 if scan.is_backward else -1
    for argument, value in zip(scan.carried_arguments, scan.yielded.carried, strict=True):
        layout.carried[argument] = (value, shift)
    kept = set(scan.yielded.operands)
    while viewed := {source for v in kept if (source := _viewed(v)) is not None} - kept:
        kept |= viewed
    for op in scan.body.block.ops:
        if isinstance(op, YieldOp):
            continue
        if not isinstance(op, SCAN_OPERATIONS):
            raise error("E0204", f"{op.name} cannot stand inside a scan", location_of(op))
        _place(layout, op, timed=bool(kept & set(op.results)))
    for value, result in zip(scan.yielded.collected, scan.collected, strict=True):
        layout.views[result] = layout.view(value)


def _viewed(value: SSAValue) -> SSAValue | None:
    view = _view_of(value.owner) if isinstance(value.owner, Operation) else None
    return None if view is None else view[0]


SCAN_OPERATIONS = (
    bptt.SynapseOp,
    bptt.ConvolutionOp,
    bptt.PoolOp,
    bptt.AddOp,
    bptt.ReshapeOp,
    bptt.ConcatenateOp,
    bptt.SliceOp,
    bptt.SynapseInputGradientOp,
    bptt.ConvolutionInputGradientOp,
    bptt.PoolGradientOp,
    FireOp,
    FireGradientOp,
    IntegrateOp,
    IntegrateGradientOp,
)
"""What may stand inside a scan: operations that work on one step."""


def _assign_role(layout: Layout, op: bptt.ReportOp) -> None:
    view = layout.view(op.value)
    role = (op.kind.data, op.subject.data)
    name = " ".join(role).strip()
    if view.shift or view.home.role not in (None, role):
        raise error(
            "E0204",
            f"{name} cannot be reported: its buffer is reported as something else",
            location_of(op),
        )
    if any(home.role == role and home is not view.home for home in layout.homes):
        raise error("E0204", f"{name} is reported twice", location_of(op))
    view.home.role = role
