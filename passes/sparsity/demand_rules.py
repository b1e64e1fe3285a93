"""What every operation of `bptt` but the scan wants of its operands, by what is wanted of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.neuron import Reset
from spikeloom.passes.bptt.carried_states import continues_itself
from spikeloom.passes.sparsity.demand_image_rules import Demand, Wanted, image_demands
from spikeloom.passes.sparsity.density_analysis import DensityAnalysis
from spikeloom.passes.sparsity.density_lattice import (
    Density,
    advanced,
    at_every_step,
    both,
    delayed,
    density,
    either,
    from_then_on,
    over_time,
    possibly,
    rows,
    up_to_then,
    zero,
)
from spikeloom.passes.sparsity.neuron_density import Rule, single


@dataclass(frozen=True)
class Demands:
    """`operands`: what is wanted of them; `states`: of results that are their own next state.

    A state is wanted for as long as what follows from it, whether a scan shows it or not.
    """

    operands: tuple[Demand, ...]
    states: tuple[Demand, ...] = ()


def demands_of_operands(op: Operation, wanted: Wanted, bounds: DensityAnalysis) -> Demands:
    """What the operation wants of its operands; everything where nothing is known of it."""
    match op:
        case FireOp():
            return _fire(op, wanted)
        case FireGradientOp():
            return _fire_gradient(op, wanted, bounds)
        case IntegrateOp() | IntegrateGradientOp():
            return _leaky_sum(op, wanted)
        case _:
            found = image_demands(op, wanted, bounds)
            return Demands(tuple(_without_state(op, wanted, bounds) if found is None else found))


def _without_state(op: Operation, wanted: Wanted, bounds: DensityAnalysis) -> Iterator[Demand]:
    steps = bounds.extent.steps
    match op:
        case bptt.SynapseOp():
            yield op.input, _row(wanted(op.current), op.current)
        case bptt.SynapseInputGradientOp():
            masked = wanted(op.input_gradient)
            if op.mask is not None:
                masked = both(masked, at_every_step(bounds[op.mask], steps))
                yield op.mask, wanted(op.input_gradient)
            yield op.gradient, _row(masked, op.input_gradient)
        case bptt.SynapseWeightGradientOp():
            if not wanted(op.weight_gradient).is_zero:
                yield op.gradient, _row(bounds[op.input], op.input)
                yield op.input, _row(bounds[op.gradient], op.gradient)
        case bptt.BiasGradientOp():
            if not wanted(op.bias_gradient).is_zero:
                yield op.gradient, density(steps)
        case bptt.AddOp():
            yield op.left, wanted(op.sum)
            yield op.right, wanted(op.sum)
        case bptt.ReshapeOp():
            yield op.value, wanted(op.reshaped)
        case bptt.DelayOp() | bptt.AdvanceOp() if isinstance(op.parent_op(), bptt.ScanOp):
            yield op.value, density(steps)
        case bptt.DelayOp():
            yield op.value, possibly(advanced(wanted(op.shifted)))
        case bptt.AdvanceOp():
            yield op.value, possibly(delayed(wanted(op.shifted)))
        case bptt.ReadoutOp():
            yield op.output, at_every_step(wanted(op.readout), steps)
        case bptt.ReadoutGradientOp():
            yield op.gradient, possibly(over_time(wanted(op.output_gradient)))
        case bptt.LossOp() if all(wanted(result).is_zero for result in op.results):
            pass
        case _:
            for value in dict.fromkeys(op.operands):
                yield value, density(bounds[value].steps)


def _row(value: Density, of: SSAValue) -> Density:
    """All units of a sample at a step where any of another value's units is."""
    return rows(value, bptt.unit_count(of.type))


def _fire(op: FireOp, wanted: Wanted) -> Demands:
    outputs = wanted(op.spikes)
    for result in (op.mask, op.potential):
        if result is not None:
            outputs = either(outputs, wanted(result))
    in_scan = isinstance(op.parent_op(), bptt.ScanOp)
    rule = Rule.of(op.neuron, has_state=op.previous_potential is not None or not in_scan)
    if rule.forgets:
        return Demands(((op.current, outputs),))
    states = [v for v in (op.previous_potential, op.previous_spikes) if v is not None]
    if not continues_itself(op):
        return Demands(tuple((value, outputs) for value in (op.current, *states)))
    # A potential acts on all later ones.
    lasting = up_to_then(outputs)
    own = [] if op.neuron.reset.data is Reset.NONE else [op.spikes]
    own += [] if op.potential is None else [op.potential]
    return Demands(((op.current, lasting),), tuple((value, lasting) for value in own))


def _fire_gradient(op: FireGradientOp, wanted: Wanted, bounds: DensityAnalysis) -> Demands:
    gradient = wanted(op.gradient)
    in_scan = isinstance(op.parent_op(), bptt.ScanOp)
    rule = Rule.of(op.neuron, has_state=op.next_gradient is not None or not in_scan)
    is_own = continues_itself(op)
    lasting = from_then_on(gradient) if is_own and not rule.forgets else gradient
    derivative = rule.derivative(
        None if op.mask is None else bounds[op.mask],
        None if op.potential is None else bounds[op.potential],
        gradient.steps,
    )
    operands: list[Demand] = [(op.spike_gradient, both(derivative, lasting))]
    operands += [(v, lasting) for v in (op.spikes, op.mask, op.potential) if v is not None]
    if is_own or op.next_gradient is None:
        return Demands(tuple(operands), ((op.gradient, lasting),))
    following = zero(gradient.steps) if rule.forgets else gradient
    return Demands((*operands, (op.next_gradient, following)))


def _leaky_sum(op: IntegrateOp | IntegrateGradientOp, wanted: Wanted) -> Demands:
    result = wanted(op.result)
    forgets = single(op.decay) == 0.0
    if op.state is None and (forgets or isinstance(op.parent_op(), bptt.ScanOp)):
        return Demands(((op.value, result),))
    if op.state is not None and not continues_itself(op):
        return Demands(((op.value, result), (op.state, zero(result.steps) if forgets else result)))
    forward = isinstance(op, IntegrateOp)
    lasting = result if forgets else up_to_then(result) if forward else from_then_on(result)
    return Demands(((op.value, lasting),), ((op.result, lasting),))
