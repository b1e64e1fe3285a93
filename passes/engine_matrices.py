"""Lowering of what multiplies: synapses, their input gradients, and the sums over batch and time.

Each nest keeps its weights (or weight gradients) on chip while all samples pass, where they fit.
"""

from __future__ import annotations

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.instruction_set import Element
from spikeloom.passes.engine_layout import Home, statement
from spikeloom.passes.engine_tiles import TileBuffer, samples, units
from spikeloom.passes.engine_writer import Nest, Writer

LINEAR = (1.0, 1.0, 1.0, 1.0, 0.0, 0.0)
"""A linear layer as a window: one tap, one position, nothing outside."""


def lower_synapse(writer: Writer, op: bptt.SynapseOp, parameters: dict[str, Home]) -> None:
    """Bias, then weights of every input that spiked (or weight x value of an analog one)."""
    input_home = writer.layout.view(op.input).home
    binary = input_home.element is Element.BIT
    x = "spikes" if binary else "values"
    weight = parameters[_name(op.weight)]
    length, steps, layer = writer.clock.length, writer.clock.extent, statement(op.weight)
    buffers = [
        TileBuffer("weight", Element.F32, "weight_sram", (1, 1, "inputs", "outputs")),
        TileBuffer(
            x,
            input_home.element,
            "spike_sram" if binary else "state_sram",
            (length, "samples", 1, "inputs"),
        ),
        TileBuffer("current", Element.F32, "state_sram", (length, "samples", 1, "outputs")),
    ]
    if op.bias is not None:
        buffers.append(TileBuffer("bias", Element.F32, "weight_sram", (1, 1, 1, "outputs")))
    *_, inputs, outputs = weight.shape
    axes = [samples(writer.layout.samples), units("outputs", outputs), units("inputs", inputs)]
    nest = writer.nest("synapse", axes, buffers, op, layer)
    resident = nest.is_whole("inputs")
    with nest.loop("outputs") as o:
        if op.bias is not None:
            bias = parameters[_name(op.bias)]
            nest.load("bias", nest.home(bias, None, o), (1, 1, 1, o))
        if resident:
            nest.load("weight", nest.home(weight, None, o), (1, 1, inputs, o))
        with nest.loop("samples") as g:
            if op.bias is not None:
                nest.on_tiles("bias", ("current", "bias"), (steps, g, 1, o))
            else:
                nest.clear("current", (steps, g, 1, o))
            with nest.loop("inputs") as k:
                if not resident:
                    nest.load("weight", nest.home(weight, k, o), (1, 1, k, o))
                nest.load(x, nest.at(op.input, g, k), (steps, g, 1, k))
                name = "accumulate" if binary else "multiply"
                nest.on_tiles(name, ("current", x, "weight"), (steps, g, 1, 1, 1, k, o), LINEAR)
            nest.store("current", nest.at(op.current, g, o), (steps, g, 1, o))


def lower_input_gradient(
    writer: Writer, op: bptt.SynapseInputGradientOp, parameters: dict[str, Home]
) -> None:
    """gx = W^T gu, with the weight transposed while it is loaded."""
    weight = parameters[_name(op.weight)]
    length, steps = writer.clock.length, writer.clock.extent
    buffers = [
        TileBuffer("transposed_weight", Element.F32, "weight_sram", (1, 1, "outputs", "inputs")),
        TileBuffer("gradient", Element.F32, "state_sram", (length, "samples", 1, "outputs")),
        TileBuffer("input_gradient", Element.F32, "state_sram", (length, "samples", 1, "inputs")),
    ]
    *_, inputs, outputs = weight.shape
    axes = [samples(writer.layout.samples), units("inputs", inputs), units("outputs", outputs)]
    nest = writer.nest("input_gradient", axes, buffers, op, statement(op.weight))
    resident = nest.is_whole("outputs")
    with nest.loop("inputs") as i:
        if resident:
            _load_transposed(nest, weight, i, None, outputs)
        with nest.loop("samples") as g:
            nest.clear("input_gradient", (steps, g, 1, i))
            with nest.loop("outputs") as o:
                if not resident:
                    _load_transposed(nest, weight, i, o, o)
                nest.load("gradient", nest.at(op.gradient, g, o), (steps, g, 1, o))
                nest.on_tiles(
                    "backpropagate",
                    ("input_gradient", "gradient", "transposed_weight"),
                    (steps, g, 1, 1, 1, i, o),
                    LINEAR,
                )
            nest.store("input_gradient", nest.at(op.input_gradient, g, i), (steps, g, 1, i))


