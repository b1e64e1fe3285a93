"""Lowering of what works unit by unit: neurons and sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.instruction_set import Element
from spikeloom.dialects.neuron import NeuronAttr, Reset, SurrogateKind
from spikeloom.dialects.schedule import is_recomputed
from spikeloom.passes.engine.images import image_of
from spikeloom.passes.engine.tiles import (
    Axis,
    TileBuffer,
    positions,
    samples,
    units,
)
from spikeloom.passes.engine.writer import Writer

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
    unit_by_unit(writer, "fire", op, written, read, neuron_immediates(op.neuron))


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
    unit_by_unit(writer, "fire_gradient", op, {"gradient": op.gradient}, read, immediates)


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
) -> None:
    """One instruction per group of samples, positions and units; state roles are one step long."""
    values = {role: value for role, value in (*written.items(), *read.items()) if value is not None}
    steps, whole = writer.clock.extent, writer.clock.length
    states = [role for role in values if role.startswith(("previous", "next"))]
    again, made = _fired_again(values)
    tiled = values
    if again is not None:
        tiled = {**values, "spikes": again.spikes, "current": again.current}
    buffers = [
        activation_buffer(writer, role, value, 1 if role in states else whole)
        for role, value in tiled.items()
    ]
    loaded = {role: value for role, value in read.items() if value is not None and role not in made}
    nest = writer.nest(name, unit_axes(writer, op.results[0]), buffers, op)
    with nest.loop("samples") as g, nest.loop_over_pixels() as p, nest.loop("units") as u:
        pixels = 1 if p is None else p
        if again is not None:
            nest.load("current", nest.at(again.current, g, u, p), (steps, g, pixels, u))
            numbers = neuron_immediates(again.neuron)
            nest.on_tiles(
                "fire_again", sorted({*made, "spikes", "current"}), (steps, g, pixels, u), numbers
            )
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
