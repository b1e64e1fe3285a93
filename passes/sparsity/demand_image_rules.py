"""What operations of images and normalization want of their operands.

A demand goes through a window against its direction: a wanted cell of the result wants all that
its window covers, a wanted cell of an input gradient all windows that cover it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.passes.sparsity.density_analysis import DensityAnalysis
from spikeloom.passes.sparsity.density_lattice import Density, at_every_step, both, density, spread
from spikeloom.passes.sparsity.density_sums import units_of
from spikeloom.passes.sparsity.window_reach import Reach

Wanted = Callable[[SSAValue], Density]
Demand = tuple[SSAValue, Density]


def image_demands(op: Operation, wanted: Wanted, bounds: DensityAnalysis) -> list[Demand] | None:
    """What the operation wants of its operands; None where it is none of these."""
    match op:
        case bptt.ConvolutionOp():
            reach = Reach.of(op.window, op.input.type, op.current.type)
            inputs = bptt.channel_count(op.input.type)
            return [(op.input, spread(wanted(op.current), reach.backward(inputs)))]
        case bptt.ConvolutionInputGradientOp():
            return list(_through_a_convolution(op, wanted(op.input_gradient), bounds))
        case bptt.ConvolutionWeightGradientOp():
            return list(_of_a_weight_gradient(op, wanted(op.weight_gradient), bounds))
        case bptt.PoolOp():
            reach = Reach.of(op.window, op.value.type, op.pooled.type)
            return [(op.value, spread(wanted(op.pooled), reach.backward()))]
        case bptt.PoolGradientOp():
            return list(_of_a_pool_gradient(op, wanted(op.value_gradient)))
        case bptt.ConcatenateOp():
            joined = wanted(op.joined)
            sides = (op.left, op.right)
            return [(side, spread(joined, _ratio(op.joined, side))) for side in sides]
        case bptt.SliceOp():
            return [(op.value, spread(wanted(op.part), _ratio(op.part, op.value)))]
        case bptt.NormalizeOp():
            statistics = [value for value in (op.mean, op.variance) if value is not None]
            found = wanted(op.normalized)
            return [(op.value, found), *_all_or_nothing(statistics, found, bounds)]
        case bptt.NormalizeGradientOp():
            found = wanted(op.value_gradient)
            statistics = [op.mean, op.variance, op.scale_gradient, op.shift_gradient]
            own = [(op.gradient, found), (op.value, found)]
            return [*own, *_all_or_nothing(statistics, found, bounds)]
        case bptt.MomentsOp() | bptt.ScaleGradientOp():
            if all(wanted(result).is_zero for result in op.results):
                return []
            return [(value, density(bounds[value].steps)) for value in op.operands]
        case _:
            return None


def _ratio(source: SSAValue, target: SSAValue) -> Fraction:
    return Fraction(units_of(source), units_of(target))


def _all_or_nothing(
    values: list[SSAValue], wanted: Density, bounds: DensityAnalysis
) -> Iterator[Demand]:
    if not wanted.is_zero:
        for value in values:
            yield value, density(bounds[value].steps)


def _through_a_convolution(
    op: bptt.ConvolutionInputGradientOp, wanted: Density, bounds: DensityAnalysis
) -> Iterator[Demand]:
    reach = Reach.of(op.window, op.input_gradient.type, op.gradient.type)
    if op.mask is not None:
        yield op.mask, wanted
        wanted = both(wanted, at_every_step(bounds[op.mask], wanted.steps))
    yield op.gradient, spread(wanted, reach.forward(bptt.channel_count(op.gradient.type)))


def _of_a_weight_gradient(
    op: bptt.ConvolutionWeightGradientOp, wanted: Density, bounds: DensityAnalysis
) -> Iterator[Demand]:
    """A gradient counts where its window reads a spike, a spike where a window has a gradient."""
    if wanted.is_zero:
        return
    reach = Reach.of(op.window, op.input.type, op.gradient.type)
    steps = bounds.extent.steps
    image, gradient = (at_every_step(bounds[value], steps) for value in (op.input, op.gradient))
    outputs, inputs = (bptt.channel_count(value.type) for value in (op.gradient, op.input))
    yield op.gradient, spread(image, reach.forward(outputs))
    yield op.input, spread(gradient, reach.backward(inputs))


def _of_a_pool_gradient(op: bptt.PoolGradientOp, wanted: Density) -> Iterator[Demand]:
    reach = Reach.of(op.window, op.value_gradient.type, op.gradient.type)
    windows = spread(wanted, reach.forward())
    yield op.gradient, windows
    if op.value is not None and op.pooled is not None:
        yield op.pooled, windows
        yield op.value, spread(windows, reach.backward())
