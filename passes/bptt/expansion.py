"""What the forward and the backward half of `expand-bptt` share while a step is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.ir import Block, Operation, SSAValue

from spikeloom.diagnostics import error
from spikeloom.dialects import bptt, snn
from spikeloom.dialects.locations import location_of
from spikeloom.passes.bptt.network_graph import NetworkGraph

OperationT = TypeVar("OperationT", bound=Operation)


@dataclass
class Emitter:
    """Appends operations to a block, each with the location of the one it comes from."""

    block: Block

    def emit(self, op: OperationT, source: Operation) -> OperationT:
        """Appends `op` and returns it."""
        op.location = source.location
        self.block.add_op(op)
        return op

    def sum(self, values: Sequence[SSAValue], source: Operation) -> SSAValue | None:
        """The sum of the values from left to right, None of none."""
        total: SSAValue | None = None
        for value in values:
            total = value if total is None else self.emit(bptt.AddOp(total, value), source).sum
        return total


@dataclass(frozen=True)
class SavedNeuron:
    """What a layer's forward pass keeps for its backward pass, as whole sequences."""

    spikes: SSAValue
    mask: SSAValue | None
    potential: SSAValue | None


@dataclass
class Expansion:
    """The step under construction.

    Attributes:
        emitter: where operations of the step go.
        graph: the network's components.
        training: whether a backward pass follows.
        sequences: the whole sequence of each value of the network, as far as it is needed.
        saved: what each spiking layer keeps for its backward pass.
        moments: the statistics of a batch that each batchnorm of a training step uses.
        gradients: of parameters, by name, as far as the backward pass has come.
    """

    emitter: Emitter
    graph: NetworkGraph
    training: bool
    sequences: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    saved: dict[snn.LifOp, SavedNeuron] = field(default_factory=dict[snn.LifOp, SavedNeuron])
    moments: dict[snn.BatchnormOp, bptt.MomentsOp] = field(
        default_factory=dict[snn.BatchnormOp, bptt.MomentsOp]
    )
    gradients: dict[str, SSAValue] = field(default_factory=dict[str, SSAValue])

    def sequence(self, value: SSAValue) -> SSAValue:
        """The whole sequence of a network value; that of `previous` in a cycle is a delay."""
        if value not in self.sequences:
            owner = value.owner
            assert isinstance(owner, snn.PreviousOp)
            delay = bptt.DelayOp(self.sequence(owner.value))
            self.sequences[value] = self.emitter.emit(delay, owner).shifted
        return self.sequences[value]

    def parameter_gradient(self, op: Operation, name: str, gradient: SSAValue) -> None:
        """Records the gradient that an operation gives a parameter.

        Raises:
            DiagnosticError: another operation uses the parameter too (E0204).
        """
        if name in self.gradients:
            raise error(
                "E0204",
                f"expand-bptt cannot train @{name}, which several operations share",
                location_of(op),
            )
        self.gradients[name] = gradient

    def needs_gradient(self, value: SSAValue) -> bool:
        """Whether some parameter's gradient depends on this value's."""
        return self.training and value in self.graph.trained


def sequence_type_of(value: SSAValue) -> bptt.Tensor:
    """The type that a network value has as a whole sequence."""
    shape = snn.known_shape(value)
    assert shape is not None
    return bptt.sequence_type(snn.element_type(value), shape)


def step_type_of(value: SSAValue) -> bptt.Tensor:
    """The type that a network value has at one step of a batch."""
    shape = snn.known_shape(value)
    assert shape is not None
    return bptt.sample_type(snn.element_type(value), shape)
