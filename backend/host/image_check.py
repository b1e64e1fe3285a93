"""Whether an image's streams are those that its plan needs.

Both come from one file, which anybody may have written; what is checked here, the host relies
on afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping

from spikeloom.backend.host.active_layers import ActiveLayers
from spikeloom.backend.host.images import expected_shape, pixels_and_features
from spikeloom.backend.host.parameters import buffer_shape
from spikeloom.backend.host.plan import Plan, StreamKind, needed_streams, stream_name
from spikeloom.backend.stream.stream import ELEMENTS, Stream, per_dimension
from spikeloom.diagnostics import did_you_mean, error
from spikeloom.dialects.instruction_set import Element, Shape

ONE_CELL: Shape = (1, 1, 1, 1)


def check_image(streams: Mapping[str, Stream], plan: Plan) -> None:
    """Checks that the validated streams have the buffers that the host reads and writes.

    Raises:
        DiagnosticError: E0303 for the first one that is missing or of another shape.
    """
    for kind, samples in needed_streams(plan):
        name = stream_name(kind, samples)
        _check_stream(name, streams[name], plan, kind, samples)


def _check_stream(name: str, stream: Stream, plan: Plan, kind: StreamKind, samples: int) -> None:
    element = Element(plan.input_element)
    _check_signal(name, stream, "input", "", element, plan, samples, plan.input_shape)
    if plan.training is None:
        pixels, features = pixels_and_features(plan.output_shape)
        _check(name, stream, "readout", "", Element.F32, (1, samples, pixels, features))
    else:
        _check(name, stream, "label", "", Element.I32, (1, samples, 1, 1))
        _check(name, stream, "correct", "", Element.I32, ONE_CELL)
        _check(name, stream, "loss", "", Element.F32, ONE_CELL)
    for parameter in plan.parameters:
        shape = buffer_shape(parameter.shape)
        _check(name, stream, "parameter", parameter.name, Element.F32, shape)
        if kind == "train" and not parameter.running:
            _check(name, stream, "gradient", parameter.name, Element.F32, shape)
    for layer in plan.layers:
        if stream.find("spikes", layer.name) is not None:
            kept = Element.BIT if layer.kind == "lif" else Element.F32
            _check_signal(name, stream, "spikes", layer.name, kept, plan, samples, layer.shape)
    _check_layers(name, stream, plan)
    _check_optimizer(name, stream, plan)


def _check_layers(name: str, stream: Stream, plan: Plan) -> None:
    """Neurons work for layers that the plan knows, for which the host counts spikes."""
    layers, known = ActiveLayers.of(stream), {layer.name for layer in plan.layers}
    for layer in sorted((layers.firing | layers.learning) - known):
        message = f"stream `{name}`: its neurons work for a layer `{layer}`, unknown to the plan"
        raise error("E0303", message, help=did_you_mean(layer, known) if known else None)


def _check_optimizer(name: str, stream: Stream, plan: Plan) -> None:
    shapes = {p.name: buffer_shape(p.shape) for p in plan.parameters}
    for kind, subject in stream.buffer_roles:
        if kind == "optimizer" and subject == "count":
            _check(name, stream, kind, subject, Element.I32, ONE_CELL)
        elif kind == "optimizer":
            owner = subject.rpartition(".")[0]
            if owner not in shapes:
                raise error("E0303", f"stream `{name}`: optimizer state of unknown `{subject}`")
            _check(name, stream, kind, subject, Element.F32, shapes[owner])


def _check_signal(
    name: str,
    stream: Stream,
    kind: str,
    subject: str,
    element: Element,
    plan: Plan,
    samples: int,
    shape: tuple[int, ...],
) -> None:
    """A signal over time may have zeros around it."""
    found = _shape(name, stream, kind, subject)
    expected = expected_shape(found, plan.sizes.steps, samples, shape)
    _check(name, stream, kind, subject, element, expected)


def _shape(name: str, stream: Stream, kind: str, subject: str) -> Shape:
    index = stream.find(kind, subject)
    if index is None:
        raise error("E0303", f"stream `{name}`: there is no buffer of the {_words(kind, subject)}")
    return per_dimension(stream.buffers[index]["shape"].tolist())


def _check(
    name: str, stream: Stream, kind: str, subject: str, element: Element, shape: Shape
) -> None:
    found = _shape(name, stream, kind, subject)
    index = stream.find(kind, subject)
    assert index is not None
    held = ELEMENTS[int(stream.buffers[index]["element"])]
    if (held, found) != (element, shape):
        message = f"stream `{name}`: the buffer of the {_words(kind, subject)} is {held.value}"
        expected = f"{element.value}{list(shape)}"
        raise error("E0303", f"{message}{list(found)}, the plan needs {expected}")


def _words(kind: str, subject: str) -> str:
    return f"{kind} `{subject}`" if subject else kind
