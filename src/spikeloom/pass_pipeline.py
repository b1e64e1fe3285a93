"""Pipelines as text: `infer-shapes,expand-bptt{steps=4}`, with diagnostics for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from xdsl.passes import ModulePass
from xdsl.utils.arg_spec import ArgSpec, ParameterListType, parse_pipeline
from xdsl.utils.exceptions import ArgSpecParseError

from spikeloom.diagnostics import DiagnosticError, SourceLocation, did_you_mean, error
from spikeloom.pass_options import pass_options
from spikeloom.pipeline_options import PIPELINE_NAME

_SYNTAX = 'write pass-a,pass-b{option=value}, with quotes where a value has blanks: {name="a b"}'
_NUMBER = r"[-+]?[0-9]+(\.[0-9]*([eE][-+]?[0-9]+)?)?(?=[\s,}])"
_NAME_OF_A_FILE = re.compile(rf'(?<==)(?!{_NUMBER})[^\s,={{}}\[\]"\\]*[./~:][^\s,={{}}\[\]"\\]*')

PassFactories = Mapping[str, Callable[[], type[ModulePass]]]


def parse_passes(
    text: str, available: PassFactories, source: str = PIPELINE_NAME
) -> tuple[ModulePass, ...]:
    """The passes that `text` names, with their options; `source` is what locations call it.

    Raises:
        DiagnosticError: E0203 for bad syntax, an unknown pass or option, or a bad value.
    """
    specs = parse_specs(text, source)
    for spec in specs:
        if spec.name not in available:
            help = did_you_mean(spec.name, available)
            if help.startswith("expected one of"):
                help = "`spikeloom-opt --help` lists all passes"
            place = place_in(text, spec.name, source)
            raise error("E0203", f"there is no pass `{spec.name}`", place, help)
    return tuple(_instance(text, spec, available[spec.name](), source) for spec in specs)


def parse_specs(text: str, source: str = PIPELINE_NAME) -> tuple[ArgSpec, ...]:
    """The names of the passes and the options that are written, whether they exist or not.

    Raises:
        DiagnosticError: E0203 for bad syntax.
    """
    try:
        return _parse_quoting(text)
    except ArgSpecParseError as problem:
        # xDSL's error keeps the place only in its text, below a line of introduction.
        lines = str(problem).splitlines()
        found = re.search(r":(\d+):(\d+)", lines[1]) if len(lines) > 1 else None
        place = SourceLocation(source, 1, int(found[2]) if found else 1)
        words = lines[-1].strip(" ^") if lines else ""
        message = f"the pipeline cannot be read: {words or 'syntax error'}"
        raise error("E0203", message, place, _SYNTAX) from None
    except ValueError as problem:
        message = f"the pipeline cannot be read: {problem}"
        raise error("E0203", message, SourceLocation(source, 1, 1)) from None


def _parse_quoting(text: str) -> tuple[ArgSpec, ...]:
    """Also takes names of files without the quotes that xDSL asks for: `{profile=a/b.json}`."""
    try:
        return tuple(parse_pipeline(text))
    except ArgSpecParseError as problem:
        quoted = _NAME_OF_A_FILE.sub(r'"\g<0>"', text)
        try:
            return tuple(parse_pipeline(quoted))
        except (ArgSpecParseError, ValueError):
            # The places of the text as it was written are those that a user can look at.
            raise problem from None


def _instance(text: str, spec: ArgSpec, kind: type[ModulePass], source: str) -> ModulePass:
    options = {each.name.replace("_", "-"): each for each in pass_options(kind)}
    for option in spec.parameters:
        if option.replace("_", "-") not in options:
            message = f"the pass `{spec.name}` has no option `{option}`"
            help = did_you_mean(option, options) if options else "it has no options"
            raise error("E0203", message, place_in(text, option, source), help)
    try:
        return kind.from_spec(spec)
    except (ValueError, TypeError) as problem:
        for option, value in spec.parameters.items():
            if not _is_valid(ArgSpec(spec.name, {option: value}), kind):
                values = options[option.replace("_", "-")].values
                place = place_in(text, option, source)
                raise _bad_value(place, spec.name, option, value, values) from None
        message = f"the options of the pass `{spec.name}` are not valid: {problem}"
        help = "; ".join(f"{name}: {option.values}" for name, option in options.items())
        place = place_in(text, spec.name, source)
        raise error("E0203", message, place, f"its options: {help}") from None


def _is_valid(spec: ArgSpec, kind: type[ModulePass]) -> bool:
    """Whether a pass takes this one option, or refuses it only for others that are missing."""
    try:
        kind.from_spec(spec)
    except (ValueError, TypeError) as problem:
        return "requires argument" in str(problem)
    return True


def _bad_value(
    place: SourceLocation, name: str, option: str, value: ParameterListType, expected: str
) -> DiagnosticError:
    words = ",".join(str(each).lower() if isinstance(each, bool) else str(each) for each in value)
    said = f"cannot be `{words}`" if value else "needs a value"
    message = f"the option `{option}` of the pass `{name}` {said}"
    return error("E0203", message, place, f"expected {expected}")


def place_in(text: str, name: str, source: str = PIPELINE_NAME) -> SourceLocation:
    """Where a pass or an option stands first in a pipeline."""
    found = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
    return SourceLocation(source, 1, found.start() + 1 if found else 1, len(name))
