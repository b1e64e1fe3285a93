"""What every operation of `bptt` but the scan makes of the densities of its operands."""

from __future__ import annotations

from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.neuron import Reset
from spikeloom.passes.bptt.carried_states import continues_itself
from spikeloom.passes.sparsity.density_image_rules import image_densities
from spikeloom.passes.sparsity.density_lattice import (
    NOTHING,
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
    total,
    up_to_then,
    zero,
)
from spikeloom.passes.sparsity.density_sums import Extent, Known, channel_sums, units_of
from spikeloom.passes.sparsity.neuron_density import Rule, single


def result_densities(op: Operation, known: Known, extent: Extent) -> tuple[Density, ...]:
    """The densities of the results; nothing is known of those of an unknown operation."""
    steps = extent.steps

    def sequence(value: SSAValue) -> Density:
        return at_every_step(known(value), steps)

    match op:
        case bptt.SynapseOp():
            spread = rows(sequence(op.input), units_of(op.input))
            return (spread if op.bias is None else density(steps),)
        case bptt.SynapseInputGradientOp():
            spread = rows(sequence(op.gradient), units_of(op.gradient))
            return (spread if op.mask is None else both(spread, sequence(op.mask)),)
        case bptt.SynapseWeightGradientOp():
            return (_weight_gradient(op, sequence(op.gradient), sequence(op.input), extent),)
        case bptt.BiasGradientOp():
            return (channel_sums(sequence(op.gradient), op.gradient, extent),)
        case bptt.AddOp():
            return (_sum(op, sequence(op.left), sequence(op.right)),)
        case bptt.ReshapeOp():
            return (known(op.value),)
        case bptt.DelayOp() | bptt.AdvanceOp() if _in_scan(op):
            return (density(steps),)  # one step has no neighbours: no pass makes this
        case bptt.DelayOp():
            return (delayed(sequence(op.value)),)
        case bptt.AdvanceOp():
            return (advanced(sequence(op.value)),)
        case bptt.ReadoutOp():
            summed = over_time(sequence(op.output))
            # Spikes add up; real numbers may cancel.
            is_bits = bptt.tensor_of(op.output).element_type == i1
            return (summed if is_bits else possibly(summed),)
        case bptt.ReadoutGradientOp():
            return (possibly(at_every_step(known(op.gradient), steps)),)
        case FireOp():
            return _fire(op, sequence, steps)
        case FireGradientOp():
            return (_fire_gradient(op, sequence, steps),)
        case IntegrateOp() | IntegrateGradientOp():
            return (_leaky_sum(op, sequence),)
        case _:
            found = image_densities(op, known, extent)
            return tuple(density(1) for _ in op.results) if found is None else found


def _sum(op: bptt.AddOp, left: Density, right: Density) -> Density:
    """Currents may cancel each other, spikes never do."""
    found = total(left, right)
    if any(bptt.tensor_of(value).element_type != i1 for value in op.operands):
        return found
    least = max(left.at_least, right.at_least)
    return density(found.steps, least, found.at_most, found.leading, found.trailing)


def _weight_gradient(
    op: bptt.SynapseWeightGradientOp, gradient: Density, input: Density, extent: Extent
) -> Density:
    """A weight has a gradient if its output has one and its input spikes, at one step."""
    if both(gradient, input).is_zero:
        return zero(1)
    outputs = channel_sums(gradient, op.gradient, extent)
    return density(1, NOTHING, outputs.at_most * channel_sums(input, op.input, extent).at_most)


def _fire(op: FireOp, sequence: Known, steps: int) -> tuple[Density, ...]:
    current = sequence(op.current)
    rule = Rule.of(op.neuron, has_state=op.previous_potential is not None or not _in_scan(op))
    if rule.forgets or continues_itself(op):
        potential, spikes = rule.potential(current), rule.spikes(current)
    else:
        assert op.previous_potential is not None
        potential = either(current, sequence(op.previous_potential))
        if op.neuron.reset.data is Reset.SUBTRACT and op.previous_spikes is not None:
            potential = either(potential, sequence(op.previous_spikes))
        spikes = rule.spikes_at(potential)
    found = [spikes]
    if op.mask is not None:
        found.append(rule.mask(potential))
    if op.potential is not None:
        found.append(potential)
    return tuple(found)


def _fire_gradient(op: FireGradientOp, sequence: Known, steps: int) -> Density:
    rule = Rule.of(op.neuron, has_state=op.next_gradient is not None or not _in_scan(op))
    derivative = rule.derivative(
        None if op.mask is None else sequence(op.mask),
        None if op.potential is None else sequence(op.potential),
        steps,
    )
    source = both(derivative, sequence(op.spike_gradient))
    spikes = None if op.spikes is None else sequence(op.spikes)
    if rule.forgets or continues_itself(op):
        return rule.gradient(source, derivative, spikes)
    assert op.next_gradient is not None
    return rule.gradient_after(source, sequence(op.next_gradient), derivative, spikes)


def _leaky_sum(op: IntegrateOp | IntegrateGradientOp, sequence: Known) -> Density:
    """y[t] = decay * y[neighbour of t] + x[t]."""
    value = sequence(op.value)
    if single(op.decay) == 0.0 or (op.state is None and _in_scan(op)):
        return value
    if op.state is not None and not continues_itself(op):
        return either(value, sequence(op.state))
    return up_to_then(value) if isinstance(op, IntegrateGradientOp) else from_then_on(value)


def _in_scan(op: Operation) -> bool:
    return isinstance(op.parent_op(), bptt.ScanOp)
