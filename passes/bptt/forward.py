"""The forward half of `expand-bptt`: whole sequences, and a scan for every cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.ir import Block, Region, SSAValue

from spikeloom.diagnostics import error
from spikeloom.dialects import bptt, snn
from spikeloom.dialects.bptt.neurons import FireOp, IntegrateOp
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp, sequence_of, step_of
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.neuron import Reset
from spikeloom.passes.bptt.expansion import (
    Emitter,
    Expansion,
    SavedNeuron,
    sequence_type_of,
    step_type_of,
)
from spikeloom.passes.bptt.network_graph import Component


@dataclass(frozen=True)
class NeuronState:
    """The carried values a layer continues from inside a scan."""

    potential: SSAValue
    spikes: SSAValue | None


def expand_forward(expansion: Expansion) -> None:
    """Emits the forward pass of every component, dependences first."""
    for component in expansion.graph.components:
        if component.is_cycle:
            _expand_cycle(expansion, component)
            continue
        (op,) = component.operations
        result = _forward(
            expansion, expansion.emitter, op, expansion.sequence, sequence_type_of, None
        )
        if isinstance(result, FireOp):
            assert isinstance(op, snn.LifOp)
            expansion.saved[op] = SavedNeuron(result.spikes, result.mask, result.potential)
        expansion.sequences[op.results[0]] = result.results[0]


def _forward(
    expansion: Expansion,
    emitter: Emitter,
    op: snn.NetworkValueOperation,
    value_of: Callable[[SSAValue], SSAValue],
    type_of: Callable[[SSAValue], bptt.Tensor],
    state: NeuronState | None,
):
    """One network operation, over a whole sequence or (with carried state) at one step."""
    match op:
        case snn.LinearOp():
            new = bptt.SynapseOp(value_of(op.input), op.weight, op.bias, type_of(op.result))
        case snn.Conv2dOp():
            new = bptt.ConvolutionOp(
                value_of(op.input), op.weight, op.bias, op.window, type_of(op.result)
            )
        case snn.Pool2dOp():
            new = bptt.PoolOp(value_of(op.value), op.kind.data, op.window, type_of(op.pooled))
        case snn.BatchnormOp():
            new = _normalization(expansion, emitter, op, value_of(op.current))
        case snn.AddOp():
            new = bptt.AddOp(value_of(op.left), value_of(op.right))
        case snn.ConcatOp():
            new = bptt.ConcatenateOp(value_of(op.left), value_of(op.right), type_of(op.result))
        case snn.FlattenOp() | snn.ReshapeOp():
            new = bptt.ReshapeOp(value_of(op.value), type_of(op.result))
        case snn.PreviousOp():
            new = bptt.DelayOp(value_of(op.value))
        case snn.LifOp():
            backward = expansion.needs_gradient(op.current)
            new = FireOp(
                value_of(op.current),
                op.neuron,
                op.layer.data,
                save_mask=backward and op.neuron.saves_mask,
                save_potential=state is not None or (backward and op.neuron.saves_potential),
                previous_potential=state and state.potential,
                previous_spikes=state and state.spikes,
            )
        case snn.LiOp():
            new = IntegrateOp(
                value_of(op.current), op.decay, op.layer.data, state and state.potential
            )
        case _:
            raise AssertionError(f"no forward rule for {op.name}")
    new.results[0].name_hint = op.results[0].name_hint
    return emitter.emit(new, op)


def _normalization(
    expansion: Expansion, emitter: Emitter, op: snn.BatchnormOp, value: SSAValue
) -> bptt.NormalizeOp:
    """In training with the statistics of the batch, otherwise with the running ones."""
    mean, variance = op.mean, op.variance
    if expansion.training:
        moments = emitter.emit(bptt.MomentsOp(value), op)
        expansion.moments[op] = moments
        mean, variance = moments.mean, moments.variance
        mean.name_hint, variance.name_hint = "mean", "variance"
    return bptt.NormalizeOp(value, mean, variance, op.scale, op.shift, op.epsilon)


class _Carried:
    """The carried values of a scan, one for each key, in order of first use."""

    def __init__(self, block: Block):
        self._block = block
        self.arguments: dict[object, SSAValue] = {}

    def argument(self, key: object, type: bptt.Tensor) -> SSAValue:
        """The value that `key` had one step ago."""
        if key not in self.arguments:
            self.arguments[key] = self._block.insert_arg(type, len(self._block.args))
        return self.arguments[key]


def _expand_cycle(expansion: Expansion, component: Component) -> None:
    """A scan over time for operations that depend on their own past."""
    for op in component.operations:
        if isinstance(op, snn.BatchnormOp):
            raise error(
                "E0111",
                "expand-bptt cannot normalize inside of a cycle through `previous`: the statistics "
                "over time would be known only after the cycle has run",
                location_of(op),
                "normalize what enters the cycle",
            )
    inputs = component.inputs()
    sequences = [expansion.sequence(value) for value in inputs]
    body = Block(arg_types=[step_of(sequence.type) for sequence in sequences])
    steps: dict[SSAValue, SSAValue] = dict(zip(inputs, body.args, strict=True))
    carried = _Carried(body)
    fires: dict[snn.LifOp, FireOp] = {}
    emitter = Emitter(body)
    potentials: dict[object, SSAValue] = {}
    for op in component.operations:
        if isinstance(op, snn.PreviousOp):
            steps[op.result] = carried.argument(op.value, step_type_of(op.value))
            continue
        state = None
        if isinstance(op, snn.LifOp | snn.LiOp):
            potential = carried.argument(("potential", op), step_type_of(op.current))
            spikes = None
            if isinstance(op, snn.LifOp) and op.neuron.reset.data is not Reset.NONE:
                spikes = carried.argument(op.spikes, step_type_of(op.spikes))
            state = NeuronState(potential, spikes)
        new = _forward(expansion, emitter, op, steps.__getitem__, step_type_of, state)
        steps[op.results[0]] = new.results[0]
        if isinstance(new, FireOp):
            assert isinstance(op, snn.LifOp)
            fires[op] = new
            assert new.potential is not None
            potentials["potential", op] = new.potential
        elif isinstance(new, IntegrateOp):
            potentials["potential", op] = new.result
    following = [
        steps[key] if isinstance(key, SSAValue) else potentials[key] for key in carried.arguments
    ]
    kept = dict.fromkeys(steps[value] for value in _values_kept(expansion, component))
    for fire in fires.values():
        saved = (fire.spikes, fire.mask, fire.potential)
        backward = expansion.training and fire.neuron.saves_potential
        kept.update(dict.fromkeys(v for v in saved[: 3 if backward else 2] if v is not None))
    source = component.operations[-1]
    emitter.emit(YieldOp(following, list(kept)), source)
    scan = ScanOp(sequences, "forward", Region(body), [sequence_of(value.type) for value in kept])
    expansion.emitter.emit(scan, source)
    collected = dict(zip(kept, scan.collected, strict=True))
    for value, result in collected.items():
        result.name_hint = value.name_hint
    for value in component.values():
        if steps[value] in collected:
            expansion.sequences[value] = collected[steps[value]]
    for op, fire in fires.items():
        expansion.saved[op] = SavedNeuron(
            collected[fire.spikes],
            None if fire.mask is None else collected[fire.mask],
            None if fire.potential is None else collected.get(fire.potential),
        )


def _values_kept(expansion: Expansion, component: Component) -> list[SSAValue]:
    """The values of a cycle that something outside of it reads as a whole sequence."""
    outside = {
        value
        for other in expansion.graph.components
        if other is not component
        for value in other.inputs()
    }
    kept: list[SSAValue] = []
    for value in component.values():
        returned = any(isinstance(use.operation, snn.ReturnOp) for use in value.uses)
        if value in outside or returned or _backward_reads(expansion, value):
            kept.append(_root(value))
    return kept


def _backward_reads(expansion: Expansion, value: SSAValue) -> bool:
    """Whether the gradient of an operation that uses or yields `value` is computed from it."""
    around = [use.operation for use in value.uses]
    if isinstance(value.owner, snn.Pool2dOp):
        around.append(value.owner)
    return expansion.training and any(
        isinstance(op, snn.LinearOp | snn.Conv2dOp)
        or (isinstance(op, snn.Pool2dOp) and op.kind.data is bptt.PoolKind.MAX)
        for op in around
    )


def _root(value: SSAValue) -> SSAValue:
    """The value that a chain of `previous` delays."""
    while isinstance(value.owner, snn.PreviousOp):
        value = value.owner.value
    return value
