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
from spikeloom.passes.engine.sums import forward_sums, update_sums
from spikeloom.passes.engine.tiles import TileBuffer, positions, samples, units
from spikeloom.passes.engine.window_nest import WindowFrame, WindowNest
from spikeloom.passes.engine.windows import Slide
from spikeloom.passes.engine.writer import Nest, Writer

Parameters: TypeAlias = Mapping[str, Home]
"""The homes of parameters by name."""

_Synapse: TypeAlias = bptt.SynapseOp | bptt.ConvolutionOp
_InputGradient: TypeAlias = bptt.SynapseInputGradientOp | bptt.ConvolutionInputGradientOp
_WeightGradient: TypeAlias = bptt.SynapseWeightGradientOp | bptt.ConvolutionWeightGradientOp


def _slide(
    op: _Synapse | _InputGradient | _WeightGradient, input: SSAValue, output: SSAValue
) -> Slide:
    before, after = image_of(input), image_of(output)
    match op:
        case (
            bptt.ConvolutionOp()
            | bptt.ConvolutionInputGradientOp()
            | bptt.ConvolutionWeightGradientOp()
        ):
            return Slide.of(op.window, before, after)
        case _:
            return Slide.dense(before.features, after.features)


def lower_synapse(writer: Writer, op: _Synapse, parameters: Parameters) -> None:
    """Bias, then weights of every input that spiked (or weight x value of an analog one)."""
    slide = _slide(op, op.input, op.current)
    frame = WindowFrame(writer, slide, slide.output_bands())
    x, element = _input_role(writer, op.input)
    weight = parameters[_name(op.weight)]
    taps, _, inputs, outputs = weight.shape
    sums = forward_sums(op, slide, weight.shape, element, writer.memory)
    buffers = [
        TileBuffer("weight", Element.F32, "weight_sram", (taps, 1, "inputs", "outputs")),
        frame.input_buffer(x, element, "inputs"),
        frame.output_buffer("current", Element.F32, "outputs"),
        *sums.buffers,
    ]
    if op.bias is not None:
        buffers.append(TileBuffer("bias", Element.F32, "weight_sram", (1, 1, 1, "outputs")))
    name = "synapse" if isinstance(op, bptt.SynapseOp) else "convolution"
    axes = [units("outputs", outputs), sums.inputs]
    window = frame.nest(name, axes, buffers, op, "inputs")
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
    slide = _slide(op, op.input_gradient, op.gradient)
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


def lower_weight_gradient(writer: Writer, op: _WeightGradient) -> None:
    """gW = sum of gu (outer) x over steps, samples and positions."""
    slide = _slide(op, op.input, op.gradient)
    frame = WindowFrame(writer, slide, slide.output_bands())
    x, element = _input_role(writer, op.input)
    target = writer.layout.view(op.weight_gradient).home
    taps, _, inputs, outputs = target.shape
    summed = (taps, 1, "inputs", "outputs")
    sums = update_sums(op, frame, element)
    buffers = [
        TileBuffer("weight_gradient", Element.F32, "gradient_sram", summed),
        frame.input_buffer(x, element, "inputs"),
        frame.output_buffer("gradient", Element.F32, "outputs"),
        *sums.buffers,
    ]
    axes = [units("outputs", outputs), units("inputs", inputs)]
    window = frame.nest("weight_gradient", axes, buffers, op)
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


def _input_role(writer: Writer, value: SSAValue) -> tuple[str, Element]:
    """What an instruction calls its input, and what that holds."""
    element = writer.layout.view(value).home.element
    return ("spikes" if element is Element.BIT else "values"), element


def _name(symbol: SymbolRefAttr) -> str:
    return symbol.root_reference.data
