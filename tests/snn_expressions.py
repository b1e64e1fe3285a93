"""The expressions of a network as plain Python data.

An expression is known by its identity: two `linear` that look alike have two weights, two `lif`
two states. So every expression object stands at one place of the text, and only a `Name` refers to
another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Shape: TypeAlias = tuple[int, ...]
Reset = Literal["zero", "subtract", "none"]
SurrogateKind = Literal["rectangle", "triangle", "fast_sigmoid", "atan"]
Loss = Literal["cross_entropy", "mse"]
Kind = Literal["spikes", "currents"]
PoolKind = Literal["sum", "avg", "max"]


@dataclass(frozen=True)
class Surrogate:
    """`shape` is the half width of a rectangle or triangle, else the slope, which has no gain."""

    kind: SurrogateKind = "rectangle"
    shape: float = 0.5
    gain: float = 1.0

    def text(self) -> str:
        if self.kind in ("rectangle", "triangle"):
            return f"{self.kind}(half_width = {self.shape}, gain = {self.gain})"
        return f"{self.kind}(slope = {self.shape})"


@dataclass(frozen=True)
class Neuron:
    """The arguments of `lif`; the defaults are the language's."""

    decay: float = 0.5
    threshold: float = 0.5
    reset: Reset = "zero"
    surrogate: Surrogate = Surrogate()
    detach_reset: bool = False

    def text(self) -> str:
        """The arguments, a leading comma before each; what is the default is not written."""
        defaults = Neuron()
        parts = {
            "decay": str(self.decay),
            "threshold": str(self.threshold),
            "reset": self.reset,
            "detach_reset": str(self.detach_reset).lower(),
            "surrogate": self.surrogate.text(),
        }
        written = [n for n in parts if getattr(self, n) != getattr(defaults, n)]
        return "".join(f", {name} = {parts[name]}" for name in written)


@dataclass(frozen=True, eq=False)
class Name:
    """The value of a statement or of the input."""

    name: str


@dataclass(frozen=True, eq=False)
class Linear:
    value: Expression
    outputs: int
    bias: bool = True


@dataclass(frozen=True, eq=False)
class Add:
    """A sum; the first term must have a shape that does not depend on the sum itself."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Lif:
    """`lif`, or `if` where `written_as_if` (with decay = 1)."""

    current: Expression
    neuron: Neuron = Neuron()
    written_as_if: bool = False


@dataclass(frozen=True, eq=False)
class Li:
    current: Expression
    decay: float = 0.5


@dataclass(frozen=True, eq=False)
class Previous:
    value: Expression


@dataclass(frozen=True, eq=False)
class Flatten:
    value: Expression


@dataclass(frozen=True, eq=False)
class Reshape:
    """The same cells in another shape, the last dimension fastest."""

    value: Expression
    shape: Shape


@dataclass(frozen=True, eq=False)
class Concat:
    """Two values one behind the other along the first dimension."""

    left: Expression
    right: Expression


@dataclass(frozen=True, eq=False)
class Conv2d:
    """A convolution of an image [channels, height, width]; `padding` None is `same`."""

    value: Expression
    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int | None = None
    bias: bool = True

    @property
    def before(self) -> int:
        """Rows of zeros before the first one."""
        return (self.kernel - 1) // 2 if self.padding is None else self.padding

    def output(self, size: int) -> int:
        """Pixels of the result along a side of `size` pixels."""
        if self.padding is None:
            return -(-size // self.stride)
        return (size + 2 * self.padding - self.kernel) // self.stride + 1


@dataclass(frozen=True, eq=False)
class Pool2d:
    """One number per window; `stride` None is the size of the window."""

    kind: PoolKind
    value: Expression
    size: int
    stride: int | None = None

    @property
    def step(self) -> int:
        """Pixels from one window to the next."""
        return self.size if self.stride is None else self.stride

    def output(self, size: int) -> int:
        """Windows along a side of `size` pixels, all of them inside."""
        return (size - self.size) // self.step + 1


@dataclass(frozen=True, eq=False)
class Batchnorm:
    """Not inside of a cycle through `previous`."""

    value: Expression
    momentum: float = 0.1
    epsilon: float = 1e-5


Expression: TypeAlias = (
    Name
    | Linear
    | Add
    | Lif
    | Li
    | Previous
    | Flatten
    | Reshape
    | Concat
    | Conv2d
    | Pool2d
    | Batchnorm
)


def operands(expression: Expression) -> tuple[Expression, ...]:
    """What an expression is computed from, in the order of the text."""
    match expression:
        case Name():
            return ()
        case Add(terms):
            return terms
        case Lif(current) | Li(current):
            return (current,)
        case Concat(left, right):
            return (left, right)
        case _:
            return (expression.value,)


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all its parts in the order of the text."""
    yield expression
    for operand in operands(expression):
        yield from walk(operand)
