"""Pipelines as text: `infer-shapes,expand-bptt{steps=4}`, with diagnostics for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from xdsl.passes import ModulePass, get_pass_option_infos
from xdsl.utils.arg_spec import ArgSpec, parse_pipeline
from xdsl.utils.exceptions import ArgSpecParseError

from spikeloom.diagnostics import SourceLocation, did_you_mean, error
from spikeloom.pipeline_options import PIPELINE_NAME

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
        return tuple(parse_pipeline(text))
    except ArgSpecParseError as problem:
        # xDSL's error keeps the place only in its text, below a line of introduction.
        lines = str(problem).splitlines()
        found = re.search(r":(\d+):(\d+)", lines[1]) if len(lines) > 1 else None
        place = SourceLocation(source, 1, int(found[2]) if found else 1)
        words = lines[-1].strip(" ^") if lines else ""
        message = f"the pipeline cannot be read: {words or 'syntax error'}"
        raise error("E0203", message, place, "write pass-a,pass-b{option=value}") from None
    except ValueError as problem:
        message = f"the pipeline cannot be read: {problem}"
        raise error("E0203", message, SourceLocation(source, 1, 1)) from None


def _instance(text: str, spec: ArgSpec, kind: type[ModulePass], source: str) -> ModulePass:
    options = {info.name.replace("_", "-"): info for info in get_pass_option_infos(kind)}
    for option in spec.parameters:
        if option.replace("_", "-") not in options:
            message = f"the pass `{spec.name}` has no option `{option}`"
            help = did_you_mean(option, options) if options else "it has no options"
            raise error("E0203", message, place_in(text, option, source), help)
    try:
        return kind.from_spec(spec)
    except (ValueError, TypeError) as problem:
        words = re.sub(r"<class '(\w+)'>", r"\1", str(problem))
        words = re.sub(r"given \('?(.*?)'?,\)", r"got \1", words)
        message = f"the options of the pass `{spec.name}` are not valid: {words}"
        types = {name: info.expected_type.strip("'") for name, info in options.items()}
        help = ", ".join(f"{name}: {type}" for name, type in types.items())
        place = place_in(text, spec.name, source)
        raise error("E0203", message, place, f"its options: {help}") from None


def place_in(text: str, name: str, source: str = PIPELINE_NAME) -> SourceLocation:
    """Where a pass or an option stands first in a pipeline."""
    found = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)
    return SourceLocation(source, 1, found.start() + 1 if found else 1, len(name))
