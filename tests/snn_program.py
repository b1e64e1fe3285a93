"""Small networks as plain Python data, and their `.snn` text.

A network is a graph of expressions. An expression is known by its identity: two `linear` that
look alike have two weights, two `lif` two states. So every expression object stands at one
place of the text, and only a `Name` refers to another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

Shape: TypeAlias = tuple[int, ...]
Reset = Literal["zero", "subtract", "none"]
SurrogateKind = Literal["rectangle", "triangle", "fast_sigmoid", "atan"]
Loss = Literal["cross_entropy", "mse"]
Kind = Literal["spikes", "currents"]


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


Expression: TypeAlias = Name | Linear | Add | Lif | Li | Previous | Flatten


def operands(expression: Expression) -> tuple[Expression, ...]:
    """What an expression is computed from, in the order of the text."""
    match expression:
        case Name():
            return ()
        case Add(terms):
            return terms
        case Lif(current) | Li(current):
            return (current,)
        case Linear(value) | Previous(value) | Flatten(value):
            return (value,)


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and all its parts in the order of the text."""
    yield expression
    for operand in operands(expression):
        yield from walk(operand)


@dataclass(frozen=True, eq=False)
class Network:
    """A network and its training; `statements` are in the order of the text.

    What `return` computes is a statement named `output`; where it only returns a name, it is
    that `Name`.
    """

    input_kind: Kind
    input_shape: Shape
    statements: tuple[tuple[str, Expression], ...]
    returned: Expression
    steps: int
    batch: int
    loss: Loss = "cross_entropy"
    optimizer: str = "sgd(rate = 0.01)"
    input_name: str = field(default="signal", kw_only=True)

    @cached_property
    def values(self) -> dict[str, Expression]:
        """The statements by name, and `output` where `return` computes something."""
        named = dict(self.statements)
        return named if isinstance(self.returned, Name) else {**named, "output": self.returned}

    def resolve(self, expression: Expression) -> Expression:
        """The expression that a name stands for; the input's name stands for itself."""
        while isinstance(expression, Name) and expression.name != self.input_name:
            expression = self.values[expression.name]
        return expression

    def expressions(self) -> Iterator[Expression]:
        """Every expression in the order of the text."""
        for value in self.values.values():
            yield from walk(value)

    @cached_property
    def linear_names(self) -> dict[Linear, str]:
        """`hidden`, or `hidden.1`, `hidden.2` where a statement holds several."""
        return self._number(Linear)

    @cached_property
    def layer_names(self) -> dict[Lif | Li, str]:
        """The layers of neurons, named likewise."""
        return self._number((Lif, Li))

    def _number(self, kinds: type | tuple[type, ...]) -> dict:
        names: dict = {}
        for statement, value in self.values.items():
            found = [part for part in walk(value) if isinstance(part, kinds)]
            for number, part in enumerate(found, start=1):
                assert part not in names, "an expression stands at one place only"
                names[part] = statement if len(found) == 1 else f"{statement}.{number}"
        return names

    def shape(self, expression: Expression) -> Shape:
        """The shape of a value, per sample and step."""
        match expression:
            case Name():
                found = self.resolve(expression)
                return self.input_shape if found is expression else self.shape(found)
            case Linear():
                return (expression.outputs,)
            case Flatten(value):
                units = 1
                for extent in self.shape(value):
                    units *= extent
                return (units,)
            case Add(terms):
                return self.shape(terms[0])
            case Lif(value) | Li(value) | Previous(value):
                return self.shape(value)

    def kind(self, expression: Expression) -> Kind:
        """Whether a value is spikes or currents."""
        match self.resolve(expression):
            case Name():
                return self.input_kind
            case Lif():
                return "spikes"
            case Previous(value) | Flatten(value):
                return self.kind(value)
            case _:
                return "currents"

    @cached_property
    def parameter_shapes(self) -> dict[str, Shape]:
        """`NAME.weight` [out, in] and `NAME.bias` [out] of every linear."""
        shapes: dict[str, Shape] = {}
        for linear, name in self.linear_names.items():
            (inputs,) = self.shape(linear.value)
            shapes[f"{name}.weight"] = (linear.outputs, inputs)
            if linear.bias:
                shapes[f"{name}.bias"] = (linear.outputs,)
        return shapes

    @property
    def classes(self) -> int:
        """Units of the output."""
        return self.shape(self.returned)[0]

    def text(self) -> str:
        """The program as a user would write it."""
        arrow = f"{self.kind(self.returned)}[{self.classes}]"
        shape = ", ".join(map(str, self.input_shape))
        lines = [f"network random({self.input_name}: {self.input_kind}[{shape}]) -> {arrow} {{"]
        lines += [f"    {name} = {_text(value)}" for name, value in self.statements]
        lines += [f"    return {_text(self.returned)}", "}", "", "train random {"]
        settings = {
            "data": 'file("recording.npz")',
            "steps": self.steps,
            "batch": self.batch,
            "epochs": 1,
            "loss": self.loss,
            "optimizer": self.optimizer,
        }
        lines += [f"    {name} = {value}" for name, value in settings.items()]
        return "\n".join([*lines, "}", ""])


def _text(expression: Expression) -> str:
    match expression:
        case Name(name):
            return name
        case Add(terms):
            return " + ".join(map(_text, terms))
        case Linear(value, outputs, bias):
            return f"linear({_text(value)}, {outputs}{'' if bias else ', bias = false'})"
        case Lif(current, neuron, written_as_if):
            if not written_as_if:
                return f"lif({_text(current)}{neuron.text()})"
            assert neuron.decay == 1.0
            without_decay = neuron.text().replace(", decay = 1.0", "")
            return f"if({_text(current)}{without_decay})"
        case Li(current, decay):
            return f"li({_text(current)}, decay = {decay})"
        case Previous(value):
            return f"previous({_text(value)})"
        case Flatten(value):
            return f"flatten({_text(value)})"
