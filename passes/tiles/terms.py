"""What the current of every neuron is a sum of, in the order in which an engine takes the sum.

Spikes must not depend on where a neuron is computed, so that sums keep their order: a term of a
current starts with its bias, or zero, and adds the weights of the inputs that spiked in ascending
order of taps, then of inputs; then the terms are added from left to right. What an engine does not
compute as such a sum (means, normalization, sums of spikes, analog inputs) has no crossbar that is
exactly equal, and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import i1
from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import DiagnosticError, error
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import (
    AddOp,
    BatchnormOp,
    ConcatOp,
    Conv2dOp,
    FlattenOp,
    LifOp,
    LinearOp,
    LiOp,
    NetworkOp,
    Pool2dOp,
    PreviousOp,
    ReshapeOp,
    element_type,
    known_shape,
)
from spikeloom.passes.clustering.network_layers import Layer, Layers, is_layer

Integers = NDArray[np.int64]

ZERO, ONE, FIRST_PARAMETER = 0, 1, 2
"""Places of the constants 0 and 1, and of the first parameter, among all numbers of a network."""


@dataclass(frozen=True)
class Term:
    """One sum for each of some units: a start, then weights of inputs in their order.

    Attributes:
        units: [k], ascending; which units of a value it belongs to.
        start: [k], the place of the number that the sum starts with.
        first: [k + 1], where the inputs of each begin.
        inputs: numbers of neurons.
        weights: the place of every input's weight.
    """

    units: Integers
    start: Integers
    first: Integers
    inputs: Integers
    weights: Integers


def parameter_places(network: NetworkOp) -> Mapping[str, int]:
    """Where each parameter begins among all numbers of a network: 0, 1, then the parameters."""
    places: dict[str, int] = {}
    place = FIRST_PARAMETER
    for name, parameter in network.parameters().items():
        places[name] = place
        place += int(np.prod(parameter.type.get_shape()))
    return places


def terms_of_layer(layer: Layer, layers: Layers, places: Mapping[str, int]) -> list[Term]:
    """The terms of all neurons of a computed layer, whose units they count from 0.

    Raises:
        DiagnosticError: E0306 the current is no sum over spikes that a crossbar takes exactly.
    """
    if layer.repeats is not None:
        start = layer.repeats.neurons.start
        return [repeated(np.arange(start, start + len(layer.neurons)))]
    op = layer.value.owner
    assert isinstance(op, Operation)
    tracer = _Tracer(layer, layers, places)
    if isinstance(op, LifOp | LiOp):
        return tracer.current(op.current, 0)
    if isinstance(op, Pool2dOp):
        return [tracer.maximum(op)]
    return tracer.current(layer.value, 0)


def repeated(inputs: Integers) -> Term:
    """One input for each unit, with the weight 1."""
    count = len(inputs)
    ones = np.full(count, ONE, np.int64)
    start = np.zeros(count, np.int64)
    return Term(np.arange(count), start, np.arange(count + 1), inputs.astype(np.int64), ones)


class _Tracer:
    """Follows the current of one layer back to spikes."""

    def __init__(self, layer: Layer, layers: Layers, places: Mapping[str, int]):
        self._layer, self._layers, self._places = layer, layers, places

    def current(self, value: SSAValue, delay: int) -> list[Term]:
        """The terms of a current that is used `delay` steps later."""
        op = value.owner
        if not isinstance(op, Operation) or is_layer(value):
            raise self._refused(op, "takes analog values as currents", "put a linear in front")
        match op:
            case LinearOp():
                return [self._linear(op, delay)]
            case Conv2dOp():
                return [self._convolution(op, delay)]
            case AddOp():
                return self._sum(op, delay)
            case FlattenOp() | ReshapeOp():
                return self.current(op.operands[0], delay)
            case ConcatOp():
                return self._joined([self.current(each, delay) for each in op.operands], op)
            case PreviousOp():
                terms = self.current(op.operands[0], delay + 1)
                if any((term.start != ZERO).any() for term in terms):
                    what = "delays a current with a bias, which is not there at the first step"
                    raise self._refused(op, what, "delay the spikes: linear(previous(x), n)")
                return terms
            case BatchnormOp():
                what, remedy = "normalizes", "fold the statistics into weights, or leave it out"
            case Pool2dOp():
                what, remedy = "takes sums or means of spikes", "use conv2d or maxpool2d"
            case _:
                what, remedy = f"uses {op.name}", "use linear or conv2d of spikes"
        raise self._refused(op, what, remedy)

    def maximum(self, op: Pool2dOp) -> Term:
        """A spike of any input of a window makes the sum positive."""
        image, output = _shape(op.value), _shape(op.pooled)
        kernel, stride, padding = op.window.sizes
        numbers = self._neurons(op.value, 0).reshape(image)
        unit, channel, row, column, _ = _window(image, output, kernel, stride, padding, True)
        inputs = numbers[channel, row, column]
        count = int(np.prod(output))
        weights = np.full(len(inputs), ONE, np.int64)
        start = np.zeros(count, np.int64)
        return Term(np.arange(count), start, _offsets(unit, count), inputs, weights)

    def _linear(self, op: LinearOp, delay: int) -> Term:
        inputs = self._neurons(op.input, delay)
        outputs, width = _shape(op.result)[0], len(inputs)
        weight = self._places[op.weight_name] + np.arange(outputs * width)
        start = self._start(op.bias_name, np.arange(outputs))
        first = np.arange(outputs + 1) * width
        return Term(np.arange(outputs), start, first, np.tile(inputs, outputs), weight)

    def _convolution(self, op: Conv2dOp, delay: int) -> Term:
        image, output = _shape(op.input), _shape(op.result)
        kernel, stride, padding = op.window.sizes
        numbers = self._neurons(op.input, delay).reshape(image)
        unit, channel, row, column, tap = _window(image, output, kernel, stride, padding, False)
        inputs = numbers[channel, row, column]
        taps = kernel * kernel
        places, window = output[1] * output[2], len(inputs)
        filters = np.arange(output[0])
        weight = filters[:, None] * (image[0] * taps) + (channel * taps + tap)[None]
        first = _offsets(unit, places)
        first = np.concatenate([first[:-1] + window * each for each in filters] + [[0]])
        first[-1] = window * output[0]
        start = self._start(op.bias_name, np.repeat(filters, places))
        weights = self._places[op.weight_name] + weight.ravel()
        return Term(
            np.arange(output[0] * places), start, first, np.tile(inputs, output[0]), weights
        )

    def _sum(self, op: AddOp, delay: int) -> list[Term]:
        """Terms from left to right; a single term on the right of a sum is added last.

        Addition commutes, so that a sum may stand on either side, but not on both.
        """
        left, right = self.current(op.left, delay), self.current(op.right, delay)
        depths = _depth(left), _depth(right)
        if min(depths) > 1:
            what = "adds two sums, which are taken from left to right on a crossbar"
            raise self._refused(op, what, "write a + b + c + d without parentheses or names")
        return [*left, *right] if depths[0] >= depths[1] else [*right, *left]

    def _joined(self, parts: Sequence[list[Term]], op: ConcatOp) -> list[Term]:
        """Terms of the one part's units, then of the other's; their order matters to no unit."""
        found: list[Term] = []
        shift = 0
        for terms, operand in zip(parts, op.operands, strict=True):
            found += [replace(term, units=term.units + shift) for term in terms]
            shift += int(np.prod(_shape(operand)))
        return found

    def _neurons(self, value: SSAValue, delay: int) -> Integers:
        """The neurons whose spikes a value consists of."""
        if element_type(value) != i1:
            op = value.owner
            raise self._refused(op, "takes analog values as inputs", "put a lif in front")
        if is_layer(value):
            numbers = self._layers.ports[value, delay]
            return np.arange(numbers.start, numbers.stop)
        op = value.owner
        assert isinstance(op, Operation)
        later = delay + isinstance(op, PreviousOp)
        return np.concatenate([self._neurons(each, later) for each in op.operands])

    def _start(self, bias: str | None, units: Integers) -> Integers:
        if bias is None:
            return np.zeros(len(units), np.int64)
        return self._places[bias] + units

    def _refused(self, op: object, what: str, help: str) -> DiagnosticError:
        location = location_of(op) if isinstance(op, Operation) else self._layer.location
        message = f"layer `{self._layer.name}` {what}: no crossbar computes that to the bit"
        return error("E0306", message, location, help)


def _depth(terms: Sequence[Term]) -> int:
    """The most terms that one unit has."""
    return int(np.bincount(np.concatenate([term.units for term in terms])).max())


def _window(
    image: tuple[int, ...],
    output: tuple[int, ...],
    kernel: int,
    stride: int,
    padding: int,
    depthwise: bool,
) -> tuple[Integers, ...]:
    """Unit, channel, row, column and tap of every input of every window, in the order of sums.

    Units are places of the window, or depthwise those of each channel; taps ascend row by row, and
    at each tap the channels.
    """
    channels, height, width = image
    axes = [np.arange(each) for each in (output[1], output[2], kernel, kernel)]
    if depthwise:
        grids = np.meshgrid(np.arange(channels), *axes, indexing="ij")
        channel, y, x, j, i = (each.ravel() for each in grids)
    else:
        grids = np.meshgrid(*axes, np.arange(channels), indexing="ij")
        y, x, j, i, channel = (each.ravel() for each in grids)
    row, column = y * stride + j - padding, x * stride + i - padding
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    unit = y * output[2] + x + (channel * output[1] * output[2] if depthwise else 0)
    found = (unit, channel, row, column, j * kernel + i)
    return tuple(each[inside].astype(np.int64) for each in found)


def _offsets(unit: Integers, count: int) -> Integers:
    """Where the entries of each unit begin; units ascend."""
    return np.searchsorted(unit, np.arange(count + 1)).astype(np.int64)


def _shape(value: SSAValue) -> tuple[int, ...]:
    shape = known_shape(value)
    assert shape is not None
    return shape
