"""Small networks as plain Python data, and their `.snn` text: a graph of expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from snn_expressions import (
    Add,
    Batchnorm,
    Concat,
    Conv2d,
    Expression,
    Flatten,
    Kind,
    Li,
    Lif,
    Linear,
    Loss,
    Name,
    Neuron,
    Pool2d,
    PoolKind,
    Previous,
    Reset,
    Reshape,
    Shape,
    Surrogate,
    SurrogateKind,
    operands,
    walk,
)
from snn_text import expression_text

__all__ = [
    "Add",
    "Batchnorm",
    "Concat",
    "Conv2d",
    "Expression",
    "Flatten",
    "Kind",
    "Li",
    "Lif",
    "Linear",
    "Loss",
    "Name",
    "Network",
    "Neuron",
    "Pool2d",
    "PoolKind",
    "Previous",
    "Reset",
    "Reshape",
    "Shape",
    "Surrogate",
    "SurrogateKind",
    "operands",
    "walk",
]


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
    def synapse_names(self) -> dict[Linear | Conv2d, str]:
        """`hidden`, or `hidden.1`, `hidden.2` where a statement holds several."""
        return self._number((Linear, Conv2d))

    @cached_property
    def batchnorm_names(self) -> dict[Batchnorm, str]:
        """The normalizations, named likewise and numbered for themselves."""
        return self._number(Batchnorm)

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
            case Reshape(_, shape):
                return shape
            case Concat(left, right):
                first, *rest = self.shape(left)
                return (first + self.shape(right)[0], *rest)
            case Conv2d(value, channels):
                _, height, width = self.shape(value)
                return (channels, expression.output(height), expression.output(width))
            case Pool2d(_, value):
                channels, height, width = self.shape(value)
                return (channels, expression.output(height), expression.output(width))
            case Add(terms):
                return self.shape(terms[0])
            case Lif(value) | Li(value) | Previous(value) | Batchnorm(value):
                return self.shape(value)

    def kind(self, expression: Expression) -> Kind:
        """Whether a value is spikes or currents."""
        match self.resolve(expression):
            case Name():
                return self.input_kind
            case Lif():
                return "spikes"
            case Previous(value) | Flatten(value) | Reshape(value) | Pool2d("max", value):
                return self.kind(value)
            case Concat(left, _):
                return self.kind(left)
            case _:
                return "currents"

    @cached_property
    def trained_shapes(self) -> dict[str, Shape]:
        """Of a linear `NAME.weight` [out, in] and `NAME.bias` [out].

        Of a convolution [out, in, kernel, kernel] and [out]; of a batchnorm `NAME.scale` and
        `NAME.shift` [channels].
        """
        shapes: dict[str, Shape] = {}
        for synapse, name in self.synapse_names.items():
            inputs = self.shape(synapse.value)[0]
            if isinstance(synapse, Linear):
                outputs, window = synapse.outputs, ()
            else:
                outputs, window = synapse.channels, (synapse.kernel, synapse.kernel)
            shapes[f"{name}.weight"] = (outputs, inputs, *window)
            if synapse.bias:
                shapes[f"{name}.bias"] = (outputs,)
        for batchnorm, name in self.batchnorm_names.items():
            for kind in ("scale", "shift"):
                shapes[f"{name}.{kind}"] = self.shape(batchnorm)[:1]
        return shapes

    @cached_property
    def running_shapes(self) -> dict[str, Shape]:
        """`NAME.mean` and `NAME.variance` [channels] of every batchnorm."""
        return {
            f"{name}.{kind}": self.shape(batchnorm)[:1]
            for batchnorm, name in self.batchnorm_names.items()
            for kind in ("mean", "variance")
        }

    @cached_property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Everything that outlives a batch: what is trained and what runs along."""
        return {**self.trained_shapes, **self.running_shapes}

    @property
    def classes(self) -> int:
        """Units of the output."""
        return self.shape(self.returned)[0]

    def text(self) -> str:
        """The program as a user would write it."""
        arrow = f"{self.kind(self.returned)}[{self.classes}]"
        shape = ", ".join(map(str, self.input_shape))
        lines = [f"network random({self.input_name}: {self.input_kind}[{shape}]) -> {arrow} {{"]
        lines += [f"    {name} = {expression_text(value)}" for name, value in self.statements]
        lines += [f"    return {expression_text(self.returned)}", "}", "", "train random {"]
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
