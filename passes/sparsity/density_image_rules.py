"""What operations of images and normalization make of the densities of their operands."""

from __future__ import annotations

from fractions import Fraction

from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.pool_kind import PoolKind
from spikeloom.passes.sparsity.density_lattice import (
    ALL,
    NOTHING,
    Density,
    at_every_step,
    both,
    density,
    possibly,
    spread,
    zero,
)
from spikeloom.passes.sparsity.density_sums import Extent, Known, channel_sums, units_of
from spikeloom.passes.sparsity.window_reach import Reach


def image_densities(op: Operation, known: Known, extent: Extent) -> tuple[Density, ...] | None:
    """The densities of the results; None where the operation is none of these."""
    steps = extent.steps

    def sequence(value: SSAValue) -> Density:
        return at_every_step(known(value), steps)

    match op:
        case bptt.ConvolutionOp():
            reach = Reach.of(op.window, op.input.type, op.current.type)
            outputs = bptt.channel_count(op.current.type)
            found = spread(sequence(op.input), reach.forward(outputs))
            return (found if op.bias is None else density(steps),)
        case bptt.ConvolutionInputGradientOp():
            reach = Reach.of(op.window, op.input_gradient.type, op.gradient.type)
            inputs = bptt.channel_count(op.input_gradient.type)
            found = spread(sequence(op.gradient), reach.backward(inputs))
            return (found if op.mask is None else both(found, sequence(op.mask)),)
        case bptt.ConvolutionWeightGradientOp():
            gradient, image = sequence(op.gradient), sequence(op.input)
            if both(gradient, image).is_zero:
                return (zero(1),)
            outputs = channel_sums(gradient, op.gradient, extent).at_most
            return (density(1, NOTHING, outputs * channel_sums(image, op.input, extent).at_most),)
        case bptt.PoolOp():
            return (_pool(op, sequence(op.value)),)
        case bptt.PoolGradientOp():
            return (_pool_gradient(op, sequence(op.gradient)),)
        case bptt.ConcatenateOp():
            return (_joined(op, sequence(op.left), sequence(op.right)),)
        case bptt.SliceOp():
            return (_part(op, sequence(op.value)),)
        case _:
            return _normalization(op, sequence, extent)


def _pool(op: bptt.PoolOp, value: Density) -> Density:
    """Sums of real numbers may cancel, and a maximum may be zero among negative ones."""
    reach = Reach.of(op.window, op.value.type, op.pooled.type)
    found = spread(value, reach.forward())
    if bptt.tensor_of(op.value).element_type != i1:
        return found
    # Each non-zero window accounts for no more than the cells that it covers.
    least = (value.at_least - reach.unread) * reach.cells / (reach.covered * reach.windows)
    return density(value.steps, least, found.at_most, value.leading, value.trailing)


def _pool_gradient(op: bptt.PoolGradientOp, gradient: Density) -> Density:
    """A maximum hands its gradient to one cell, a sum to all of them."""
    reach = Reach.of(op.window, op.value_gradient.type, op.gradient.type)
    if op.kind.data is PoolKind.MAX:
        return spread(gradient, Fraction(reach.windows, reach.cells))
    return spread(gradient, reach.backward())


def _joined(op: bptt.ConcatenateOp, left: Density, right: Density) -> Density:
    share = Fraction(units_of(op.left), units_of(op.joined))
    return density(
        left.steps,
        share * left.at_least + (1 - share) * right.at_least,
        share * left.at_most + (1 - share) * right.at_most,
        min(left.leading, right.leading),
        min(left.trailing, right.trailing),
    )


def _part(op: bptt.SliceOp, whole: Density) -> Density:
    share = Fraction(units_of(op.part), units_of(op.value))
    return density(
        whole.steps,
        (whole.at_least - (1 - share)) / share,
        whole.at_most / share,
        whole.leading,
        whole.trailing,
    )


def _normalization(op: Operation, sequence: Known, extent: Extent) -> tuple[Density, ...] | None:
    steps = extent.steps
    match op:
        case bptt.MomentsOp():
            # A channel of zeros has zero mean and zero variance; others may have either.
            found = channel_sums(sequence(op.value), op.value, extent)
            return (found, found)
        case bptt.NormalizeOp():
            return (density(steps),)
        case bptt.ScaleGradientOp():
            return (channel_sums(sequence(op.gradient), op.gradient, extent),)
        case bptt.NormalizeGradientOp():
            # The mean gradient of a channel is taken from each of its cells.
            sums = sequence(op.scale_gradient).at_most + sequence(op.shift_gradient).at_most
            gradient = sequence(op.gradient)
            if sums == 0:
                return (possibly(gradient),)
            return (density(steps, NOTHING, min(ALL, gradient.at_most + sums)),)
        case _:
            return None
