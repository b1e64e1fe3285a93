"""The parameters that an operation of a program needs, as declarations of the IR."""

from __future__ import annotations

from collections.abc import Iterator

from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType, f32

from spikeloom.dialects.snn import ParameterOp
from spikeloom.frontend.naming import Names
from spikeloom.frontend.operations import Convolved, Linear, Normalized, Value


def parameters_of(value: Value, names: Names) -> Iterator[ParameterOp]:
    """Declares them in the order in which the operation names them; input sizes are open."""
    match value:
        case Linear():
            yield from _synapses(names[value], [value.outputs, DYNAMIC_INDEX], value.has_bias)
        case Convolved():
            kernel, _, _ = value.window.sizes
            shape = [value.channels, DYNAMIC_INDEX, kernel, kernel]
            yield from _synapses(names[value], shape, value.has_bias)
        case Normalized():
            name, type = names[value], TensorType(f32, [DYNAMIC_INDEX])
            yield ParameterOp(f"{name}.scale", type, constant=1.0)
            yield ParameterOp(f"{name}.shift", type, constant=0.0)
            yield ParameterOp(f"{name}.mean", type, constant=0.0, running=True)
            yield ParameterOp(f"{name}.variance", type, constant=1.0, running=True)
        case _:
            return


def _synapses(name: str, shape: list[int], has_bias: bool) -> Iterator[ParameterOp]:
    yield ParameterOp(f"{name}.weight", TensorType(f32, shape))
    if has_bias:
        yield ParameterOp(f"{name}.bias", TensorType(f32, shape[:1]))
