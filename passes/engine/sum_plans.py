"""What the nests of synapses and of weight gradients are made of, before their tiles are known.

`lower-to-engine` writes them, and `fuse-luts` asks which tiles they would have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.instruction_set import Element, Shape
from spikeloom.passes.engine.images import image_of
from spikeloom.passes.engine.sums import ForwardSums, Sums, forward_sums, update_sums
from spikeloom.passes.engine.tiles import Axis, TileBuffer, units
from spikeloom.passes.engine.window_nest import WindowFrame, WindowNest
from spikeloom.passes.engine.windows import Slide
from spikeloom.passes.engine.writer import Writer

SynapseLike: TypeAlias = bptt.SynapseOp | bptt.ConvolutionOp
WeightGradientLike: TypeAlias = bptt.SynapseWeightGradientOp | bptt.ConvolutionWeightGradientOp


@dataclass(frozen=True)
class NestPlan:
    """The axes of a nest's features and its buffers; `kept` as in `Wish`."""

    name: str
    frame: WindowFrame
    features: Sequence[Axis]
    buffers: Sequence[TileBuffer]
    kept: str | None = None

    def nest(self, source: Operation) -> WindowNest:
        """The nest with tiles that fit.

        Raises:
            DiagnosticError: no tiles fit (E0302).
        """
        return self.frame.nest(self.name, self.features, self.buffers, source, self.kept)


def slide_of(op: Operation, input: SSAValue, output: SSAValue) -> Slide:
    """The window of an operation between these values; a single tap for a matrix."""
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


def input_role(value: SSAValue) -> tuple[str, Element]:
    """What an instruction calls its input, and what that holds."""
    if bptt.tensor_of(value).element_type == i1:
        return "spikes", Element.BIT
    return "values", Element.F32


def plan_synapse(writer: Writer, op: SynapseLike, shape: Shape) -> tuple[NestPlan, ForwardSums]:
    """The nest of a synapse with weights of this shape, and how it adds up."""
    slide = slide_of(op, op.input, op.current)
    frame = WindowFrame(writer, slide, slide.output_bands())
    role, element = input_role(op.input)
    taps, _, _, outputs = shape
    sums = forward_sums(op, slide, shape, element, writer.memory)
    buffers = [
        TileBuffer("weight", Element.F32, "weight_sram", (taps, 1, "inputs", "outputs")),
        frame.input_buffer(role, element, "inputs"),
        frame.output_buffer("current", Element.F32, "outputs"),
        *sums.buffers,
    ]
    if op.bias is not None:
        buffers.append(TileBuffer("bias", Element.F32, "weight_sram", (1, 1, 1, "outputs")))
    name = "synapse" if isinstance(op, bptt.SynapseOp) else "convolution"
    features = [units("outputs", outputs), sums.inputs]
    return NestPlan(name, frame, features, buffers, "inputs"), sums


def plan_weight_gradient(
    writer: Writer, op: WeightGradientLike, shape: Shape
) -> tuple[NestPlan, Sums]:
    """The nest of a weight gradient of this shape, and how it adds up."""
    slide = slide_of(op, op.input, op.gradient)
    frame = WindowFrame(writer, slide, slide.output_bands())
    role, element = input_role(op.input)
    taps, _, inputs, outputs = shape
    sums = update_sums(op, frame, element)
    buffers = [
        TileBuffer("weight_gradient", Element.F32, "gradient_sram", (taps, 1, "inputs", "outputs")),
        frame.input_buffer(role, element, "inputs"),
        frame.output_buffer("gradient", Element.F32, "outputs"),
        *sums.buffers,
    ]
    features = [units("outputs", outputs), units("inputs", inputs)]
    return NestPlan("weight_gradient", frame, features, buffers), sums
