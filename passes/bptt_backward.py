"""The backward half of `expand-bptt`: the recursion of design.md section 3, op by op.

Gradients flow from the output to the parameters. A cycle becomes a scan from the last step to the
first; it hands on the gradient of every `previous`, which belongs to the operand one step
earlier, and of every membrane potential. Weight gradients need no scan: they are sums over time.
"""

from __future__ import annotations

from collections import defaultdict

from xdsl.ir import Block, Region, SSAValue

from spikeloom.dialects import bptt, snn
from spikeloom.dialects.bptt_neurons import FireGradientOp, IntegrateGradientOp
from spikeloom.dialects.bptt_scan import ScanOp, YieldOp, sequence_of, step_of
from spikeloom.dialects.neuron import Reset
from spikeloom.passes.bptt_expansion import (
    Emitter,
    Expansion,
    SavedNeuron,
    sequence_type_of,
    step_type_of,
)
from spikeloom.passes.network_graph import Component


def expand_backward(
    expansion: Expansion, output: SSAValue, output_gradient: SSAValue
) -> dict[str, SSAValue]:
    """Emits the backward pass and returns the gradient of every parameter that has one.

    Args:
        output: the network's output.
        output_gradient: the loss's gradient with respect to it, a whole sequence.
    """
    gradients: dict[SSAValue, list[SSAValue]] = defaultdict(list)
    gradients[output].append(output_gradient)
    parameters: dict[str, SSAValue] = {}
    for component in reversed(expansion.graph.components):
        reached = any(gradients[value] for value in component.values())
        if not reached or not expansion.needs_gradient(component.values()[0]):
            continue
        if component.is_cycle:
            currents = _backward_scan(expansion, component, gradients)
        else:
            currents = _backward_operation(expansion, component, gradients)
        for linear, gradient in currents.items():
            _parameter_gradients(expansion, linear, gradient, parameters)
    return parameters


def _backward_operation(
    expansion: Expansion, component: Component, gradients: dict[SSAValue, list[SSAValue]]
) -> dict[snn.LinearOp, SSAValue]:
    """The gradients of one operation's operands; returns those of a layer's currents."""
    (op,) = component.operations
    emitter = expansion.emitter
    gradient = emitter.sum(gradients[op.results[0]], op)
    assert gradient is not None
    if isinstance(op, snn.LinearOp):
        if expansion.needs_gradient(op.input):
            back = bptt.SynapseInputGradientOp(
                gradient, op.weight, bptt.real_like(sequence_type_of(op.input))
            )
            gradients[op.input].append(emitter.emit(back, op).input_gradient)
        return {op: gradient}
    if isinstance(op, snn.PreviousOp):
        gradients[op.value].append(emitter.emit(bptt.AdvanceOp(gradient), op).shifted)
    else:
        saved = expansion.saved.get(op) if isinstance(op, snn.LifOp) else None
        _element_wise(expansion, emitter, op, gradient, gradients, saved, None)
    return {}


def _element_wise(
    expansion: Expansion,
    emitter: Emitter,
    op: snn.NetworkValueOperation,
    gradient: SSAValue,
    gradients: dict[SSAValue, list[SSAValue]],
    saved: SavedNeuron | None,
    following: SSAValue | None,
) -> SSAValue | None:
    """Adds to the operands' gradients; returns the current's gradient of a neuron layer."""
    match op:
        case snn.AddOp():
            for operand in (op.left, op.right):
                if expansion.needs_gradient(operand):
                    gradients[operand].append(gradient)
        case snn.FlattenOp():
            shape = snn.known_shape(op.value)
            assert shape is not None
            lead = len(_shape(gradient)) - 1
            back = bptt.ReshapeOp(gradient, bptt.with_sample_shape(gradient.type, lead, shape))
            gradients[op.value].append(emitter.emit(back, op).reshaped)
        case snn.LifOp():
            assert saved is not None
            reset_to_zero = op.neuron.reset.data is Reset.ZERO
            new = FireGradientOp(
                gradient,
                op.neuron,
                op.layer.data,
                spikes=saved.spikes if reset_to_zero else None,
                mask=saved.mask,
                potential=saved.potential if op.neuron.saves_potential else None,
                next_gradient=following,
            )
            gradients[op.current].append(emitter.emit(new, op).gradient)
            return new.gradient
        case snn.LiOp():
            new = IntegrateGradientOp(gradient, op.decay, op.layer.data, following)
            gradients[op.current].append(emitter.emit(new, op).result)
            return new.result
        case _:
            raise AssertionError(f"no backward rule for {op.name}")
    return None


def _shape(value: SSAValue) -> tuple[int, ...]:
    return bptt.tensor_of(value).get_shape()


