"""Which values of a network are layers of neurons, and when their spikes are used.

Neurons are the units of `lif`, `li` and `max` pools, and of the output where it is a sum of
currents. What lies between them (`linear`, `conv2d`, other pools, `batchnorm`, sums, shapes)
becomes synapses. The spikes of a layer are used after as many time steps as there are `previous` on
the way; where they are used after several times, relays carry them from the shortest to the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod

from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import SourceLocation, error
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.snn import (
    ConcatOp,
    FlattenOp,
    LifOp,
    LiOp,
    NetworkOp,
    Pool2dOp,
    PoolKind,
    PreviousOp,
    ReshapeOp,
    known_shape,
)
from spikeloom.passes.bptt.network_graph import analyze_network

Port = tuple[SSAValue, int]
"""A layer's value, and the time steps after which it is used."""


@dataclass(frozen=True)
class Layer:
    """Consecutive neurons.

    Attributes:
        name: unique in the network; that of relays ends in `.delayed`.
        neurons: their numbers.
        delay: time steps after which their spikes are used.
        value: what they compute.
        location: where the program defines it.
        repeats: the layer whose spikes it repeats, where it holds relays.
    """

    name: str
    neurons: range
    delay: int
    value: SSAValue
    location: SourceLocation | None
    repeats: Layer | None = None

    @property
    def is_computed(self) -> bool:
        """Whether clusters compute it, as they do all but the network's input."""
        return self.repeats is not None or isinstance(self.value.owner, Operation)

    @property
    def profiled_name(self) -> str:
        """How a profile calls the neurons whose spikes these are; the input is ""."""
        layer = self
        while layer.repeats is not None:
            layer = layer.repeats
        return layer.name if layer.is_computed else ""


@dataclass(frozen=True)
class Layers:
    """All layers in the order of their numbers, and the neurons behind every port."""

    layers: tuple[Layer, ...]
    ports: dict[Port, range]


def is_layer(value: SSAValue) -> bool:
    """Whether the units of a value are neurons, or inputs of the network."""
    op = value.owner
    if isinstance(op, Pool2dOp):
        return op.kind.data is PoolKind.MAX
    return isinstance(op, LifOp | LiOp) or not isinstance(op, Operation)


def layers_of(network: NetworkOp) -> Layers:
    """The layers of a network.

    Raises:
        DiagnosticError: shapes are not known, or currents depend on their own past without a
            neuron between (E0204).
    """
    image = network.body.block.args[0]
    components = analyze_network(network).components
    operations = [op for component in components for op in component.operations]
    for op in operations:
        if known_shape(op.results[0]) is None:
            message = "shapes must be known before neurons are counted"
            raise error("E0204", message, location_of(op), "run infer-shapes first")
    values: list[SSAValue] = [
        image,
        *(op.results[0] for op in operations if is_layer(op.results[0])),
    ]
    output = network.returned.output
    if _is_sum(output):
        values.append(output)
    operands = [o for v in values if isinstance(v.owner, Operation) for o in v.owner.operands]
    delays = _delays(operands, sum(isinstance(op, PreviousOp) for op in operations))
    return _numbered(values, delays)


def _is_sum(value: SSAValue) -> bool:
    """Whether anything but another arrangement of neurons lies behind a value."""
    waiting, seen = [value], set[SSAValue]()
    while waiting:
        value = waiting.pop()
        if is_layer(value) or value in seen:
            continue
        seen.add(value)
        op = value.owner
        if not isinstance(op, FlattenOp | ReshapeOp | ConcatOp | PreviousOp):
            return True
        waiting += op.operands
    return False


def _delays(operands: Iterable[SSAValue], most: int) -> dict[SSAValue, set[int]]:
    """For every layer the delays with which it feeds neurons, `most` at most without a cycle."""
    found: dict[SSAValue, set[int]] = {}
    seen: set[Port] = set()
    waiting = [(value, 0) for value in operands]
    while waiting:
        value, delay = port = waiting.pop()
        if port in seen:
            continue
        seen.add(port)
        if is_layer(value):
            found.setdefault(value, set()).add(delay)
            continue
        op = value.owner
        assert isinstance(op, Operation)
        if delay > most:
            message = "currents depend on their own past without a neuron between"
            raise error("E0204", message, location_of(op), "put a lif or li into the cycle")
        waiting += [(each, delay + isinstance(op, PreviousOp)) for each in op.operands]
    return found


def _numbered(values: list[SSAValue], delays: dict[SSAValue, set[int]]) -> Layers:
    layers: list[Layer] = []
    ports: dict[Port, range] = {}
    names: set[str] = set()
    start = 0
    for value in values:
        shape = known_shape(value)
        assert shape is not None
        layer = None
        before = 0
        for delay in sorted(delays.get(value, {0})):
            name = _unique(_written_name(value) + ".delayed" * (layer is not None), names)
            neurons = range(start, start + prod(shape))
            layer = Layer(name, neurons, delay - before, value, _location(value), layer)
            layers.append(layer)
            ports[value, delay] = neurons
            start, before = neurons.stop, delay
    return Layers(tuple(layers), ports)


def _written_name(value: SSAValue) -> str:
    op = value.owner
    if isinstance(op, LifOp | LiOp):
        return op.layer.data
    if not isinstance(op, Operation):
        return value.name_hint or "input"
    return (value.name_hint or "maxpool") if is_layer(value) else "output"


def _unique(name: str, names: set[str]) -> str:
    found = next(each for each in _numberings(name) if each not in names)
    names.add(found)
    return found


def _numberings(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}.{number}"
        number += 1


def _location(value: SSAValue) -> SourceLocation | None:
    op = value.owner
    return location_of(op) if isinstance(op, Operation) else None
