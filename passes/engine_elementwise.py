"""Lowering of what works unit by unit: neurons, sums, readout and loss, optimizers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt_neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.instruction_set import Element
from spikeloom.dialects.neuron import NeuronAttr, Reset, SurrogateKind
from spikeloom.dialects.schedule import is_recomputed
from spikeloom.dialects.training import (
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPSILON,
    LossKind,
    OptimizerAttr,
    OptimizerKind,
)
from spikeloom.passes.engine_images import image_of
from spikeloom.passes.engine_layout import Home, statement
from spikeloom.passes.engine_tiles import (
    SAMPLE_GROUP,
    Axis,
    TileBuffer,
    positions,
    samples,
    taps,
    units,
)
from spikeloom.passes.engine_writer import Writer

_RESETS = tuple(Reset)
_SURROGATES = tuple(SurrogateKind)


def neuron_immediates(neuron: NeuronAttr) -> tuple[float, ...]:
    """Decay, threshold, reset, surrogate, shape and gain, as the instruction table orders them."""
    return (
        neuron.decay.value.data,
        neuron.threshold.value.data,
        float(_RESETS.index(neuron.reset.data)),
        float(_SURROGATES.index(neuron.surrogate.data)),
        neuron.shape.value.data,
        neuron.gain.value.data,
    )


def lower_fire(writer: Writer, op: FireOp) -> None:
    """Spikes, and the mask and potential that are kept."""
    written = {"spikes": op.spikes, "mask": op.mask, "potential": op.potential}
    read = {
        "current": op.current,
        "previous_potential": op.previous_potential,
        "previous_spikes": op.previous_spikes,
    }
    unit_by_unit(writer, "fire", op, written, read, neuron_immediates(op.neuron), op.layer.data)


def lower_fire_gradient(writer: Writer, op: FireGradientOp) -> None:
    """The gradient of the currents of a spiking layer, which may fire again in front of it."""
    read = {
        "spike_gradient": op.spike_gradient,
        "spikes": op.spikes,
        "mask": op.mask,
        "potential": op.potential,
        "next_gradient": op.next_gradient,
    }
    immediates = (*neuron_immediates(op.neuron), float(op.neuron.detached))
    unit_by_unit(
        writer, "fire_gradient", op, {"gradient": op.gradient}, read, immediates, op.layer.data
    )


def _fired_again(values: Mapping[str, SSAValue]) -> tuple[FireOp | None, tuple[str, ...]]:
    """The layer that fires again, tile by tile, and the roles whose values come from that."""
    made = {role: value.owner for role, value in values.items()}
    again = {
        role: owner
        for role, owner in made.items()
        if isinstance(owner, FireOp) and is_recomputed(owner)
    }
    return next(iter(again.values()), None), tuple(again)


def lower_integrate(writer: Writer, op: IntegrateOp) -> None:
    """A leaky integrator."""
    read = {"current": op.value, "previous_potential": op.state}
    unit_by_unit(
        writer,
        "integrate",
        op,
        {"potential": op.result},
        read,
        (op.decay.value.data,),
        op.layer.data,
    )


def lower_integrate_gradient(writer: Writer, op: IntegrateGradientOp) -> None:
    """The gradient of the currents of a leaky integrator."""
    read = {"potential_gradient": op.value, "next_gradient": op.state}
    unit_by_unit(
        writer,
        "integrate_gradient",
        op,
        {"gradient": op.result},
        read,
        (op.decay.value.data,),
        op.layer.data,
    )


def lower_add(writer: Writer, op: bptt.AddOp) -> None:
    """An element-wise sum."""
    read = {"left": op.left, "right": op.right}
    unit_by_unit(writer, "add", op, {"sum": op.sum}, read)


def unit_by_unit(
    writer: Writer,
    name: str,
    op: Operation,
    written: Mapping[str, SSAValue | None],
    read: Mapping[str, SSAValue | None],
    immediates: Sequence[float] = (),
    layer: str = "",
) -> None:
    """One instruction per group of samples, positions and units; state roles are one step long."""
    values = {role: value for role, value in (*written.items(), *read.items()) if value is not None}
    steps, whole = writer.clock.extent, writer.clock.length
    states = [role for role in values if role.startswith(("previous", "next"))]
    again, made = _fired_again(values)
    tiled = values if again is None else {**values, "current": again.current}
    buffers = [
        activation_buffer(writer, role, value, 1 if role in states else whole)
        for role, value in tiled.items()
    ]
    loaded = {role: value for role, value in read.items() if value is not None and role not in made}
    nest = writer.nest(name, unit_axes(writer, op.results[0]), buffers, op, layer)
    with nest.loop("samples") as g, nest.loop_over_pixels() as p, nest.loop("units") as u:
        pixels = 1 if p is None else p
        if again is not None:
            nest.load("current", nest.at(again.current, g, u, p), (steps, g, pixels, u))
            numbers = neuron_immediates(again.neuron)
            nest.on_tiles("fire", (*made, "current"), (steps, g, pixels, u), numbers)
        for role, value in loaded.items():
            box = (1 if role in states else steps, g, pixels, u)
            nest.load(role, nest.at(value, g, u, p), box)
        nest.on_tiles(name, tuple(values), (steps, g, pixels, u), immediates)
        for role, value in written.items():
            if value is not None:
                nest.store(role, nest.at(value, g, u, p), (steps, g, pixels, u))


def unit_axes(writer: Writer, value: SSAValue) -> list[Axis]:
    """Samples, positions and units of a value."""
    image = image_of(value)
    return [
        samples(writer.layout.samples),
        positions(image.positions),
        units("units", image.features),
    ]


def activation_buffer(writer: Writer, role: str, value: SSAValue, steps: int) -> TileBuffer:
    """A tile of that many steps of a value."""
    element = Element.BIT if bptt.tensor_of(value).element_type == i1 else Element.F32
    memory = "spike_sram" if element is Element.BIT else "state_sram"
    return TileBuffer(role, element, memory, (steps, "samples", "positions", "units"))


def lower_readout(writer: Writer, op: bptt.ReadoutOp) -> None:
    """The sum of the output over the steps, times 1 or 1 / steps."""
    steps = writer.clock.extent
    buffers = [
        activation_buffer(writer, "output", op.output, writer.clock.length),
        activation_buffer(writer, "sum", op.readout, 1),
    ]
    nest = writer.nest("readout", unit_axes(writer, op.readout), buffers, op)
    with nest.loop("samples") as g, nest.loop_over_pixels() as p, nest.loop("units") as u:
        pixels = 1 if p is None else p
        box = (steps, g, pixels, u)
        nest.load("output", nest.at(op.output, g, u, p), box)
        nest.on_tiles("readout", ("sum", "output"), box, (_time_scale(writer, op.kind),))
        nest.store("sum", nest.at(op.readout, g, u, p), (1, g, pixels, u))


def lower_readout_gradient(writer: Writer, op: bptt.ReadoutGradientOp) -> None:
    """The readout's gradient at every step, times 1 or 1 / steps."""
    steps = writer.clock.extent
    buffers = [
        activation_buffer(writer, "readout_gradient", op.gradient, 1),
        activation_buffer(writer, "gradient", op.output_gradient, writer.clock.length),
    ]
    nest = writer.nest("spread", unit_axes(writer, op.gradient), buffers, op)
    with nest.loop("samples") as g, nest.loop_over_pixels() as p, nest.loop("units") as u:
        pixels = 1 if p is None else p
        nest.load("readout_gradient", nest.at(op.gradient, g, u, p), (1, g, pixels, u))
        box, scale = (steps, g, pixels, u), (_time_scale(writer, op.kind),)
        nest.on_tiles("spread", ("gradient", "readout_gradient"), box, scale)
        nest.store("gradient", nest.at(op.output_gradient, g, u, p), box)


