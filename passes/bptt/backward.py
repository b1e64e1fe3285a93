"""The backward half of `expand-bptt`: the recursion of design.md section 3, op by op.

Gradients flow from the output to the parameters. A cycle becomes a scan from the last step to the
first; it hands on the gradient of every `previous`, which belongs to the operand one step
earlier, and of every membrane potential. Weight gradients need no scan: they are sums over time.
"""

from __future__ import annotations

from collections import defaultdict

from xdsl.ir import Block, Region, SSAValue

from spikeloom.dialects import bptt, snn
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp, sequence_of, step_of
from spikeloom.dialects.neuron import Reset
from spikeloom.passes.bptt.expansion import (
    Emitter,
    Expansion,
    SavedNeuron,
    sequence_type_of,
    step_type_of,
)
from spikeloom.passes.bptt.gradient_rules import Place, propagate, weight_gradients
from spikeloom.passes.bptt.network_graph import Component


def expand_backward(expansion: Expansion, output: SSAValue, output_gradient: SSAValue) -> None:
    """Emits the backward pass up to the gradient of every parameter that has one.

    Args:
        output: the network's output.
        output_gradient: the loss's gradient with respect to it, a whole sequence.
    """
    gradients: dict[SSAValue, list[SSAValue]] = defaultdict(list)
    gradients[output].append(output_gradient)
    for component in reversed(expansion.graph.components):
        reached = any(gradients[value] for value in component.values())
        if not reached or not expansion.needs_gradient(component.values()[0]):
            continue
        if component.is_cycle:
            _backward_scan(expansion, component, gradients)
        else:
            _backward_operation(expansion, component, gradients)


def _backward_operation(
    expansion: Expansion, component: Component, gradients: dict[SSAValue, list[SSAValue]]
) -> None:
    """The gradients of one operation's operands and parameters, of whole sequences."""
    (op,) = component.operations
    emitter = expansion.emitter
    gradient = emitter.sum(gradients[op.results[0]], op)
    assert gradient is not None
    place = Place(expansion, emitter, gradients, expansion.sequence, sequence_type_of)
    saved = expansion.saved.get(op) if isinstance(op, snn.LifOp) else None
    propagate(place, op, gradient, saved)
    if isinstance(op, snn.LinearOp | snn.Conv2dOp):
        weight_gradients(expansion, op, gradient)


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
) -> None:
    """A walk from the last step to the first, and what it says of weights and other values."""
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

    place = Place(
        expansion,
        emitter,
        steps,
        lambda value: arguments.step(expansion.sequence(value)),
        step_type_of,
    )
    handed_on: dict[snn.NetworkValueOperation, SSAValue] = {}
    currents: dict[snn.LinearOp | snn.Conv2dOp, SSAValue] = {}
    for op in reversed(component.operations):
        gradient = emitter.sum(steps[op.results[0]], op)
        assert gradient is not None, "every value of a cycle reaches the output"
        if isinstance(op, snn.PreviousOp):
            handed_on[op] = gradient
            continue
        if isinstance(op, snn.LinearOp | snn.Conv2dOp):
            currents[op] = gradient
        neuron = saved[op] if isinstance(op, snn.LifOp) else None
        state = propagate(place, op, gradient, neuron, carried.get(op))
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
    for op, gradient in currents.items():
        weight_gradients(expansion, op, collected[gradient])


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
