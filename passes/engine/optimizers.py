"""Lowering of optimizers: parameters, their moments, and the count of updates."""

from __future__ import annotations

from xdsl.ir import Operation

from spikeloom.dialects import bptt
from spikeloom.dialects.instruction_set import Element
from spikeloom.dialects.training import (
    ADAM_BETA1,
    ADAM_BETA2,
    ADAM_EPSILON,
    OptimizerAttr,
    OptimizerKind,
)
from spikeloom.passes.engine.layout import Home
from spikeloom.passes.engine.tiles import TileBuffer, taps, units
from spikeloom.passes.engine.writer import Writer


class OptimizerState:
    """Homes of the optimizer's state, made when the first update asks for them."""

    def __init__(self, writer: Writer):
        self._writer = writer
        self._count: Home | None = None

    def moment(self, parameter: str, name: str, like: Home) -> Home:
        """A moment of one parameter."""
        home = self._writer.layout.new_home(f"{parameter}.{name}", Element.F32, like.shape, False)
        home.role = ("optimizer", f"{parameter}.{name}")
        return home

    def count(self, source: Operation) -> Home:
        """The number of updates, this one included; counted once per step."""
        if self._count is None:
            writer = self._writer
            self._count = writer.layout.new_home("count", Element.I32, (1, 1, 1, 1), False)
            self._count.role = ("optimizer", "count")
            buffer = TileBuffer("count", Element.I32, "gradient_sram", (1, 1, 1, 1))
            nest = writer.nest("count", [], [buffer], source, layer="")
            nest.load("count", nest.home(self._count, None, None), (1, 1, 1, 1))
            nest.on_tiles("count_step", ("count",), ())
            nest.store("count", nest.home(self._count, None, None), (1, 1, 1, 1))
        return self._count


def lower_optimize(
    writer: Writer, op: bptt.OptimizeOp, parameter: Home, state: OptimizerState
) -> None:
    """One parameter's update."""
    name = op.parameter.root_reference.data
    gradient = writer.layout.view(op.gradient).home
    homes = {"parameter": parameter, **_moments(op.optimizer, name, parameter, state)}
    adam = op.optimizer.kind.data is not OptimizerKind.SGD
    window, _, inputs, outputs = parameter.shape
    axes = [*([taps(window)] if window > 1 else []), units("inputs", inputs)]
    dims = ("taps" if window > 1 else 1, 1, "inputs", "outputs")
    buffers = [
        TileBuffer(
            role,
            Element.F32,
            "weight_sram" if role == "parameter" else "gradient_sram",
            dims,
        )
        for role in (*homes, "gradient")
    ]
    roles = [*homes, "gradient"]
    count = state.count(op) if adam else None
    if count is not None:
        buffers.append(TileBuffer("count", Element.I32, "gradient_sram", (1, 1, 1, 1)))
        roles.append("count")
    axes.append(units("outputs", outputs))
    nest = writer.nest("optimize", axes, buffers, op)
    if count is not None:
        nest.load("count", nest.home(count, None, None), (1, 1, 1, 1))
    with nest.loop_if_any("taps") as t, nest.loop("inputs") as i, nest.loop("outputs") as o:
        kernel = 1 if t is None else t
        for role, home in (*homes.items(), ("gradient", gradient)):
            nest.load(role, nest.home(home, i, o, t), (kernel, 1, i, o))
        immediates = _optimizer_immediates(op.optimizer)
        nest.on_tiles("adam" if adam else "sgd", roles, (kernel, i, o), immediates)
        for role, home in homes.items():
            nest.store(role, nest.home(home, i, o, t), (kernel, 1, i, o))


def _moments(
    optimizer: OptimizerAttr, name: str, parameter: Home, state: OptimizerState
) -> dict[str, Home]:
    if optimizer.kind.data is not OptimizerKind.SGD:
        moments = ("first_moment", "second_moment")
    else:
        moments = ("velocity",) if optimizer.momentum.value.data else ()
    return {moment: state.moment(name, moment, parameter) for moment in moments}


def _optimizer_immediates(optimizer: OptimizerAttr) -> tuple[float, ...]:
    rate = optimizer.rate.value.data
    if optimizer.kind.data is OptimizerKind.SGD:
        return (rate, optimizer.momentum.value.data)
    return (rate, ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON, optimizer.decay.value.data)
