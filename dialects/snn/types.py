"""Spikes and currents of the `snn` dialect: types, shapes, and how shapes follow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias, cast

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    TensorType,
    UnrankedTensorType,
    f32,
    i1,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AnyOf,
    IRDLOperation,
    MessageConstraint,
    ParamAttrConstraint,
    eq,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

ValueType: TypeAlias = TensorType[Attribute] | UnrankedTensorType[Attribute]

ELEMENT = AnyOf((eq(i1), eq(f32)))
SPIKES = MessageConstraint(
    AnyOf((TensorType.constr(i1), ParamAttrConstraint(UnrankedTensorType, (eq(i1),)))),
    "spikes are a tensor of i1",
)
CURRENTS = MessageConstraint(
    AnyOf((TensorType.constr(f32), ParamAttrConstraint(UnrankedTensorType, (eq(f32),)))),
    "currents are a tensor of f32",
)
VALUE = MessageConstraint(
    AnyOf((TensorType.constr(ELEMENT), ParamAttrConstraint(UnrankedTensorType, (ELEMENT,)))),
    "values are tensors of i1 or f32",
)


class ShapeError(VerifyException):
    """Shapes do not fit; the message names them. `remedy` says what to change."""

    def __init__(self, message: str, remedy: str | None = None):
        super().__init__(message)
        self.remedy = remedy


def known_shape(value: SSAValue) -> tuple[int, ...] | None:
    """The shape of one sample at one time step, or None while it is not known."""
    # `isa`, which checks the element type too, takes a third of the time of reading a program.
    type = cast(ValueType, value.type)
    if isinstance(type, TensorType):
        shape = type.get_shape()
        if DYNAMIC_INDEX not in shape:
            return shape
    return None


def element_type(value: SSAValue) -> Attribute:
    """`i1` of spikes, `f32` of currents."""
    assert isa(value.type, TensorType[Attribute] | UnrankedTensorType[Attribute])
    return value.type.element_type


def shape_text(shape: Sequence[int]) -> str:
    """A shape as the language writes it: `[2, 32, 32]`."""
    return "[" + ", ".join("?" if e == DYNAMIC_INDEX else str(e) for e in shape) + "]"


class NetworkValueOperation(IRDLOperation, ABC):
    """An operation with one result whose type follows from its operands."""

    @abstractmethod
    def infer_result_type(self) -> TensorType[Attribute] | None:
        """The result's type, None while an operand's shape is unknown.

        Raises:
            ShapeError: the operands' shapes do not fit.
        """

    def verify_(self) -> None:
        """The result has the type that follows from the operands, once that is known."""
        inferred = self.infer_result_type()
        declared = self.results[0].type
        if inferred is None or isinstance(declared, UnrankedTensorType):
            return
        if inferred != declared:
            raise VerifyException(
                f"{self.name} yields {inferred}, but its result is declared as {declared}"
            )
