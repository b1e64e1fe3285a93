"""The `.snn` text of an expression."""

from __future__ import annotations

from snn_expressions import (
    Add,
    Batchnorm,
    Concat,
    Conv2d,
    Expression,
    Flatten,
    Li,
    Lif,
    Linear,
    Name,
    Pool2d,
    Previous,
    Reshape,
)


def expression_text(expression: Expression) -> str:
    """The expression as a user would write it; what is the default is not written."""
    match expression:
        case Name(name):
            return name
        case Add(terms):
            return " + ".join(map(expression_text, terms))
        case Linear(value, outputs, bias):
            return f"linear({expression_text(value)}, {outputs}{'' if bias else ', bias = false'})"
        case Lif(current, neuron, written_as_if):
            if not written_as_if:
                return f"lif({expression_text(current)}{neuron.text()})"
            assert neuron.decay == 1.0
            without_decay = neuron.text().replace(", decay = 1.0", "")
            return f"if({expression_text(current)}{without_decay})"
        case Li(current, decay):
            return f"li({expression_text(current)}, decay = {decay})"
        case Conv2d(value, channels):
            return f"conv2d({expression_text(value)}, {channels}{_window_text(expression)})"
        case Pool2d(kind, value, size, stride):
            named = "" if stride is None else f", stride = {stride}"
            return f"{kind}pool2d({expression_text(value)}, {size}{named})"
        case Batchnorm(value, momentum, epsilon):
            named = "" if momentum == 0.1 else f", momentum = {momentum}"
            named += "" if epsilon == 1e-5 else f", epsilon = {epsilon}"
            return f"batchnorm({expression_text(value)}{named})"
        case Concat(left, right):
            return f"concat({expression_text(left)}, {expression_text(right)})"
        case Reshape(value, shape):
            return f"reshape({expression_text(value)}, [{', '.join(map(str, shape))}])"
        case Previous(value):
            return f"previous({expression_text(value)})"
        case Flatten(value):
            return f"flatten({expression_text(value)})"


def _window_text(conv: Conv2d) -> str:
    parts = [] if conv.kernel == 3 else [f"kernel = {conv.kernel}"]
    parts += [] if conv.stride == 1 else [f"stride = {conv.stride}"]
    parts += [] if conv.padding is None else [f"padding = {conv.padding}"]
    parts += [] if conv.bias else ["bias = false"]
    return "".join(f", {part}" for part in parts)
