"""Streams as deep networks have them, built directly: many instructions in deep tile loops.

Every layer moves its tiles through the same addresses on chip, as the compiler's layout does: a
forward, a backward and a weight update part, each a nest of loops over samples, positions, outputs
and inputs, on DRAM homes of whole activations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spikeloom.backend.stream.stream import LoopExtent, Slice, Stream, StreamBuilder
from spikeloom.dialects.instruction_set import SPECS, Element, Shape, buffer_bytes

Extent = int | LoopExtent
_BIT, _F32 = Element.BIT, Element.F32
_LINEAR = {"kernel_width": 1.0, "stride": 1.0, "input_width": 1.0, "output_width": 1.0}
_LIF = {"decay": 0.5, "threshold": 0.5, "shape": 0.5, "gain": 1.0}


@dataclass(frozen=True)
class Depth:
    """How large a stream is: layers of `units` by `units` weights, each cut into tiles."""

    layers: int
    steps: int
    samples: int
    sample_tile: int
    units: int
    unit_tile: int


@dataclass
class _Writer:
    """Builds buffers at rising addresses and instructions by the names of their axes."""

    builder: StreamBuilder = field(default_factory=StreamBuilder)
    used: dict[str, int] = field(default_factory=dict[str, int])

    def home(self, name: str, element: Element, shape: Shape, role: tuple[str, str]) -> int:
        """A buffer in DRAM behind all others."""
        return self._place(name, element, shape, "dram", role)

    def tile(self, name: str, element: Element, shape: Shape, memory: str) -> int:
        """A buffer on chip behind those of this part."""
        return self._place(name, element, shape, memory, ("", ""))

    def part(self) -> None:
        """Starts a new part: its tiles use the addresses of the last one's."""
        self.used = {"dram": self.used.get("dram", 0)}

    def emit(
        self, name: str, layer: str, axes: Mapping[str, Extent], **operands: Slice | None
    ) -> None:
        """One instruction; an axis that is not named has the length 1."""
        spec = SPECS[name]
        numbers = {**_LINEAR, **_LIF}
        self.builder.emit(
            name,
            {role: place for role, place in operands.items() if place is not None},
            [axes.get(axis, 1) for axis in spec.axes],
            [numbers.get(immediate.name, 0.0) for immediate in spec.immediates],
            f"deep.snn:{int(layer.removeprefix('layer'))}:1",
            layer,
        )

    def _place(
        self, name: str, element: Element, shape: Shape, memory: str, role: tuple[str, str]
    ) -> int:
        offset = self.used.get(memory, 0)
        self.used[memory] = offset + buffer_bytes(element, shape)
        return self.builder.buffer(name, element, shape, memory, offset, role)


def deep_stream(depth: Depth) -> Stream:
    """A training step of `depth.layers` layers; its losses and optimizers are left out."""
    writer = _Writer()
    activation = (depth.steps, depth.samples, 1, depth.units)
    matrix = (1, 1, depth.units, depth.units)
    spikes = [writer.home("input", _BIT, activation, ("input", ""))]
    weights: list[int] = []
    gradient = writer.home("gradient", _F32, activation, ("input", "gradient"))
    for number in range(depth.layers):
        layer = f"layer{number}"
        spikes.append(writer.home(f"{layer}.spikes", _BIT, activation, ("spikes", layer)))
        role = ("parameter", f"{layer}.weight")
        weights.append(writer.home(f"{layer}.weight", _F32, matrix, role))
        _forward(writer, depth, layer, spikes[-2], weights[-1], spikes[-1])
    for number in reversed(range(depth.layers)):
        layer = f"layer{number}"
        below = writer.home(f"{layer}.below", _F32, activation, ("", ""))
        update = writer.home(f"{layer}.update", _F32, matrix, ("", ""))
        _backward(writer, depth, layer, gradient, weights[number], below)
        _weight_update(writer, depth, layer, spikes[number], gradient, update)
        gradient = below
    return writer.builder.finish()


