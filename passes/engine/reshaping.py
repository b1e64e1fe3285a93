"""Lowering of what only moves cells: images as vectors and back, channels joined and parted."""

from __future__ import annotations

from xdsl.ir import Operation

from spikeloom.diagnostics import error
from spikeloom.dialects import bptt
from spikeloom.dialects.instruction_set import Element
from spikeloom.dialects.locations import location_of
from spikeloom.passes.engine.images import Image, image_of, is_view
from spikeloom.passes.engine.layout import View
from spikeloom.passes.engine.tiles import Dim, Span, TileBuffer, positions, samples, times, units
from spikeloom.passes.engine.writer import Writer


def lower_reshape(writer: Writer, op: bptt.ReshapeOp) -> None:
    """From image to vector, from vector to image, or both; nothing where all cells stay."""
    if is_view(op.value, op.reshaped):
        return
    layout = writer.layout
    before, after = image_of(op.value), image_of(op.reshaped)
    source, target = layout.view(op.value), layout.view(op.reshaped)
    if after.positions == 1:
        _move(writer, "flatten", op, before, source, target)
    elif before.positions == 1:
        _move(writer, "unflatten", op, after, target, source)
    else:
        timed = writer.clock.loop is None
        shape = (writer.clock.length, layout.samples, 1, before.cells)
        flat = View(layout.new_home("flat", source.home.element, shape, timed))
        _move(writer, "flatten", op, before, source, flat)
        _move(writer, "unflatten", op, after, target, flat)


def _move(
    writer: Writer, name: str, op: Operation, image: Image, pictured: View, flat: View
) -> None:
    """All pixels of some channels at a time: they are neighbours in the vector."""
    clock = writer.clock
    channels = units("units", image.features)
    cells = Span(channels, image.positions, image.cells)
    axes = [samples(writer.layout.samples), channels]
    steps: Dim = clock.length
    if clock.loop is None:
        axes.insert(1, times(clock.steps))
        steps = "steps"
    element = pictured.home.element
    memory = "spike_sram" if element is Element.BIT else "state_sram"
    buffers = [
        TileBuffer("flat", element, memory, (steps, "samples", 1, cells)),
        TileBuffer("image", element, memory, (steps, "samples", image.positions, "units")),
    ]
    nest = writer.nest(name, axes, buffers, op)
    with nest.loop("samples") as g, nest.loop_if_any("steps") as t, nest.loop("units") as u:
        steps_now, length = nest.steps(t), nest.extent(cells, u)
        places = {
            "flat": (nest.at_view(flat, g, nest.start(cells, u), None, t), (1, length)),
            "image": (nest.at_view(pictured, g, u, None, t), (image.positions, u)),
        }
        read, written = ("image", "flat") if name == "flatten" else ("flat", "image")
        place, box = places[read]
        nest.load(read, place, (steps_now, g, *box))
        nest.on_tiles(name, (read, written), (steps_now, g, image.positions, u, length))
        place, box = places[written]
        nest.store(written, place, (steps_now, g, *box))


def lower_concatenate(writer: Writer, op: bptt.ConcatenateOp) -> None:
    """The channels of the left side, then those of the right."""
    values = {"joined": op.joined, "left": op.left, "right": op.right}
    widths = {role: image_of(value).features for role, value in values.items()}
    element = writer.layout.view(op.joined).home.element
    buffers = [_channels(writer, role, element, width) for role, width in widths.items()]
    pixels = positions(image_of(op.joined).positions)
    nest = writer.nest("concatenate", [samples(writer.layout.samples), pixels], buffers, op)
    steps = writer.clock.extent
    with nest.loop("samples") as g, nest.loop_over_pixels() as p:
        box = (steps, g, 1 if p is None else p)
        for role in ("left", "right"):
            nest.load(role, nest.at(values[role], g, None, p), (*box, widths[role]))
        nest.on_tiles("concatenate", tuple(values), (*box, *widths.values()))
        nest.store("joined", nest.at(op.joined, g, None, p), (*box, widths["joined"]))


def lower_slice(writer: Writer, op: bptt.SliceOp) -> None:
    """One side of what was joined.

    Raises:
        DiagnosticError: the channels are neither the first nor the last ones, or spikes (E0204).
    """
    if op.value.type == op.part.type:
        return
    whole, part = image_of(op.value).features, image_of(op.part).features
    first = op.first.value.data
    if first and first + part != whole:
        message = f"channels {first} to {first + part - 1} are in the middle of {whole}"
        raise error("E0204", f"{message}: no instruction parts them", location_of(op))
    element = writer.layout.view(op.value).home.element
    if element is not Element.F32:
        raise error("E0204", "no instruction parts spikes, only gradients", location_of(op))
    role = "right_gradient" if first else "left_gradient"
    buffers = [
        _channels(writer, role, element, part),
        _channels(writer, "gradient", element, whole),
    ]
    pixels = positions(image_of(op.value).positions)
    nest = writer.nest("slice", [samples(writer.layout.samples), pixels], buffers, op)
    sides = (whole - part, part) if first else (part, whole - part)
    with nest.loop("samples") as g, nest.loop_over_pixels() as p:
        box = (writer.clock.extent, g, 1 if p is None else p)
        nest.load("gradient", nest.at(op.value, g, None, p), (*box, whole))
        nest.on_tiles("split", (role, "gradient"), (*box, whole, *sides))
        nest.store(role, nest.at(op.part, g, None, p), (*box, part))


def _channels(writer: Writer, role: str, element: Element, width: int) -> TileBuffer:
    memory = "spike_sram" if element is Element.BIT else "state_sram"
    return TileBuffer(role, element, memory, (writer.clock.length, "samples", "positions", width))
