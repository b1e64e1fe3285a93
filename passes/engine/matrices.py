"""Lowering of what multiplies: synapses, their input gradients, and the sums over batch and time.

A fully connected layer is a window of one tap over one pixel. Each nest keeps its weights (or
weight gradients) on chip while all samples pass, where they fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.engine import Extent
from spikeloom.dialects.instruction_set import Element
from spikeloom.dialects.skip import skip_of
from spikeloom.passes.engine.images import image_of
from spikeloom.passes.engine.layout import Home
from spikeloom.passes.engine.sum_plans import (
    SynapseLike,
    WeightGradientLike,
    input_role,
    plan_synapse,
    plan_weight_gradient,
    slide_of,
)
from spikeloom.passes.engine.tiles import TileBuffer, positions, samples, units
from spikeloom.passes.engine.window_nest import WindowFrame, WindowNest
from spikeloom.passes.engine.writer import Nest, Writer

Parameters: TypeAlias = Mapping[str, Home]
"""The homes of parameters by name."""

_InputGradient: TypeAlias = bptt.SynapseInputGradientOp | bptt.ConvolutionInputGradientOp


def lower_synapse(writer: Writer, op: SynapseLike, parameters: Parameters) -> None:
    """Bias, then weights of every input that spiked (or weight x value of an analog one)."""
    x, _ = input_role(op.input)
    weight = parameters[_name(op.weight)]
    taps, _, inputs, _ = weight.shape
    plan, sums = plan_synapse(writer, op, weight.shape)
    window = plan.nest(op)
    window.reserve([op.input], [])
    nest, resident = window.nest, window.nest.is_whole("inputs")
    with nest.loop("outputs") as o:
        if op.bias is not None:
            nest.load("bias", nest.home(parameters[_name(op.bias)], None, o), (1, 1, 1, o))
        if resident:
            nest.load("weight", nest.home(weight, None, o), (taps, 1, inputs, o))
            sums.prepare(window, o)
        with window.tiles() as tile:
            _start_currents(window, op.bias is not None, window.output_box(tile, o))
            with nest.loop("inputs") as k:
                if not resident:
                    nest.load("weight", nest.home(weight, k, o), (taps, 1, k, o))
                nest.load(x, window.input(op.input, tile, k), window.input_box(tile, k))
                sums.add(window, tile, k, o)
            nest.store("current", window.output(op.current, tile, o), window.output_box(tile, o))


def _start_currents(window: WindowNest, biased: bool, box: tuple[Extent, ...]) -> None:
    if biased:
        window.nest.on_tiles("bias", ("current", "bias"), box)
    else:
        window.nest.clear("current", box)


def lower_input_gradient(writer: Writer, op: _InputGradient, parameters: Parameters) -> None:
    """gx = W^T gu, with the weight transposed while it is loaded."""
    slide = slide_of(op, op.input_gradient, op.gradient)
    frame = WindowFrame(writer, slide, slide.input_bands())
    weight = parameters[_name(op.weight)]
    taps, _, inputs, outputs = weight.shape
    transposed = (taps, 1, "outputs", "inputs")
    buffers = [
        TileBuffer("transposed_weight", Element.F32, "weight_sram", transposed),
        frame.output_buffer("gradient", Element.F32, "outputs"),
        frame.input_buffer("input_gradient", Element.F32, "inputs"),
    ]
    if op.mask is not None:
        buffers.append(frame.input_buffer("mask", Element.BIT, "inputs"))
    axes = [units("inputs", inputs), units("outputs", outputs)]
    window = frame.nest("input_gradient", axes, buffers, op, "outputs")
    masks = [] if op.mask is None else [op.mask]
    window.reserve([op.input_gradient, *masks], [op.gradient])
    nest, resident = window.nest, window.nest.is_whole("outputs")
    roles = ["input_gradient", "gradient", "transposed_weight", *("mask" for _ in masks)]
    skip = skip_of(op)
    skips = (float(skip.skips_input), float(skip.skips_output))
    with nest.loop("inputs") as i:
        if resident:
            _load_transposed(nest, weight, i, None, outputs)
        with window.tiles() as tile:
            nest.clear("input_gradient", window.input_box(tile, i))
            for mask in masks:
                nest.load("mask", window.input(mask, tile, i), window.input_box(tile, i))
            with nest.loop("outputs") as o:
                if not resident:
                    _load_transposed(nest, weight, i, o, o)
                gradient = window.output(op.gradient, tile, o)
                nest.load("gradient", gradient, window.output_box(tile, o))
                box = window.window_box(tile, taps, i, o)
                nest.on_tiles("backpropagate", roles, box, (*window.geometry(), *skips))
            target = window.input(op.input_gradient, tile, i)
            nest.store("input_gradient", target, window.input_box(tile, i))
    window.clear_below(op.input_gradient)


def _load_transposed(
    nest: Nest, weight: Home, i: SSAValue, o: SSAValue | None, outputs: int | SSAValue
) -> None:
    slices = {"target": nest.tile("transposed_weight"), "source": nest.home(weight, i, o)}
    nest.do("load_transposed", slices, (weight.shape[0], i, outputs))


def lower_weight_gradient(writer: Writer, op: WeightGradientLike) -> None:
    """gW = sum of gu (outer) x over steps, samples and positions."""
    x, _ = input_role(op.input)
    target = writer.layout.view(op.weight_gradient).home
    taps = target.shape[0]
    plan, sums = plan_weight_gradient(writer, op, target.shape)
    window = plan.nest(op)
    window.reserve([op.input], [])
    nest = window.nest
    with nest.loop("outputs") as o, nest.loop("inputs") as i:
        nest.clear("weight_gradient", (taps, 1, i, o))
        with window.tiles() as tile:
            nest.load(x, window.input(op.input, tile, i), window.input_box(tile, i))
            gradient = window.output(op.gradient, tile, o)
            nest.load("gradient", gradient, window.output_box(tile, o))
            sums.add(window, tile, i, o)
        nest.store("weight_gradient", nest.home(target, i, o), (taps, 1, i, o))


def lower_bias_gradient(writer: Writer, op: bptt.BiasGradientOp) -> None:
    """gb = sum of gu over steps, samples and positions."""
    target = writer.layout.view(op.bias_gradient).home
    pixels = positions(image_of(op.gradient).positions)
    length, steps = writer.clock.length, writer.clock.extent
    gradient = (length, "samples", pixels.name, "outputs")
    buffers = [
        TileBuffer("bias_gradient", Element.F32, "gradient_sram", (1, 1, 1, "outputs")),
        TileBuffer("gradient", Element.F32, "state_sram", gradient),
    ]
    axes = [samples(writer.layout.samples), pixels, units("outputs", target.shape[3])]
    nest = writer.nest("bias_gradient", axes, buffers, op)
    with nest.loop("outputs") as o:
        nest.clear("bias_gradient", (1, 1, 1, o))
        with nest.loop("samples") as g, nest.loop_over_pixels() as p:
            box = (steps, g, 1 if p is None else p, o)
            nest.load("gradient", nest.at(op.gradient, g, o, p), box)
            nest.on_tiles("sum_gradient", ("bias_gradient", "gradient"), box)
        nest.store("bias_gradient", nest.home(target, None, o), (1, 1, 1, o))


def _name(symbol: SymbolRefAttr) -> str:
    return symbol.root_reference.data
