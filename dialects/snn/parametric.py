"""Operations with parameters: how they find them, and how the parameters' shapes follow."""

from __future__ import annotations

from abc import ABC, abstractmethod

from xdsl.dialects.builtin import SymbolRefAttr, TensorType, f32

from spikeloom.dialects.number_text import count
from spikeloom.dialects.snn.network import NetworkOp, ParameterOp
from spikeloom.dialects.snn.types import NetworkValueOperation, ShapeError, shape_text


class ParametricOperation(NetworkValueOperation, ABC):
    """An operation that refers to parameters of its network by their symbols."""

    @property
    @abstractmethod
    def parameter_names(self) -> tuple[str, ...]:
        """The symbols of all its parameters, without the `@`."""

    @abstractmethod
    def resolve_parameters(self) -> None:
        """Fills in what the operand's shape, which is known, says of the parameters."""

    def parameter(self, name: str) -> ParameterOp:
        """The parameter of this network with that name.

        Raises:
            VerifyException: there is none.
        """
        network = self.parent_op()
        assert isinstance(network, NetworkOp)
        return network.parameter(name)

    def set_parameter_shape(self, name: str, shape: tuple[int, ...], fan_in: int | None) -> None:
        """Gives a parameter its shape and, unless it starts as a constant, its fan-in."""
        parameter = self.parameter(name)
        parameter.properties["type"] = TensorType(f32, shape)
        if fan_in is not None and parameter.constant is None:
            parameter.properties["fan_in"] = count(fan_in)

    def check_vector(self, what: str, name: str, length: int) -> None:
        """A parameter with one number per output or channel.

        Raises:
            VerifyException: it has another shape.
        """
        if (shape := self.parameter(name).type.get_shape()) != (length,):
            raise ShapeError(
                f"the {what} @{name} must have the shape {shape_text([length])}, "
                f"got {shape_text(shape)}"
            )


def symbol_name(symbol: SymbolRefAttr) -> str:
    """A symbol without the `@`."""
    return symbol.root_reference.data
