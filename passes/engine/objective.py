"""Lowering of what is optimised: the readout, the loss, and their gradients."""

from __future__ import annotations

from spikeloom.dialects import bptt
from spikeloom.dialects.instruction_set import Element
from spikeloom.dialects.training import LossKind
from spikeloom.passes.engine.elementwise import activation_buffer, unit_axes
from spikeloom.passes.engine.tiles import TileBuffer, samples
from spikeloom.passes.engine.writer import Writer


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
        TileBuffer("label", Element.I32, "state_sram", (1, "samples", 1, 1)),
    ]
    roles = ["loss", "correct", "readout", "label"]
    if op.gradient is not None:
        gradient = TileBuffer("gradient", Element.F32, "state_sram", (1, "samples", 1, classes))
        buffers.append(gradient)
        roles.append("gradient")
    cross_entropy = op.kind.data is LossKind.CROSS_ENTROPY
    scale = 1.0 / batch if cross_entropy else 1.0 / (batch * classes)
    nest = writer.nest("loss", [samples(batch)], buffers, op)
    nest.clear("loss", (1, 1, 1, 1))
    nest.clear("correct", (1, 1, 1, 1))
    with nest.loop("samples") as g:
        nest.load("readout", nest.at(op.readout, g), (1, g, 1, classes))
        nest.load("label", nest.at(op.label, g), (1, g, 1, 1))
        name = "cross_entropy" if cross_entropy else "mean_squared_error"
        nest.on_tiles(name, roles, (g, classes), (scale,))
        if op.gradient is not None:
            nest.store("gradient", nest.at(op.gradient, g), (1, g, 1, classes))
    nest.store("loss", nest.at(op.loss, None), (1, 1, 1, 1))
    nest.store("correct", nest.at(op.correct, None), (1, 1, 1, 1))