def _parameter_gradients(
    expansion: Expansion,
    linear: snn.LinearOp,
    gradient: SSAValue,
    parameters: dict[str, SSAValue],
) -> None:
    """Sums over batch and time: the gradients of a layer's weight and bias."""
    emitter = expansion.emitter
    weight = linear.parameter(linear.weight_name)
    new = bptt.SynapseWeightGradientOp(gradient, expansion.sequence(linear.input), weight.type)
    parameters[linear.weight_name] = emitter.emit(new, linear).weight_gradient
    if linear.bias_name is not None:
        bias = linear.parameter(linear.bias_name)
        sum_op = emitter.emit(bptt.BiasGradientOp(gradient, bias.type), linear)
        parameters[linear.bias_name] = sum_op.bias_gradient


class _ScanArguments:
    """Sequences that a scan's body reads step by step, each once."""

    def __init__(self, body: Block):
        self._body = body
        self.sequences: dict[SSAValue, SSAValue] = {}

    def step(self, sequence: SSAValue) -> SSAValue:
        """One step of the sequence, inside the body."""
        if sequence not in self.sequences:
            position = len(self.sequences)
            argument = self._body.insert_arg(step_of(sequence.type), position)
            self.sequences[sequence] = argument
        return self.sequences[sequence]


def _backward_scan(
    expansion: Expansion, component: Component, gradients: dict[SSAValue, list[SSAValue]]
) -> dict[snn.LinearOp, SSAValue]:
    """A walk from the last step to the first; returns the gradients of the layers' currents."""
    source = component.operations[-1]
    body = Block()
    arguments, emitter = _ScanArguments(body), Emitter(body)
    steps: dict[SSAValue, list[SSAValue]] = defaultdict(list)
    for value in component.values():
        whole = expansion.emitter.sum(gradients[value], source)
        if whole is not None:
            steps[value].append(arguments.step(whole))
    saved = {
        op: _saved_step(arguments, op, expansion.saved[op])
        for op in component.operations
        if isinstance(op, snn.LifOp)
    }
    stateful = [
        op for op in component.operations if isinstance(op, snn.PreviousOp | snn.LifOp | snn.LiOp)
    ]
    carried: dict[snn.NetworkValueOperation, SSAValue] = {
        op: body.insert_arg(bptt.real_like(step_type_of(op.results[0])), len(body.args))
        for op in stateful
    }
    for op in stateful:
        if isinstance(op, snn.PreviousOp):
            steps[op.value].append(carried[op])

    handed_on: dict[snn.NetworkValueOperation, SSAValue] = {}
    currents: dict[snn.LinearOp, SSAValue] = {}
    for op in reversed(component.operations):
        gradient = emitter.sum(steps[op.results[0]], op)
        assert gradient is not None, "every value of a cycle reaches the output"
        if isinstance(op, snn.PreviousOp):
            handed_on[op] = gradient
        elif isinstance(op, snn.LinearOp):
            currents[op] = gradient
            if expansion.needs_gradient(op.input):
                back = bptt.SynapseInputGradientOp(
                    gradient, op.weight, bptt.real_like(step_type_of(op.input))
                )
                steps[op.input].append(emitter.emit(back, op).input_gradient)
        else:
            neuron = saved[op] if isinstance(op, snn.LifOp) else None
            state = _element_wise(expansion, emitter, op, gradient, steps, neuron, carried.get(op))
            if state is not None:
                handed_on[op] = state

    outer: dict[SSAValue, SSAValue] = {}
    for value in component.inputs():
        if (total := emitter.sum(steps[value], source)) is not None:
            outer[value] = total
    kept = list(dict.fromkeys([*currents.values(), *outer.values()]))
    emitter.emit(YieldOp([handed_on[op] for op in stateful], kept), source)
    scan = ScanOp(
        list(arguments.sequences),
        "backward",
        Region(body),
        [sequence_of(value.type) for value in kept],
    )
    expansion.emitter.emit(scan, source)
    collected = dict(zip(kept, scan.collected, strict=True))
    for value, total in outer.items():
        gradients[value].append(collected[total])
    return {op: collected[gradient] for op, gradient in currents.items()}


def _saved_step(arguments: _ScanArguments, op: snn.LifOp, saved: SavedNeuron) -> SavedNeuron:
    """One step of what a layer's forward pass kept, as far as its gradient reads it."""
    spikes = saved.spikes
    if op.neuron.reset.data is Reset.ZERO:
        spikes = arguments.step(saved.spikes)
    return SavedNeuron(
        spikes,
        None if saved.mask is None else arguments.step(saved.mask),
        arguments.step(saved.potential)
        if saved.potential is not None and op.neuron.saves_potential
        else None,
    )
