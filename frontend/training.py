"""`train`: settings, data and optimizer, and whether they fit the network."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xdsl.dialects.builtin import DictionaryAttr, StringAttr, i1
from xdsl.ir import Attribute

from spikeloom.diagnostics import SourceLocation
from spikeloom.dialects.locations import location_attribute
from spikeloom.dialects.number_text import count, real
from spikeloom.dialects.snn import NetworkOp, TrainOp, element_type, known_shape, shape_text
from spikeloom.dialects.training import (
    ENCODINGS,
    DataAttr,
    LossKind,
    OptimizerAttr,
    OptimizerKind,
)
from spikeloom.frontend.arguments import Arguments, Choice, Signature
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.numbers import BELOW_ONE, COUNT, FRACTION, NOT_NEGATIVE, POSITIVE, SEED
from spikeloom.frontend.syntax import Argument, Call, Name, Text, Train

_EXAMPLES = {
    "data": "data = digits()",
    "steps": "steps = 16",
    "batch": "batch = 64",
    "epochs": "epochs = 20",
    "loss": "loss = cross_entropy",
    "optimizer": "optimizer = adam(rate = 0.002)",
}

SETTINGS = Signature(
    "train",
    named=(*_EXAMPLES, "seed", "encode"),
    required=tuple(_EXAMPLES),
    example=_EXAMPLES,
    noun="setting",
    missing_code="E0108",
)

OPTIMIZERS = {
    "sgd": Signature("sgd", ("rate", "momentum"), (), ("rate",), "sgd(rate = 0.1)"),
    "adam": Signature("adam", ("rate",), (), ("rate",), "adam(rate = 0.002)"),
    "adamw": Signature(
        "adamw", ("rate", "decay"), (), ("rate", "decay"), "adamw(rate = 0.002, decay = 0.01)"
    ),
}

_RANDOM = ("rate", "classes", "samples")

DATA_SOURCES = {
    "digits": Signature("digits", ("encode", "test")),
    "file": Signature("file", ("path",), ("test",), ("path",), 'file("recording.npz")'),
    "random": Signature(
        "random", _RANDOM, ("test",), _RANDOM, "random(rate = 0.1, classes = 10, samples = 256)"
    ),
}

DEFAULT_TEST = 0.2
"""The fraction of the samples that is kept for testing."""

DIGITS_FEATURES, DIGITS_CLASSES = 64, 10
"""The handwritten digits are 8 x 8 pixels."""


@dataclass(frozen=True)
class Data:
    """Where samples come from, and what that asks of a network.

    `features` and `classes` are None where only the run can know them. `encode` is None where
    the samples come with their steps.
    """

    attribute: DataAttr
    location: SourceLocation
    encode: str | None = None
    features: int | None = None
    classes: int | None = None

    def fits_outputs(self, outputs: int) -> bool:
        """Whether a network with that many outputs can tell the classes apart.

        Random labels say nothing, so that outputs without a class do no harm there.
        """
        if self.classes is None or self.attribute.source.data == "random":
            return self.classes is None or outputs >= self.classes
        return outputs == self.classes


@dataclass(frozen=True)
class Training:
    """The training as IR and the data it is about."""

    op: TrainOp
    data: Data


def read_training(train: Train, findings: Findings) -> Training | None:
    """The training that was written; what is wrong with it is noted. None without data or
    optimizer."""
    written = [Argument(each.name, each.value) for each in train.settings]
    settings = Arguments(SETTINGS, written, train.network.location, findings)
    data = _read_data(settings, findings)
    optimizer = _read_optimizer(settings, findings)
    losses = [loss.value for loss in LossKind]
    loss = settings.word("loss", losses, LossKind.CROSS_ENTROPY.value)
    numbers = {name: settings.whole(name, COUNT) for name in ("steps", "batch", "epochs")}
    seed = settings.whole("seed", SEED, default=0)
    if data is None or optimizer is None:
        return None
    op = TrainOp(
        train.network.text,
        **numbers,
        seed=seed,
        loss=LossKind(loss),
        optimizer=optimizer,
        data=data.attribute,
    )
    op.location = location_attribute(train.network.location)
    return Training(op, data)


def _read_optimizer(settings: Arguments, findings: Findings) -> OptimizerAttr | None:
    choice = settings.choice("optimizer", OPTIMIZERS)
    if choice is None:
        return None
    arguments = _arguments(OPTIMIZERS, choice, findings)
    return OptimizerAttr.get(
        OptimizerKind(choice.name),
        rate=arguments.real("rate", POSITIVE),
        momentum=arguments.real("momentum", BELOW_ONE, default=0.0),
        decay=arguments.real("decay", NOT_NEGATIVE, default=0.0),
    )


def _read_data(settings: Arguments, findings: Findings) -> Data | None:
    choice = settings.choice("data", DATA_SOURCES)
    if choice is None:
        return None
    encode = settings.value("encode")
    if encode is not None:
        # `encode = rate` on a line of its own is the same as inside digits(...).
        argument = Argument(Name("encode", encode.location), encode)
        call = choice.call
        choice = Choice(
            choice.name, Call(call.function, (*call.arguments, argument), call.location)
        )
    arguments = _arguments(DATA_SOURCES, choice, findings)
    values: dict[str, Attribute] = {"test": real(arguments.real("test", BELOW_ONE, DEFAULT_TEST))}
    location = choice.call.location
    match choice.name:
        case "digits":
            word = arguments.word("encode", ENCODINGS, "rate")
            values["encode"] = StringAttr(word)
            attribute = _data_attribute("digits", values)
            return Data(attribute, location, word, DIGITS_FEATURES, DIGITS_CLASSES)
        case "random":
            values["rate"] = real(arguments.real("rate", FRACTION))
            classes = arguments.whole("classes", COUNT)
            values["classes"] = count(classes)
            values["samples"] = count(arguments.whole("samples", COUNT))
            attribute = _data_attribute("random", values)
            return Data(attribute, location, classes=classes)
        case _:
            path = arguments.text("path")
            if not path:
                _refuse_empty_path(arguments, findings)
            values["path"] = StringAttr(path)
            return Data(_data_attribute("file", values), location)


def _refuse_empty_path(arguments: Arguments, findings: Findings) -> None:
    written = arguments.value("path")
    if isinstance(written, Text):
        findings.add("E0106", "the path of a file must not be empty", written.location)


def _data_attribute(source: str, values: dict[str, Attribute]) -> DataAttr:
    ordered = {name: values[name] for name in DATA_SOURCES[source].names}
    return DataAttr(StringAttr(source), DictionaryAttr(ordered))


def _arguments(signatures: dict[str, Signature], choice: Choice, findings: Findings) -> Arguments:
    return Arguments(signatures[choice.name], choice.call.arguments, choice.call.location, findings)


def check_fit(training: Training, network: NetworkOp, findings: Findings) -> None:
    """Notes where the data does not fit the inferred network."""
    data = training.data
    source = data.attribute.source.data
    (network_input,) = network.body.block.args
    input_shape, output_shape = known_shape(network_input), known_shape(network.returned.output)
    assert input_shape is not None
    assert output_shape is not None
    _check_input_kind(data, element_type(network_input) == i1, findings)
    if data.features is not None and math.prod(input_shape) != data.features:
        findings.add(
            "E0105",
            f"{source}(...) has {data.features} features, but the network's input "
            f"{shape_text(input_shape)} has {math.prod(input_shape)}",
            data.location,
            f"declare the input as [{data.features}]",
        )
    if len(output_shape) != 1:
        findings.add(
            "E0105",
            f"the output of a trained network is a vector with one entry per class, got "
            f"{shape_text(output_shape)}",
            data.location,
            "return for instance lif(linear(flatten(x), classes))",
        )
    elif not data.fits_outputs(output_shape[0]):
        findings.add(
            "E0105",
            f"{source}(...) has {data.classes} classes, but the network has {output_shape[0]} "
            f"output{'' if output_shape[0] == 1 else 's'}",
            data.location,
            f"let the last layer have {data.classes} outputs",
        )


def _check_input_kind(data: Data, takes_spikes: bool, findings: Findings) -> None:
    if data.encode == "direct" and takes_spikes:
        findings.add(
            "E0104",
            "direct encoding yields currents, but the network takes spikes",
            data.location,
            "declare the input as currents[...], or choose encode = rate or latency",
        )
    elif data.encode in ("rate", "latency") and not takes_spikes:
        findings.add(
            "E0104",
            f"{data.encode} encoding yields spikes, but the network takes currents",
            data.location,
            "declare the input as spikes[...], or choose encode = direct",
        )