def _time_scale(writer: Writer, kind: bptt.ReadoutAttr) -> float:
    return 1.0 if kind.data is bptt.ReadoutKind.SUM else 1.0 / writer.layout.steps


def lower_loss(writer: Writer, op: bptt.LossOp) -> None:
    """Loss and right decisions of all samples, and the readout's gradient."""
    classes, batch = bptt.unit_count(op.readout.type), writer.layout.samples
    buffers = [
        TileBuffer("loss", Element.F32, "state_sram", (1, 1, 1, 1)),
        TileBuffer("correct", Element.I32, "state_sram", (1, 1, 1, 1)),
        TileBuffer("readout", Element.F32, "state_sram", (1, "samples", 1, classes)),
        TileBuffer("label", Element.I32, "state_sram", (1, 1, 1, "samples")),
    ]
    roles = ["loss", "correct", "readout", "label"]
    if op.gradient is not None:
        gradient = TileBuffer("gradient", Element.F32, "state_sram", (1, "samples", 1, classes))
        buffers.append(gradient)
        roles.append("gradient")
    cross_entropy = op.kind.data is LossKind.CROSS_ENTROPY
    scale = 1.0 / batch if cross_entropy else 1.0 / (batch * classes)
    nest = writer.nest("loss", [samples(batch, SAMPLE_GROUP)], buffers, op)
    label = writer.layout.view(op.label).home
    nest.clear("loss", (1, 1, 1, 1))
    nest.clear("correct", (1, 1, 1, 1))
    with nest.loop("samples") as g:
        nest.load("readout", nest.at(op.readout, g), (1, g, 1, classes))
        nest.load("label", nest.home(label, None, g), (1, 1, 1, g))
        name = "cross_entropy" if cross_entropy else "mean_squared_error"
        nest.on_tiles(name, roles, (g, classes), (scale,))
        if op.gradient is not None:
            nest.store("gradient", nest.at(op.gradient, g), (1, g, 1, classes))
    nest.store("loss", nest.at(op.loss, None), (1, 1, 1, 1))
    nest.store("correct", nest.at(op.correct, None), (1, 1, 1, 1))


