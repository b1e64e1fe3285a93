"""The operations of the language: their arguments, defaults and ranges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from spikeloom.diagnostics import SourceLocation, did_you_mean
from spikeloom.dialects.neuron import NeuronAttr, Reset, SurrogateKind
from spikeloom.frontend.arguments import Arguments, Signature
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.image_calls import IMAGE_NAMES, IMAGE_OPERATIONS, image_operation
from spikeloom.frontend.numbers import ANY, FRACTION, POSITIVE, UNITS
from spikeloom.frontend.operations import (
    Flattened,
    Integrating,
    Joined,
    Linear,
    Previous,
    Reshaped,
    Spiking,
    Unresolved,
    Value,
)
from spikeloom.frontend.syntax import Call, Expression, Name, Sum

_SPIKING = ("threshold", "reset", "detach_reset", "surrogate")

OPERATIONS = {
    signature.callee: signature
    for signature in (
        Signature("linear", ("x", "n"), ("bias",), ("x", "n"), "linear(x, 128)"),
        Signature("lif", ("i",), ("decay", *_SPIKING), ("i",), "lif(linear(x, 128))"),
        Signature(
            "if",
            ("i",),
            _SPIKING,
            ("i",),
            "if(linear(x, 128))",
            "`if` is `lif` with decay = 1",
        ),
        Signature("li", ("i",), ("decay",), ("i",), "li(linear(x, 10))"),
        Signature("flatten", ("x",), (), ("x",), "flatten(x)"),
        Signature("reshape", ("x", "shape"), (), ("x", "shape"), "reshape(x, [1, 8, 8])"),
        Signature("concat", ("x", "y"), (), ("x", "y"), "concat(x, y)"),
        Signature("previous", ("x",), (), ("x",), "previous(hidden)"),
        *IMAGE_OPERATIONS,
    )
}
"""The operations of the language by name."""

SURROGATES = {
    SurrogateKind.RECTANGLE.value: Signature("rectangle", ("half_width", "gain")),
    SurrogateKind.TRIANGLE.value: Signature("triangle", ("half_width", "gain")),
    SurrogateKind.FAST_SIGMOID.value: Signature("fast_sigmoid", ("slope",)),
    SurrogateKind.ATAN.value: Signature("atan", ("slope",)),
}

DEFAULT_DECAY = 0.5
DEFAULT_THRESHOLD = 0.5
DEFAULT_HALF_WIDTH = 0.5
DEFAULT_GAIN = 1.0
DEFAULT_SLOPES = {SurrogateKind.FAST_SIGMOID: 25.0, SurrogateKind.ATAN: 2.0}
"""The slopes that snnTorch documents as its defaults."""

Resolve = Callable[[Expression, bool], Value]
"""Resolves an operand; the flag says that it is needed one time step later only."""


class Calls:
    """Turns calls into operations; `resolve` is asked for their operands."""

    def __init__(self, resolve: Resolve, blocks: Collection[str], findings: Findings):
        self._resolve = resolve
        self._blocks = blocks
        self._findings = findings

    def operation(self, call: Call, delayed: bool) -> Value:
        """The operation that a call stands for; errors are noted."""
        name = call.function.text
        if name not in OPERATIONS:
            return self._unknown(call, delayed)
        arguments = Arguments(OPERATIONS[name], call.arguments, call.location, self._findings)
        delayed = delayed or name == "previous"
        value = self._operand(OPERATIONS[name].positional[0], arguments, call, delayed)
        if name == "concat":
            right = self._operand("y", arguments, call, delayed)
            return Joined(value, right, call.location)
        if name in IMAGE_NAMES:
            return image_operation(name, value, arguments, call.location, self._findings)
        return self._build(name, value, arguments, call.location)

    def _operand(self, name: str, arguments: Arguments, call: Call, delayed: bool) -> Value:
        operand = arguments.value(name)
        return Unresolved(call.location) if operand is None else self._resolve(operand, delayed)

    def _build(
        self, name: str, value: Value, arguments: Arguments, location: SourceLocation
    ) -> Value:
        match name:
            case "linear":
                outputs = arguments.whole("n", UNITS)
                return Linear(value, outputs, arguments.truth("bias", True), location)
            case "lif":
                decay = arguments.real("decay", FRACTION, DEFAULT_DECAY)
                return Spiking(name, value, self._neuron(decay, arguments), location)
            case "if":
                return Spiking(name, value, self._neuron(1.0, arguments), location)
            case "li":
                decay = arguments.real("decay", FRACTION, DEFAULT_DECAY)
                return Integrating(value, decay, location)
            case "flatten":
                return Flattened(value, location)
            case "reshape":
                return Reshaped(value, arguments.extents("shape", UNITS), location)
            case _:
                return Previous(value, location)

    def _unknown(self, call: Call, delayed: bool) -> Value:
        name = call.function
        self._findings.add(
            "E0102",
            f"there is no operation `{name.text}`",
            name.location,
            did_you_mean(name.text, (*OPERATIONS, *self._blocks)),
        )
        # Names in its operands are checked all the same.
        for value in _plausible_operands(call):
            self._resolve(value, delayed)
        return Unresolved(call.location)

    def _neuron(self, decay: float, arguments: Arguments) -> NeuronAttr:
        kind, shape, gain = self._surrogate(arguments)
        resets = [reset.value for reset in Reset]
        return NeuronAttr.get(
            decay=decay,
            threshold=arguments.real("threshold", ANY, DEFAULT_THRESHOLD),
            reset=Reset(arguments.word("reset", resets, Reset.ZERO.value)),
            surrogate=kind,
            shape=shape,
            gain=gain,
            detach_reset=arguments.truth("detach_reset", False),
        )

    def _surrogate(self, arguments: Arguments) -> tuple[SurrogateKind, float, float]:
        choice = arguments.choice("surrogate", SURROGATES)
        if choice is None:
            return SurrogateKind.RECTANGLE, DEFAULT_HALF_WIDTH, DEFAULT_GAIN
        kind = SurrogateKind(choice.name)
        shape = Arguments(
            SURROGATES[choice.name], choice.call.arguments, choice.call.location, self._findings
        )
        if kind.is_compact:
            half_width = shape.real("half_width", POSITIVE, DEFAULT_HALF_WIDTH)
            return kind, half_width, shape.real("gain", POSITIVE, DEFAULT_GAIN)
        return kind, shape.real("slope", POSITIVE, DEFAULT_SLOPES[kind]), DEFAULT_GAIN


def _plausible_operands(call: Call) -> Iterator[Expression]:
    for argument in call.arguments:
        if argument.name is None and isinstance(argument.value, (Name, Call, Sum)):
            yield argument.value
