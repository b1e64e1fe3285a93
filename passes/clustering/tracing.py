"""What feeds the neurons of a layer: a walk back to the layers before it, operation by operation.

What is found on the way is up to an `Algebra`: lists of synapses, or their numbers alone.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeAlias, TypeVar

from xdsl.ir import Operation, SSAValue

from spikeloom.dialects.snn import (
    AddOp,
    ConcatOp,
    Conv2dOp,
    LinearOp,
    Pool2dOp,
    PreviousOp,
    known_shape,
)
from spikeloom.passes.clustering.network_layers import Layer, Layers, Port, is_layer

T = TypeVar("T")

WindowSizes: TypeAlias = tuple[int, int, int]
"""Kernel, stride and padding."""


class Algebra(Protocol[T]):
    """How operations of a network turn what feeds their operands into what feeds their result."""

    def nothing(self, units: int) -> T:
        """Units that nothing feeds."""
        ...

    def neurons(self, numbers: range) -> T:
        """Units that are neurons, each fed by itself."""
        ...

    def dense(self, source: T, outputs: int) -> T:
        """Every output is fed by all that feeds the source."""
        ...

    def convolved(
        self, source: T, image: tuple[int, ...], output: tuple[int, ...], window: WindowSizes
    ) -> T:
        """Windows over all channels of an image."""
        ...

    def pooled(
        self, source: T, image: tuple[int, ...], output: tuple[int, ...], window: WindowSizes
    ) -> T:
        """Windows over each channel of an image."""
        ...

    def summed(self, left: T, right: T) -> T:
        """Every unit is fed by what feeds the two."""
        ...

    def side_by_side(self, left: T, right: T) -> T:
        """The units of the one, then those of the other."""
        ...


class Tracer(Generic[T]):
    """Finds what feeds the layers of a network, every value on the way once."""

    def __init__(self, layers: Layers, algebra: Algebra[T]):
        self._layers = layers
        self._algebra = algebra

    def feeding(self, layer: Layer) -> T:
        """What feeds the neurons of a layer."""
        if layer.repeats is not None:
            return self._algebra.neurons(layer.repeats.neurons)
        op = layer.value.owner
        if not isinstance(op, Operation):
            return self._algebra.nothing(len(layer.neurons))
        return self._through(op)

    def _through(self, op: Operation) -> T:
        known: dict[Port, T] = {}
        before = int(isinstance(op, PreviousOp))
        waiting = [(operand, before) for operand in op.operands]
        while waiting:
            value, steps = port = waiting[-1]
            inner = value.owner
            if port in known:
                waiting.pop()
            elif is_layer(value):
                known[port] = self._algebra.neurons(self._layers.ports[port])
            else:
                assert isinstance(inner, Operation)
                earlier = steps + isinstance(inner, PreviousOp)
                missing = [(each, earlier) for each in inner.operands]
                missing = [each for each in missing if each not in known]
                waiting += missing
                if not missing:
                    operands = [known[operand, earlier] for operand in inner.operands]
                    known[port] = self._step(inner, operands)
        return self._step(op, [known[operand, before] for operand in op.operands])

    def _step(self, op: Operation, operands: list[T]) -> T:
        """What feeds an operation's result, given what feeds its operands."""
        if isinstance(op, LinearOp):
            return self._algebra.dense(operands[0], _shape(op.result)[0])
        if isinstance(op, Conv2dOp):
            image, output = _shape(op.input), _shape(op.result)
            return self._algebra.convolved(operands[0], image, output, op.window.sizes)
        if isinstance(op, Pool2dOp):
            image, output = _shape(op.value), _shape(op.pooled)
            return self._algebra.pooled(operands[0], image, output, op.window.sizes)
        if isinstance(op, AddOp):
            return self._algebra.summed(*operands)
        if isinstance(op, ConcatOp):
            return self._algebra.side_by_side(*operands)
        return operands[0]  # element by element, or another arrangement


def _shape(value: SSAValue) -> tuple[int, ...]:
    shape = known_shape(value)
    assert shape is not None
    return shape
