"""A network with its names resolved and its arguments bound: what the IR is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from spikeloom.diagnostics import SourceLocation
from spikeloom.dialects.neuron import NeuronAttr
from spikeloom.frontend.syntax import Name, Network


@dataclass(frozen=True)
class Reference:
    """The value of a statement or of the input."""

    name: str
    location: SourceLocation


@dataclass(frozen=True)
class Linear:
    """`linear(value, outputs)`."""

    value: Value
    outputs: int
    has_bias: bool
    location: SourceLocation


@dataclass(frozen=True)
class Spiking:
    """`lif(current)` and `if(current)`; `function` is the one that was written."""

    function: str
    current: Value
    neuron: NeuronAttr
    location: SourceLocation


@dataclass(frozen=True)
class Integrating:
    """`li(current)`."""

    current: Value
    decay: float
    location: SourceLocation


@dataclass(frozen=True)
class Previous:
    """`previous(value)`."""

    value: Value
    location: SourceLocation


@dataclass(frozen=True)
class Flattened:
    """`flatten(value)`."""

    value: Value
    location: SourceLocation


@dataclass(frozen=True)
class Added:
    """n values and the places of the n - 1 signs between them."""

    terms: tuple[Value, ...]
    signs: tuple[SourceLocation, ...]

    @property
    def location(self) -> SourceLocation:
        """The first sign."""
        return self.signs[0]


@dataclass(frozen=True)
class Unresolved:
    """Stands where an error was found; no such value outlives its stage."""

    location: SourceLocation


Value: TypeAlias = (
    Reference | Linear | Spiking | Integrating | Previous | Flattened | Added | Unresolved
)


@dataclass(frozen=True)
class Statement:
    """A named value."""

    name: Name
    value: Value


@dataclass(frozen=True)
class ResolvedNetwork:
    """A network whose statements and returned value are resolved."""

    syntax: Network
    statements: tuple[Statement, ...]
    returned: Value
    return_location: SourceLocation


def operands(value: Value) -> tuple[Value, ...]:
    """The values that a value is computed from, in the order of the text."""
    match value:
        case Linear() | Previous() | Flattened():
            return (value.value,)
        case Spiking() | Integrating():
            return (value.current,)
        case Added():
            return value.terms
        case Reference() | Unresolved():
            return ()


def walk(value: Value) -> Iterator[Value]:
    """The value and all that it is computed from, in the order of the text."""
    yield value
    for operand in operands(value):
        yield from walk(operand)