def _forward(
    writer: _Writer, depth: Depth, layer: str, source: int, weight: int, target: int
) -> None:
    writer.part()
    size, cells, steps = depth.sample_tile, depth.unit_tile, depth.steps
    inputs = writer.tile(f"{layer}.f.in", _BIT, (steps, size, 1, cells), "spike_sram")
    fired = writer.tile(f"{layer}.f.out", _BIT, (steps, size, 1, cells), "spike_sram")
    tile = writer.tile(f"{layer}.f.weight", _F32, (1, 1, cells, cells), "weight_sram")
    current = writer.tile(f"{layer}.f.current", _F32, (steps, size, 1, cells), "state_sram")
    build = writer.builder
    with build.loop(0, depth.samples, size) as s, build.loop(0, depth.units, cells) as o:
        box = {"planes": steps, "groups": LoopExtent(s), "columns": LoopExtent(o)}
        rows = {"steps": steps, "samples": LoopExtent(s)}
        writer.emit("clear", layer, box, target=Slice(current))
        with build.loop(0, depth.units, cells) as i:
            part = {**box, "columns": LoopExtent(i)}
            writer.emit("load", layer, part, target=Slice(inputs), source=_at(source, s, i))
            square = {"rows": LoopExtent(i), "columns": LoopExtent(o)}
            writer.emit("load", layer, square, target=Slice(tile), source=_square(weight, i, o))
            product = {**rows, "inputs": LoopExtent(i), "outputs": LoopExtent(o)}
            operands = {"current": current, "spikes": inputs, "weight": tile}
            slices = {role: Slice(buffer) for role, buffer in operands.items()}
            writer.emit("accumulate", layer, product, **slices)
        units = {**rows, "units": LoopExtent(o)}
        writer.emit("fire", layer, units, spikes=Slice(fired), current=Slice(current))
        writer.emit("store", layer, box, target=_at(target, s, o), source=Slice(fired))


def _backward(
    writer: _Writer, depth: Depth, layer: str, source: int, weight: int, target: int
) -> None:
    writer.part()
    size, cells, steps = depth.sample_tile, depth.unit_tile, depth.steps
    shape = (steps, size, 1, cells)
    gradient = writer.tile(f"{layer}.b.gradient", _F32, shape, "gradient_sram")
    below = writer.tile(f"{layer}.b.below", _F32, shape, "gradient_sram")
    tile = writer.tile(f"{layer}.b.weight", _F32, (1, 1, cells, cells), "weight_sram")
    build = writer.builder
    with build.loop(0, depth.samples, size) as s, build.loop(0, depth.units, cells) as i:
        box = {"planes": steps, "groups": LoopExtent(s), "columns": LoopExtent(i)}
        writer.emit("clear", layer, box, target=Slice(below))
        with build.loop(0, depth.units, cells) as o:
            part = {**box, "columns": LoopExtent(o)}
            writer.emit("load", layer, part, target=Slice(gradient), source=_at(source, s, o))
            square = {"rows": LoopExtent(i), "columns": LoopExtent(o)}
            place = _square(weight, i, o)
            writer.emit("load_transposed", layer, square, target=Slice(tile), source=place)
            product = {
                **{"steps": steps, "samples": LoopExtent(s)},
                **{"inputs": LoopExtent(i), "outputs": LoopExtent(o)},
            }
            operands = {"input_gradient": below, "gradient": gradient, "transposed_weight": tile}
            slices = {role: Slice(buffer) for role, buffer in operands.items()}
            writer.emit("backpropagate", layer, product, **slices)
        writer.emit("store", layer, box, target=_at(target, s, i), source=Slice(below))


def _weight_update(
    writer: _Writer, depth: Depth, layer: str, source: int, upper: int, target: int
) -> None:
    writer.part()
    size, cells, steps = depth.sample_tile, depth.unit_tile, depth.steps
    inputs = writer.tile(f"{layer}.w.in", _BIT, (steps, size, 1, cells), "spike_sram")
    gradient = writer.tile(f"{layer}.w.gradient", _F32, (steps, size, 1, cells), "gradient_sram")
    tile = writer.tile(f"{layer}.w.update", _F32, (1, 1, cells, cells), "gradient_sram")
    build = writer.builder
    with build.loop(0, depth.units, cells) as i, build.loop(0, depth.units, cells) as o:
        square = {"rows": LoopExtent(i), "columns": LoopExtent(o)}
        writer.emit("clear", layer, square, target=Slice(tile))
        with build.loop(0, depth.samples, size) as s:
            part = {"planes": steps, "groups": LoopExtent(s)}
            columns = {**part, "columns": LoopExtent(i)}
            writer.emit("load", layer, columns, target=Slice(inputs), source=_at(source, s, i))
            columns = {**part, "columns": LoopExtent(o)}
            writer.emit("load", layer, columns, target=Slice(gradient), source=_at(upper, s, o))
            product = {
                **{"steps": steps, "samples": LoopExtent(s)},
                **{"inputs": LoopExtent(i), "outputs": LoopExtent(o)},
            }
            operands = {"weight_gradient": tile, "spikes": inputs, "gradient": gradient}
            slices = {role: Slice(buffer) for role, buffer in operands.items()}
            writer.emit("correlate_spikes", layer, product, **slices)
        writer.emit("store", layer, square, target=_square(target, i, o), source=Slice(tile))


def _at(buffer: int, sample_loop: int, unit_loop: int) -> Slice:
    """The tile of an activation's home at these loops."""
    return Slice(buffer, loops=(-1, sample_loop, -1, unit_loop))


def _square(buffer: int, row_loop: int, column_loop: int) -> Slice:
    """The tile of a matrix at these loops."""
    return Slice(buffer, loops=(-1, -1, row_loop, column_loop))
