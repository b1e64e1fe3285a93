"""How large a network is: neurons, inputs and synapses of every layer, without making any synapse.

Numbers are exact for dense layers, for windows over neurons or over pools that do not overlap, and
for sums over different layers; elsewhere they are bounds from both sides. It takes as long for a
billion synapses as for ten.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikeloom.dialects.snn import NetworkOp
from spikeloom.passes.clustering.network_layers import Layer, layers_of
from spikeloom.passes.clustering.tracing import Tracer, WindowSizes


@dataclass(frozen=True)
class Bounds:
    """A number that lies in [least, most]."""

    least: int
    most: int

    @property
    def is_exact(self) -> bool:
        """Whether the number is known."""
        return self.least == self.most

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(self.least + other.least, self.most + other.most)

    def __mul__(self, times: int) -> Bounds:
        return Bounds(self.least * times, self.most * times)

    def at_most(self, most: int) -> Bounds:
        """The same number where it is known to be no more than this."""
        return Bounds(min(self.least, most), min(self.most, most))

    def larger(self, other: Bounds) -> Bounds:
        """The larger of two numbers."""
        return Bounds(max(self.least, other.least), max(self.most, other.most))


@dataclass(frozen=True)
class Extent:
    """What feeds some units, in numbers.

    Attributes:
        layers: the ranges of neurons that may feed them.
        units: how many there are.
        fewest: every unit is fed by as many neurons, or more.
        widest: neurons that feed the unit with most.
        synapses: neurons that feed each unit, all units together.
        distinct: neurons that feed any unit.
        is_disjoint: no neuron feeds two units.
    """

    layers: frozenset[range]
    units: int
    fewest: int
    widest: Bounds
    synapses: Bounds
    distinct: Bounds
    is_disjoint: bool

    @property
    def reach(self) -> int:
        """Neurons in all layers that may feed the units."""
        return sum(map(len, self.layers))


@dataclass(frozen=True)
class LayerExtent:
    """A layer in numbers.

    Attributes:
        fan_in: inputs of the neuron with most.
        synapses: inputs of all neurons together.
        distinct: neurons that feed any of the layer.
        sources: the layers that they belong to.
    """

    layer: Layer
    fan_in: Bounds
    synapses: Bounds
    distinct: Bounds
    sources: tuple[Layer, ...]

    @property
    def neurons(self) -> int:
        """How many there are."""
        return len(self.layer.neurons)


def extents_of_network(network: NetworkOp) -> tuple[LayerExtent, ...]:
    """Of every layer in the order of the neurons' numbers; nothing feeds the network's input.

    Raises:
        DiagnosticError: shapes are not known, or currents depend on their own past without a
            neuron between (E0204).
    """
    layers = layers_of(network)
    tracer = Tracer(layers, _Extents())
    found: list[LayerExtent] = []
    for layer in layers.layers:
        extent = tracer.feeding(layer)
        sources = tuple(each for each in layers.layers if each.neurons in extent.layers)
        found.append(LayerExtent(layer, extent.widest, extent.synapses, extent.distinct, sources))
    return tuple(found)


class _Extents:
    """The algebra of numbers: what feeds units is counted, not listed."""

    def nothing(self, units: int) -> Extent:
        none = Bounds(0, 0)
        return Extent(frozenset(), units, 0, none, none, none, True)

    def neurons(self, numbers: range) -> Extent:
        count = Bounds(len(numbers), len(numbers))
        return Extent(frozenset([numbers]), len(numbers), 1, Bounds(1, 1), count, count, True)

    def dense(self, source: Extent, outputs: int) -> Extent:
        each = source.distinct
        return Extent(source.layers, outputs, each.least, each, each * outputs, each, outputs <= 1)

    def convolved(
        self,
        source: Extent,
        image: tuple[int, ...],
        output: tuple[int, ...],
        window: WindowSizes,
    ) -> Extent:
        return _over_windows(source, _Windows.of(image, output, window, image[0]))

    def pooled(
        self,
        source: Extent,
        image: tuple[int, ...],
        output: tuple[int, ...],
        window: WindowSizes,
    ) -> Extent:
        return _over_windows(source, _Windows.of(image, output, window, 1))

    def summed(self, left: Extent, right: Extent) -> Extent:
        layers = left.layers | right.layers
        apart = not left.layers & right.layers
        if apart:
            widest = Bounds(
                max(left.widest.least + right.fewest, right.widest.least + left.fewest),
                left.widest.most + right.widest.most,
            )
            return Extent(
                layers,
                left.units,
                left.fewest + right.fewest,
                widest,
                left.synapses + right.synapses,
                left.distinct + right.distinct,
                left.is_disjoint and right.is_disjoint,
            )
        reach = left.reach + sum(len(each) for each in right.layers - left.layers)
        return Extent(
            layers,
            left.units,
            max(left.fewest, right.fewest),
            _united(left.widest, right.widest).at_most(reach),
            _united(left.synapses, right.synapses).at_most(reach * left.units),
            _united(left.distinct, right.distinct).at_most(reach),
            False,
        )

    def side_by_side(self, left: Extent, right: Extent) -> Extent:
        layers = left.layers | right.layers
        apart = not left.layers & right.layers
        distinct = left.distinct + right.distinct
        if not apart:
            distinct = _united(left.distinct, right.distinct).at_most(sum(map(len, layers)))
        return Extent(
            layers,
            left.units + right.units,
            min(left.fewest, right.fewest),
            left.widest.larger(right.widest),
            left.synapses + right.synapses,
            distinct,
            apart and left.is_disjoint and right.is_disjoint,
        )


def _united(left: Bounds, right: Bounds) -> Bounds:
    """The size of the union of two sets of these sizes."""
    return Bounds(max(left.least, right.least), left.most + right.most)


@dataclass(frozen=True)
class _Windows:
    """Windows over an image.

    Attributes:
        count: one for each unit of the output.
        fewest, most: units of the image in the window with fewest and with most.
        total: units of all windows together.
        covered: units of the image that lie in any window.
        overlap: whether one lies in two.
    """

    count: int
    fewest: int
    most: int
    total: int
    covered: int
    overlap: bool

    @staticmethod
    def of(
        image: tuple[int, ...], output: tuple[int, ...], window: WindowSizes, depth: int
    ) -> _Windows:
        """Windows over `depth` channels each; a window is kernel, stride and padding."""
        kernel, stride, padding = window
        fewest = most = depth
        inside, covered = depth, image[0]
        for size, count in zip(image[1:], output[1:], strict=True):
            begin = np.arange(count, dtype=np.int64) * stride - padding
            first, last = np.maximum(begin, 0), np.minimum(begin + kernel, size)
            taps = np.maximum(last - first, 0)
            new = np.maximum(last - np.maximum(first, np.concatenate([[0], last[:-1]])), 0)
            fewest *= int(taps.min(initial=kernel))
            most *= int(taps.max(initial=0))
            inside *= int(taps.sum())
            covered *= int(new.sum())
        total = inside * output[0]
        count = output[0] * output[1] * output[2]
        return _Windows(count, fewest, most, total, covered, total > covered)


def _over_windows(source: Extent, windows: _Windows) -> Extent:
    whole = windows.covered == source.units
    each = Bounds(source.fewest, source.widest.most)
    if source.is_disjoint:
        fewest = windows.fewest * each.least
        widest = each * windows.most
        synapses = each * windows.total
        distinct = each * windows.covered
    else:
        fewest = each.least if windows.fewest else 0
        widest = Bounds(each.least if windows.most else 0, each.most * windows.most)
        synapses = Bounds(fewest * windows.count, each.most * windows.total)
        distinct = Bounds(widest.least, each.most * windows.covered)
    most = source.distinct.most
    if whole:
        widest = Bounds(max(widest.least, source.widest.least), widest.most)
        distinct = source.distinct
    return Extent(
        source.layers,
        windows.count,
        fewest,
        widest.at_most(most),
        synapses.at_most(most * windows.count),
        distinct.at_most(most),
        source.is_disjoint and not windows.overlap,
    )
