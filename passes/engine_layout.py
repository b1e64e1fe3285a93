"""Where every value of a step lives in DRAM, before anything is lowered.

Each computed value has a *home*, a buffer `[planes, samples, positions, features]` with a plane
per time step. Delays, advances, reshapes of vectors, and what a scan hands on are no work at all:
they are views of a home, shifted in time. A home gets as many extra planes of zeros, before and
after, as its views ask for, and as many rows of zeros, above and below its images, as the halos of
banded windows do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.dialects.builtin import SymbolRefAttr, i1
from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import DiagnosticError, error
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt_neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.bptt_scan import ScanOp, YieldOp
from spikeloom.dialects.instruction_set import Element, Shape
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.schedule import is_recomputed
from spikeloom.passes.engine_images import image_of, is_view


@dataclass
class Home:
    """A value's buffer in DRAM.

    Attributes:
        shape: of the data, without any zeros around them.
        timed: whether there is a plane per time step, or a single one.
        width: positions of a row of an image.
        lead, trail: planes of zeros before the first and after the last step.
        margin: rows of zeros above and below an image; the host finds the image between them.
        role: what the host knows it as.
    """

    name: str
    element: Element
    shape: Shape
    timed: bool
    width: int = 1
    lead: int = 0
    trail: int = 0
    margin: int = 0
    role: tuple[str, str] | None = None

    @property
    def padded_shape(self) -> Shape:
        """The buffer's shape, planes and rows of zeros included."""
        planes, samples, positions, features = self.shape
        return (
            planes + self.lead + self.trail,
            samples,
            positions + 2 * self.margin_positions,
            features,
        )

    @property
    def margin_positions(self) -> int:
        """Positions above the image."""
        return self.margin * self.width


@dataclass(frozen=True)
class View:
    """A value as its home moved along time: at step t it is the home's step t + shift."""

    home: Home
    shift: int = 0


@dataclass
class Layout:
    """The views of all values of one step.

    `carried` says of a scan's carried argument which value it was, and how many steps ago.
    """

    steps: int
    samples: int
    views: dict[SSAValue, View] = field(default_factory=dict[SSAValue, View])
    homes: list[Home] = field(default_factory=list[Home])
    _names: set[str] = field(default_factory=set[str])
    carried: dict[SSAValue, tuple[SSAValue, int]] = field(
        default_factory=dict[SSAValue, tuple[SSAValue, int]]
    )
    _resolving: set[SSAValue] = field(default_factory=set[SSAValue])

    def view(self, value: SSAValue) -> View:
        """Where a value lives.

        Raises:
            DiagnosticError: a scan hands a value on to itself and never computes it (E0204).
        """
        if value in self.views:
            return self.views[value]
        source, shift = self.carried[value]
        if value in self._resolving:
            raise self._never_computed(value)
        self._resolving.add(value)
        original = self.view(source)
        self._resolving.discard(value)
        return self.place_shifted(value, original, shift)

    def new_home(
        self, name: str, element: Element, shape: Shape, timed: bool, width: int = 1
    ) -> Home:
        """A home under a name that is not taken yet."""
        unique, number = name, 1
        while unique in self._names:
            number += 1
            unique = f"{name}.{number}"
        self._names.add(unique)
        home = Home(unique, element, shape, timed, width)
        self.homes.append(home)
        return home

    def place_activation(self, value: SSAValue, name: str, timed: bool) -> None:
        """A new home for spikes, masks, currents, potentials or their gradients."""
        image = image_of(value)
        element = Element.BIT if bptt.tensor_of(value).element_type == i1 else Element.F32
        planes = self.steps if timed else 1
        shape = (planes, self.samples, image.positions, image.features)
        self.views[value] = View(self.new_home(name, element, shape, timed, image.width))

    def place_parameter_like(self, value: SSAValue, name: str) -> None:
        """A new home for what has the shape of a parameter: a gradient, or a statistic."""
        shape = parameter_shape(bptt.tensor_of(value).get_shape())
        self.views[value] = View(self.new_home(name, Element.F32, shape, False))

    def place_shifted(self, value: SSAValue, original: View, shift: int) -> View:
        """A view of a value that has a place, `shift` steps later in its home."""
        home, total = original.home, original.shift + shift
        home.lead, home.trail = max(home.lead, -total), max(home.trail, total)
        self.views[value] = View(home, total)
        return self.views[value]

    def _never_computed(self, value: SSAValue) -> DiagnosticError:
        owner = value.owner
        place = owner if isinstance(owner, Operation) else owner.parent_op()
        return error(
            "E0204",
            "a scan hands this value on to itself without ever computing it",
            None if place is None else location_of(place),
        )


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
        label = layout.new_home("label", Element.I32, (1, 1, 1, layout.samples), False)
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
    match op:
        case bptt.SynapseOp() | bptt.ConvolutionOp():
            layout.place_activation(op.current, f"{statement(op.weight)}.current", timed)
        case bptt.AddOp() | bptt.ReadoutGradientOp():
            layout.place_activation(op.results[0], op.results[0].name_hint or "sum", timed)
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
        case IntegrateOp():
            layout.place_activation(op.result, f"{op.layer.data}.potential", timed)
        case FireGradientOp() | IntegrateGradientOp():
            layout.place_activation(op.results[0], f"{op.layer.data}.gradient", timed)
        case bptt.SynapseInputGradientOp() | bptt.ConvolutionInputGradientOp():
            name = f"{statement(op.weight)}.input_gradient"
            layout.place_activation(op.input_gradient, name, timed)
        case bptt.ReadoutOp():
            layout.place_activation(op.readout, "readout", False)
        case bptt.LossOp():
            _place_loss(layout, op)
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
        case bptt.NormalizeOp():
            layout.place_activation(op.normalized, f"{statement(op.scale)}.normalized", timed)
        case bptt.NormalizeGradientOp():
            name = f"{statement(op.scale)}.normalize_gradient"
            layout.place_activation(op.value_gradient, name, timed)
        case bptt.SliceOp() if op.value.type == op.part.type:
            layout.place_shifted(op.part, layout.view(op.value), 0)
        case bptt.PoolOp() | bptt.PoolGradientOp() | bptt.ConcatenateOp() | bptt.SliceOp():
            name = op.results[0].name_hint or op.name.removeprefix("bptt.")
            layout.place_activation(op.results[0], name, timed)
        case bptt.DelayOp():
            layout.place_shifted(op.shifted, layout.view(op.value), -1)
        case bptt.AdvanceOp():
            layout.place_shifted(op.shifted, layout.view(op.value), 1)
        case bptt.ReshapeOp() if is_view(op.value, op.reshaped):
            layout.place_shifted(op.reshaped, layout.view(op.value), 0)
        case bptt.ReshapeOp():
            layout.place_activation(op.reshaped, op.reshaped.name_hint or "reshaped", timed)
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
    """What a reshape without work has for its operand, None for other values."""
    op = value.owner
    if isinstance(op, bptt.ReshapeOp) and is_view(op.value, op.reshaped):
        return op.value
    return None


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


def parameter_shape(shape: Sequence[int]) -> Shape:
    """The buffer of a tensor of the language: [out, in], [out] or [out, in, height, width]."""
    outputs, *inputs = shape
    taps = math.prod(inputs[1:])
    return (taps, 1, inputs[0] if inputs else 1, outputs)


def statement(symbol: SymbolRefAttr) -> str:
    """The statement that a parameter belongs to: `hidden` of `@hidden.2.weight`."""
    return symbol.root_reference.data.split(".")[0]
