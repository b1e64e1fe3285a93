"""Lowering of pools and their gradients: windows over each channel by itself."""

from __future__ import annotations

from spikeloom.dialects import bptt
from spikeloom.dialects.instruction_set import Element
from spikeloom.dialects.pool_kind import PoolKind
from spikeloom.passes.engine.images import image_of
from spikeloom.passes.engine.tiles import units
from spikeloom.passes.engine.window_nest import WindowFrame, WindowNest
from spikeloom.passes.engine.windows import Slide
from spikeloom.passes.engine.writer import Writer


def lower_pool(writer: Writer, op: bptt.PoolOp) -> None:
    """The sum, average or maximum of every window."""
    slide = Slide.of(op.window, image_of(op.value), image_of(op.pooled))
    frame = WindowFrame(writer, slide, slide.output_bands())
    layout = writer.layout
    buffers = [
        frame.output_buffer("pooled", layout.view(op.pooled).home.element, "units"),
        frame.input_buffer("values", layout.view(op.value).home.element, "units"),
    ]
    window = frame.nest("pool", [units("units", slide.input.features)], buffers, op)
    window.reserve([op.value], [])
    nest, kind = window.nest, op.kind.data
    name = "pool_max" if kind is PoolKind.MAX else "pool_sum"
    with window.tiles() as tile, nest.loop("units") as u:
        nest.load("values", window.input(op.value, tile, u), window.input_box(tile, u))
        box = window.window_box(tile, u)
        nest.on_tiles(name, ("pooled", "values"), box, _immediates(window, kind))
        nest.store("pooled", window.output(op.pooled, tile, u), window.output_box(tile, u))


def lower_pool_gradient(writer: Writer, op: bptt.PoolGradientOp) -> None:
    """Every cell's share of the gradients of its windows.

    Which cell is a window's first maximum only the whole window says: bands of inputs have halos,
    of which nothing is stored.
    """
    slide = Slide.of(op.window, image_of(op.value_gradient), image_of(op.gradient))
    bands, halo = slide.whole_window_bands()
    frame = WindowFrame(writer, slide, bands)
    inputs = {} if op.value is None else {"values": op.value}
    outputs = {"gradient": op.gradient, **({} if op.pooled is None else {"pooled": op.pooled})}
    layout = writer.layout
    buffers = [frame.input_buffer("value_gradient", Element.F32, "units")]
    for role, value in inputs.items():
        buffers.append(frame.input_buffer(role, layout.view(value).home.element, "units"))
    for role, value in outputs.items():
        buffers.append(frame.output_buffer(role, layout.view(value).home.element, "units"))
    window = frame.nest("pool_gradient", [units("units", slide.input.features)], buffers, op)
    window.reserve([op.value_gradient, *inputs.values()], list(outputs.values()))
    nest, kind = window.nest, op.kind.data
    name = "pool_max_gradient" if kind is PoolKind.MAX else "pool_sum_gradient"
    roles = ("value_gradient", *inputs, *outputs)
    with window.tiles() as tile, nest.loop("units") as u:
        for role, value in inputs.items():
            nest.load(role, window.input(value, tile, u), window.input_box(tile, u))
        for role, value in outputs.items():
            nest.load(role, window.output(value, tile, u), window.output_box(tile, u))
        nest.on_tiles(name, roles, window.window_box(tile, u), _immediates(window, kind))
        window.store_inner("value_gradient", op.value_gradient, tile, u, halo)


def _immediates(window: WindowNest, kind: PoolKind) -> tuple[float, ...]:
    *geometry, _ = window.geometry()
    if kind is PoolKind.MAX:
        return tuple(geometry)
    return (*geometry, 1.0 / window.slide.taps if kind is PoolKind.AVG else 1.0)
