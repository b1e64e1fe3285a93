"""Types of the `bptt` dialect: sequences over time and batch, and single steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeGuard

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    TensorType,
    f32,
    i1,
)
from xdsl.ir import (
    Attribute,
    SSAValue,
)
from xdsl.irdl import (
    AnyOf,
    eq,
)

Tensor: TypeAlias = TensorType[Attribute]

VALUE = TensorType.constr(AnyOf((eq(i1), eq(f32))))
REAL = TensorType.constr(f32)
BITS = TensorType.constr(i1)


def is_tensor(type: Attribute) -> TypeGuard[Tensor]:
    """Whether a type is a tensor; `isa`, which builds a constraint at every call, is 50x slower."""
    return isinstance(type, TensorType)


def sequence_type(element: Attribute, shape: Sequence[int]) -> Tensor:
    """A value over time and batch: `tensor<?x?x...>`."""
    return TensorType(element, [DYNAMIC_INDEX, DYNAMIC_INDEX, *shape])


def sample_type(element: Attribute, shape: Sequence[int]) -> Tensor:
    """A value at one step, or without time: `tensor<?x...>`."""
    return TensorType(element, [DYNAMIC_INDEX, *shape])


def tensor_of(value: SSAValue) -> Tensor:
    """The type of a value that is a tensor."""
    assert is_tensor(value.type)
    return value.type


def real_like(type: Attribute) -> Tensor:
    """The type of `f32` tensors with this shape: currents, and gradients of anything."""
    assert is_tensor(type)
    return TensorType(f32, type.get_shape())


def with_sample_shape(type: Attribute, leading: int, shape: Sequence[int]) -> Tensor:
    """The type with its first `leading` dimensions kept and another shape of a sample."""
    assert is_tensor(type)
    return TensorType(type.element_type, [*type.get_shape()[:leading], *shape])


def unit_count(type: Attribute) -> int:
    """The number of cells of one sample at one step."""
    assert is_tensor(type)
    units = 1
    for extent in type.get_shape():
        units *= 1 if extent == DYNAMIC_INDEX else extent
    return units


def channel_count(type: Attribute) -> int:
    """The channels of a sample at one step: its first dimension, units where it has no other."""
    assert is_tensor(type)
    channels = [extent for extent in type.get_shape() if extent != DYNAMIC_INDEX]
    return channels[0] if channels else 1
