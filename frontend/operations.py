"""A network with its names resolved and its arguments bound: what the IR is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from spikeloom.diagnostics import SourceLocation
from spikeloom.dialects.neuron import NeuronAttr
from spikeloom.dialects.pool_kind import PoolKind
from spikeloom.dialects.window import WindowAttr
from spikeloom.frontend.syntax import Name, Network


@dataclass(frozen=True)
class Reference:
    """The value of a statement or of the input, by its path."""

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
class Convolved:
    """`conv2d(value, channels)`; `same` marks an even kernel under `padding = same`."""

    value: Value
    channels: int
    window: WindowAttr
    same: bool
    has_bias: bool
    location: SourceLocation


@dataclass(frozen=True)
class Pooled:
    """`sumpool2d(value, k)`, `avgpool2d(value, k)` and `maxpool2d(value, k)`."""

    value: Value
    kind: PoolKind
    window: WindowAttr
    location: SourceLocation


@dataclass(frozen=True)
class Normalized:
    """`batchnorm(value)`."""

    value: Value
    momentum: float
    epsilon: float
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
class Reshaped:
    """`reshape(value, shape)`."""

    value: Value
    shape: tuple[int, ...]
    location: SourceLocation


@dataclass(frozen=True)
class Joined:
    """`concat(left, right)`."""

    left: Value
    right: Value
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
    Reference
    | Linear
    | Convolved
    | Pooled
    | Normalized
    | Spiking
    | Integrating
    | Previous
    | Flattened
    | Reshaped
    | Joined
    | Added
    | Unresolved
)


@dataclass(frozen=True)
class Statement:
    """A named value.

    `path` is its name with those of the calls of blocks around it, `stage1.2.a`; references use
    it. `owner` is the path of the statement that its operations were written in, which differs
    for an argument of a block's call.
    """

    name: Name
    path: str
    owner: str
    value: Value


@dataclass(frozen=True)
class Expectation:
    """The parameter of a block asks for this kind of value."""

    value: Value
    kind: Name
    block: str
    parameter: str
    location: SourceLocation


@dataclass(frozen=True)
class ResolvedNetwork:
    """A network whose statements and returned value are resolved, without calls of blocks."""

    syntax: Network
    statements: tuple[Statement, ...]
    returned: Value
    return_location: SourceLocation
    expectations: tuple[Expectation, ...] = ()

    def values(self) -> tuple[Value, ...]:
        """What the statements and `return` compute."""
        return (*(each.value for each in self.statements), self.returned)


def operands(value: Value) -> tuple[Value, ...]:
    """The values that a value is computed from, in the order of the text."""
    match value:
        case (
            Linear() | Convolved() | Pooled() | Normalized() | Previous() | Flattened() | Reshaped()
        ):
            return (value.value,)
        case Joined():
            return (value.left, value.right)
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
