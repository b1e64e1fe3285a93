"""`data = ...`: the sources of samples, their arguments, and what they ask of a network."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import DictionaryAttr, StringAttr
from xdsl.ir import Attribute

from spikeloom.diagnostics import SourceLocation
from spikeloom.dialects.number_text import count, real
from spikeloom.dialects.training import ENCODINGS, DataAttr
from spikeloom.frontend.arguments import Arguments, Choice, Signature
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.numbers import BELOW_ONE, COUNT, FRACTION, SYMBOLS
from spikeloom.frontend.syntax import Argument, Call, Name, Text

_RANDOM = ("rate", "classes", "samples")

DATA_SOURCES = {
    "digits": Signature("digits", ("encode", "test")),
    "file": Signature("file", ("path",), ("test",), ("path",), 'file("recording.npz")'),
    "random": Signature(
        "random", _RANDOM, ("test",), _RANDOM, "random(rate = 0.1, classes = 10, samples = 256)"
    ),
    "delayed_match": Signature("delayed_match", ("symbols", "samples"), ("noise", "test")),
}

DEFAULT_TEST = 0.2
"""The fraction of the samples that is kept for testing."""

DEFAULT_SYMBOLS, DEFAULT_SAMPLES, DEFAULT_NOISE = 4, 1024, 0.02
"""What `delayed_match()` shows."""

MATCH_CLASSES = 2
"""Two symbols differ, or they are the same."""

MATCH_STEPS = 4
"""The least number of steps: a symbol, a pause, a symbol, an answer."""

DIGITS_FEATURES, DIGITS_CLASSES = 64, 10
"""The handwritten digits are 8 x 8 pixels."""


@dataclass(frozen=True)
class Data:
    """Where samples come from, and what that asks of a network.

    `features` and `classes` are None where only the run can know them, or, of `features`, where
    any number from `least_features` up will do. `encode` is None where the samples come with
    their steps, of which there are `least_steps` at least.
    """

    attribute: DataAttr
    location: SourceLocation
    encode: str | None = None
    features: int | None = None
    classes: int | None = None
    least_features: int = 1
    least_steps: int = 1

    def fits_outputs(self, outputs: int) -> bool:
        """Whether a network with that many outputs can tell the classes apart.

        Random labels say nothing, so that outputs without a class do no harm there.
        """
        if self.classes is None or self.attribute.source.data == "random":
            return self.classes is None or outputs >= self.classes
        return outputs == self.classes


def read_data(settings: Arguments, findings: Findings) -> Data | None:
    """The data that a training's settings name; what is wrong is noted. None without any."""
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
    call = choice.call
    arguments = Arguments(DATA_SOURCES[choice.name], call.arguments, call.location, findings)
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
        case "delayed_match":
            return _delayed_match(arguments, values, location)
        case _:
            path = arguments.text("path")
            if not path:
                _refuse_empty_path(arguments, findings)
            values["path"] = StringAttr(path)
            return Data(_data_attribute("file", values), location)


def _delayed_match(
    arguments: Arguments, values: dict[str, Attribute], location: SourceLocation
) -> Data:
    symbols = arguments.whole("symbols", SYMBOLS, DEFAULT_SYMBOLS)
    values["symbols"] = count(symbols)
    values["samples"] = count(arguments.whole("samples", COUNT, DEFAULT_SAMPLES))
    values["noise"] = real(arguments.real("noise", FRACTION, DEFAULT_NOISE))
    return Data(
        _data_attribute("delayed_match", values),
        location,
        classes=MATCH_CLASSES,
        least_features=symbols,
        least_steps=MATCH_STEPS,
    )


def _refuse_empty_path(arguments: Arguments, findings: Findings) -> None:
    written = arguments.value("path")
    if isinstance(written, Text):
        findings.add("E0106", "the path of a file must not be empty", written.location)


def _data_attribute(source: str, values: dict[str, Attribute]) -> DataAttr:
    ordered = {name: values[name] for name in DATA_SOURCES[source].names}
    return DataAttr(StringAttr(source), DictionaryAttr(ordered))