class OptimizerState:
    """Homes of the optimizer's state, made when the first update asks for them."""

    def __init__(self, writer: Writer):
        self._writer = writer
        self._count: Home | None = None

    def moment(self, parameter: str, name: str, like: Home) -> Home:
        """A moment of one parameter."""
        home = self._writer.layout.new_home(f"{parameter}.{name}", Element.F32, like.shape, False)
        home.role = ("optimizer", f"{parameter}.{name}")
        return home

    def count(self, source: Operation) -> Home:
        """The number of updates, this one included; counted once per step."""
        if self._count is None:
            writer = self._writer
            self._count = writer.layout.new_home("count", Element.I32, (1, 1, 1, 1), False)
            self._count.role = ("optimizer", "count")
            buffer = TileBuffer("count", Element.I32, "gradient_sram", (1, 1, 1, 1))
            nest = writer.nest("count", [], [buffer], source)
            nest.load("count", nest.home(self._count, None, None), (1, 1, 1, 1))
            nest.on_tiles("count_step", ("count",), ())
            nest.store("count", nest.home(self._count, None, None), (1, 1, 1, 1))
        return self._count


def lower_optimize(
    writer: Writer, op: bptt.OptimizeOp, parameter: Home, state: OptimizerState
) -> None:
    """One parameter's update."""
    name = op.parameter.root_reference.data
    gradient = writer.layout.view(op.gradient).home
    homes = {"parameter": parameter, **_moments(op.optimizer, name, parameter, state)}
    adam = op.optimizer.kind.data is not OptimizerKind.SGD
    window, _, inputs, outputs = parameter.shape
    axes = [*([taps(window)] if window > 1 else []), units("inputs", inputs)]
    dims = ("taps" if window > 1 else 1, 1, "inputs", "outputs")
    buffers = [
        TileBuffer(
            role,
            Element.F32,
            "weight_sram" if role == "parameter" else "gradient_sram",
            dims,
        )
        for role in (*homes, "gradient")
    ]
    roles = [*homes, "gradient"]
    count = state.count(op) if adam else None
    if count is not None:
        buffers.append(TileBuffer("count", Element.I32, "gradient_sram", (1, 1, 1, 1)))
        roles.append("count")
    axes.append(units("outputs", outputs))
    nest = writer.nest("optimize", axes, buffers, op, statement(op.parameter))
    if count is not None:
        nest.load("count", nest.home(count, None, None), (1, 1, 1, 1))
    with nest.loop_if_any("taps") as t, nest.loop("inputs") as i, nest.loop("outputs") as o:
        kernel = 1 if t is None else t
        for role, home in (*homes.items(), ("gradient", gradient)):
            nest.load(role, nest.home(home, i, o, t), (kernel, 1, i, o))
        immediates = _optimizer_immediates(op.optimizer)
        nest.on_tiles("adam" if adam else "sgd", roles, (kernel, i, o), immediates)
        for role, home in homes.items():
            nest.store(role, nest.home(home, i, o, t), (kernel, 1, i, o))


def _moments(
    optimizer: OptimizerAttr, name: str, parameter: Home, state: OptimizerState
) -> dict[str, Home]:
    if optimizer.kind.data is not OptimizerKind.SGD:
        moments = ("first_moment", "second_moment")
    else:
        moments = ("velocity",) if optimizer.momentum.value.data else ()
    return {moment: state.moment(name, moment, parameter) for moment in moments}


def _optimizer_immediates(optimizer: OptimizerAttr) -> tuple[float, ...]:
    rate = optimizer.rate.value.data
    if optimizer.kind.data is OptimizerKind.SGD:
        return (rate, optimizer.momentum.value.data)
    return (rate, ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON, optimizer.decay.value.data)
