"""Lowering of batch normalization: statistics per channel, their use, their running means.

Channels are the outermost loop, so that their statistics stay on chip while all samples pass.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.engine import Extent
from spikeloom.dialects.instruction_set import Element
from spikeloom.passes.engine.elementwise import activation_buffer, unit_axes
from spikeloom.passes.engine.images import image_of
from spikeloom.passes.engine.layout import Home
from spikeloom.passes.engine.matrices import Parameters
from spikeloom.passes.engine.tiles import TileBuffer, units
from spikeloom.passes.engine.writer import Nest, Writer

_SUM_MEMORY = "gradient_sram"


def lower_moments(writer: Writer, op: bptt.MomentsOp) -> None:
    """Mean and biased variance of every channel, one after the other."""
    buffers = [
        activation_buffer(writer, "values", op.value, writer.clock.length),
        _vector("mean", _SUM_MEMORY),
        _vector("variance", _SUM_MEMORY),
    ]
    nest = writer.nest("moments", unit_axes(writer, op.value), buffers, op)
    homes = {"mean": writer.layout.view(op.mean).home}
    homes["variance"] = writer.layout.view(op.variance).home
    scale = (1.0 / _count(writer, op.value),)
    with nest.loop("units") as u:
        for role, roles in (("mean", ("mean", "values")), ("variance", _VARIANCE)):
            nest.clear(role, (1, 1, 1, u))
            with _tiles(nest, {"values": op.value}, u) as box:
                nest.on_tiles(f"channel_{role}", roles, box, scale)
            nest.store(role, nest.home(homes[role], None, u), (1, 1, 1, u))


_VARIANCE = ("variance", "values", "mean")


def lower_normalize(writer: Writer, op: bptt.NormalizeOp, parameters: Parameters) -> None:
    """The statistics are those of the batch, or the running ones."""
    vectors = {
        "mean": _statistic(writer, op.mean, op.running_mean, parameters),
        "variance": _statistic(writer, op.variance, op.running_variance, parameters),
        "scale": parameters[op.scale.root_reference.data],
        "shift": parameters[op.shift.root_reference.data],
    }
    _per_channel(
        writer,
        "normalize",
        op,
        {"normalized": op.normalized},
        {"values": op.value},
        vectors,
        (op.epsilon.value.data,),
    )


def lower_normalize_gradient(
    writer: Writer, op: bptt.NormalizeGradientOp, parameters: Parameters
) -> None:
    """The gradient through the value and its statistics."""
    view = writer.layout.view
    vectors = {
        "mean": view(op.mean).home,
        "variance": view(op.variance).home,
        "scale": parameters[op.scale.root_reference.data],
        "shift_gradient": view(op.shift_gradient).home,
        "scale_gradient": view(op.scale_gradient).home,
    }
    _per_channel(
        writer,
        "normalize_gradient",
        op,
        {"value_gradient": op.value_gradient},
        {"gradient": op.gradient, "values": op.value},
        vectors,
        (op.epsilon.value.data, 1.0 / _count(writer, op.value)),
    )


def lower_scale_gradient(writer: Writer, op: bptt.ScaleGradientOp) -> None:
    """The sum of gradient x normalized value of every channel."""
    view, length = writer.layout.view, writer.clock.length
    read = {"gradient": op.gradient, "values": op.value}
    statistics = {"mean": view(op.mean).home, "variance": view(op.variance).home}
    buffers = [
        _vector("scale_gradient", _SUM_MEMORY),
        *(activation_buffer(writer, role, value, length) for role, value in read.items()),
        *(_vector(role, "weight_sram") for role in statistics),
    ]
    nest = writer.nest("scale_gradient", unit_axes(writer, op.value), buffers, op)
    roles, target = ("scale_gradient", *read, *statistics), view(op.scale_gradient).home
    with nest.loop("units") as u:
        _load_vectors(nest, statistics, u)
        nest.clear("scale_gradient", (1, 1, 1, u))
        with _tiles(nest, read, u) as box:
            nest.on_tiles("channel_product", roles, box, (op.epsilon.value.data,))
        nest.store("scale_gradient", nest.home(target, None, u), (1, 1, 1, u))


def lower_update_running(writer: Writer, op: bptt.UpdateRunningOp, parameters: Parameters) -> None:
    """The running statistic moves towards that of the batch."""
    running = parameters[op.parameter.root_reference.data]
    statistic = writer.layout.view(op.statistic).home
    factor = 1.0
    if op.unbiased is not None:
        count = writer.layout.steps * writer.layout.samples * op.positions
        factor = count / max(count - 1, 1)
    buffers = [_vector("running", "weight_sram"), _vector("statistic", _SUM_MEMORY)]
    axes = [units("units", running.shape[3])]
    nest = writer.nest("update_running", axes, buffers, op)
    with nest.loop("units") as u:
        _load_vectors(nest, {"running": running, "statistic": statistic}, u)
        nest.on_tiles("blend", ("running", "statistic"), (u,), (op.momentum.value.data, factor))
        nest.store("running", nest.home(running, None, u), (1, 1, 1, u))


def _per_channel(
    writer: Writer,
    name: str,
    op: Operation,
    written: Mapping[str, SSAValue],
    read: Mapping[str, SSAValue],
    vectors: Mapping[str, Home],
    immediates: Sequence[float],
) -> None:
    """An element-wise instruction with a number per channel in each of `vectors`."""
    values, length = {**written, **read}, writer.clock.length
    buffers = [
        *(activation_buffer(writer, role, value, length) for role, value in values.items()),
        *(_vector(role, "weight_sram") for role in vectors),
    ]
    nest = writer.nest(name, unit_axes(writer, op.results[0]), buffers, op)
    with nest.loop("units") as u:
        _load_vectors(nest, vectors, u)
        with _tiles(nest, read, u, written) as box:
            nest.on_tiles(name, (*values, *vectors), box, immediates)


@contextmanager
def _tiles(
    nest: Nest,
    read: Mapping[str, SSAValue],
    unit: SSAValue,
    written: Mapping[str, SSAValue] | None = None,
) -> Generator[tuple[Extent, ...]]:
    """Loops over samples and positions that load, yield the box to work on, and store."""
    with nest.loop("samples") as g, nest.loop_over_pixels() as p:
        box = (nest.writer.clock.extent, g, 1 if p is None else p, unit)
        for role, value in read.items():
            nest.load(role, nest.at(value, g, unit, p), box)
        yield box
        for role, value in (written or {}).items():
            nest.store(role, nest.at(value, g, unit, p), box)


def _vector(role: str, memory: str) -> TileBuffer:
    return TileBuffer(role, Element.F32, memory, (1, 1, 1, "units"))


def _load_vectors(nest: Nest, vectors: Mapping[str, Home], unit: SSAValue) -> None:
    for role, home in vectors.items():
        nest.load(role, nest.home(home, None, unit), (1, 1, 1, unit))


def _statistic(
    writer: Writer, value: SSAValue | None, symbol: SymbolRefAttr | None, parameters: Parameters
) -> Home:
    if value is not None:
        return writer.layout.view(value).home
    assert symbol is not None, "the verifier asks for one of the two"
    return parameters[symbol.root_reference.data]


def _count(writer: Writer, value: SSAValue) -> int:
    """Numbers of one channel's statistic."""
    layout = writer.layout
    return layout.steps * layout.samples * image_of(value).positions