def _load_transposed(
    nest: Nest, weight: Home, i: SSAValue, o: SSAValue | None, outputs: int | SSAValue
) -> None:
    slices = {"target": nest.tile("transposed_weight"), "source": nest.home(weight, i, o)}
    nest.do("load_transposed", slices, (1, i, outputs))


def lower_weight_gradient(writer: Writer, op: bptt.SynapseWeightGradientOp, layer: str) -> None:
    """gW = sum of gu (outer) x over steps and samples."""
    input_home = writer.layout.view(op.input).home
    target = writer.layout.view(op.weight_gradient).home
    binary = input_home.element is Element.BIT
    x = "spikes" if binary else "values"
    length, steps = writer.clock.length, writer.clock.extent
    buffers = [
        TileBuffer("weight_gradient", Element.F32, "gradient_sram", (1, 1, "inputs", "outputs")),
        TileBuffer(
            x,
            input_home.element,
            "spike_sram" if binary else "state_sram",
            (length, "samples", 1, "inputs"),
        ),
        TileBuffer("gradient", Element.F32, "state_sram", (length, "samples", 1, "outputs")),
    ]
    *_, inputs, outputs = target.shape
    axes = [samples(writer.layout.samples), units("outputs", outputs), units("inputs", inputs)]
    nest = writer.nest("weight_gradient", axes, buffers, op, layer)
    with nest.loop("outputs") as o, nest.loop("inputs") as i:
        nest.clear("weight_gradient", (1, 1, i, o))
        with nest.loop("samples") as g:
            nest.load(x, nest.at(op.input, g, i), (steps, g, 1, i))
            nest.load("gradient", nest.at(op.gradient, g, o), (steps, g, 1, o))
            name = "correlate_spikes" if binary else "correlate_values"
            roles = ("weight_gradient", x, "gradient")
            nest.on_tiles(name, roles, (steps, g, 1, 1, 1, i, o), LINEAR)
        nest.store("weight_gradient", nest.home(target, i, o), (1, 1, i, o))


def lower_bias_gradient(writer: Writer, op: bptt.BiasGradientOp, layer: str) -> None:
    """gb = sum of gu over steps and samples."""
    target = writer.layout.view(op.bias_gradient).home
    length, steps = writer.clock.length, writer.clock.extent
    buffers = [
        TileBuffer("bias_gradient", Element.F32, "gradient_sram", (1, 1, 1, "outputs")),
        TileBuffer("gradient", Element.F32, "state_sram", (length, "samples", 1, "outputs")),
    ]
    axes = [samples(writer.layout.samples), units("outputs", target.shape[3])]
    nest = writer.nest("bias_gradient", axes, buffers, op, layer)
    with nest.loop("outputs") as o:
        nest.clear("bias_gradient", (1, 1, 1, o))
        with nest.loop("samples") as g:
            nest.load("gradient", nest.at(op.gradient, g, o), (steps, g, 1, o))
            nest.on_tiles("sum_gradient", ("bias_gradient", "gradient"), (steps, g, 1, o))
        nest.store("bias_gradient", nest.home(target, None, o), (1, 1, 1, o))


def _name(symbol: SymbolRefAttr) -> str:
    return symbol.root_reference.data
