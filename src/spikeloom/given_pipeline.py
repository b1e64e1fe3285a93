"""The pipeline that a user gives for all streams of a program at once.

A program needs streams for training and testing, for full and for last batches. The text leaves
`training`, `steps` and `batch` of `expand-bptt` open, and every stream fills them in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xdsl.passes import ModulePass

from spikeloom.backend.host.plan import StreamKind, stream_name
from spikeloom.diagnostics import SourceLocation, did_you_mean, error
from spikeloom.pass_application import available_passes, with_machine
from spikeloom.pass_pipeline import parse_passes, parse_specs, place_in
from spikeloom.passes.expand_bptt import ExpandBpttPass
from spikeloom.pipeline_options import PIPELINE_NAME, pass_option_name


@dataclass(frozen=True)
class _Fixed:
    """A value that the user gave to an option of `expand-bptt`, and where."""

    value: object
    place: SourceLocation


@dataclass(frozen=True)
class _Given:
    """A pass as the user wrote it.

    Attributes:
        options: the options that are written, as fields of the pass.
        fixed: what of `expand-bptt` is not left to the streams.
    """

    applied: ModulePass
    options: tuple[str, ...]
    fixed: Mapping[str, _Fixed]


@dataclass(frozen=True)
class GivenPipeline:
    """Passes for every stream; a `default_pipeline.PipelineText`."""

    passes: tuple[_Given, ...]

    @staticmethod
    def parse(text: str, machine: str | None = None) -> GivenPipeline:
        """The pipeline in `text`; `machine` is for the passes that read a machine file.

        Raises:
            DiagnosticError: E0203 for bad syntax, an unknown pass or option, or a bad value.
        """
        passes = _parse(text, PIPELINE_NAME)
        return GivenPipeline(
            tuple(replace(each, applied=with_machine(each.applied, machine)) for each in passes)
        )

    def with_options(self, texts: Sequence[str]) -> GivenPipeline:
        """The pipeline with other options of some passes: each text `fuse-luts{width=4}`.

        Options that a text does not name keep their values.

        Raises:
            DiagnosticError: E0203 for bad syntax or what does not exist, E0405 where the pass does
                not stand in the pipeline exactly once.
        """
        changed = self
        for index, text in enumerate(texts):
            changed = changed._with_option(text, pass_option_name(index))
        return changed

    def _with_option(self, text: str, source: str) -> GivenPipeline:
        parsed = _parse(text, source)
        if len(parsed) != 1:
            message = f"--pass-option takes one pass with its options, not {len(parsed)}"
            raise error("E0405", message, SourceLocation(source, 1, 1))
        (change,), name = parsed, parsed[0].applied.name
        names = [each.applied.name for each in self.passes]
        if name not in names:
            place, help = place_in(text, name, source), did_you_mean(name, names)
            raise error("E0405", f"`{name}` does not stand in the pipeline", place, help)
        if names.count(name) > 1:
            message = f"`{name}` stands in the pipeline {names.count(name)} times"
            help = "write the whole pipeline with --pipeline"
            raise error("E0405", message, place_in(text, name, source), help)
        place = names.index(name)
        old = self.passes[place]
        values = {option: getattr(change.applied, option) for option in change.options}
        # A value that leaves it open again takes back what the pipeline fixed.
        fixed = {k: v for k, v in old.fixed.items() if k not in values} | dict(change.fixed)
        new = _Given(replace(old.applied, **values), old.options + change.options, fixed)
        return GivenPipeline((*self.passes[:place], new, *self.passes[place + 1 :]))

    def require_expansion(self) -> None:
        """Refuses a pipeline that leaves a network as it is.

        Raises:
            DiagnosticError: E0208.
        """
        if not any(isinstance(each.applied, ExpandBpttPass) for each in self.passes):
            message = "the pipeline has no expand-bptt, which makes steps of the network"
            help = "`spikeloom run --print-pipeline` shows a pipeline to edit"
            raise error("E0208", message, SourceLocation(PIPELINE_NAME, 1, 1), help)

    def __call__(self, *, training: bool, steps: int, batch: int) -> tuple[ModulePass, ...]:
        """The passes of one stream.

        Raises:
            DiagnosticError: the user said something else of it (E0208).
        """
        stream = {"training": training, "steps": steps, "batch": batch}
        return tuple(_for_stream(each, stream) for each in self.passes)


def _parse(text: str, source: str) -> tuple[_Given, ...]:
    passes = parse_passes(text, available_passes(), source)
    written = [
        tuple(option.replace("-", "_") for option in spec.parameters)
        for spec in parse_specs(text, source)
    ]
    given: list[_Given] = []
    for applied, options in zip(passes, written, strict=True):
        fixed: dict[str, _Fixed] = {}
        for option in options if isinstance(applied, ExpandBpttPass) else ():
            value = getattr(applied, option)
            if value is False or value != 0:  # 0 steps or samples leave them open
                fixed[option] = _Fixed(value, place_in(text, option, source))
        given.append(_Given(applied, options, fixed))
    return tuple(given)


def _for_stream(given: _Given, stream: Mapping[str, bool | int]) -> ModulePass:
    if not isinstance(given.applied, ExpandBpttPass):
        return given.applied
    for option, fixed in given.fixed.items():
        if fixed.value != stream[option]:
            kind: StreamKind = "train" if stream["training"] else "test"
            said, needed = str(fixed.value).lower(), str(stream[option]).lower()
            message = (
                f"the pipeline says expand-bptt{{{option}={said}}}, but the program also needs "
                f"the stream {stream_name(kind, stream['batch'])} with {option}={needed}"
            )
            help = f"leave `{option}` out: every stream fills in its own"
            raise error("E0208", message, fixed.place, help)
    return replace(given.applied, **stream)
