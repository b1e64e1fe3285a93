"""What is wrong with a machine file, as diagnostics that name the line of each mistake."""

from __future__ import annotations

import re
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from spikeloom.diagnostics import Diagnostic, DiagnosticError, SourceLocation, did_you_mean

_Place = tuple[int | str, ...]

_WORDS = {
    "missing": "is missing",
    "int_type": "must be an integer",
    "string_type": "must be a text in quotes",
    "string_too_short": "must not be empty",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
}


def syntax_error(problem: Exception, name: str, text: str) -> DiagnosticError:
    """E0301 for text that is no TOML, at the line and column that the parser found."""
    found = re.search(r" \(at line (\d+), column (\d+)\)$", str(problem))
    message = str(problem)[: found.start()] if found else str(problem)
    lines = text.splitlines() or [""]
    line, column = (int(found[1]), int(found[2])) if found else (len(lines), len(lines[-1]) + 1)
    return DiagnosticError(
        Diagnostic("E0301", f"not TOML: {message}", SourceLocation(name, line, column))
    )


def validation_error(
    problems: ValidationError, model: type[BaseModel], name: str, text: str
) -> DiagnosticError:
    """E0301 with one diagnostic for every mistake that validation found, in order of lines."""
    found = [
        _diagnostic(p["type"], p["loc"], p["msg"], model, name, text)
        for p in problems.errors(include_url=False, include_context=False, include_input=False)
    ]
    found.sort(key=lambda diagnostic: diagnostic.location.line if diagnostic.location else 0)
    return DiagnosticError(*found)


def _diagnostic(
    kind: str, place: _Place, words: str, model: type[BaseModel], name: str, text: str
) -> Diagnostic:
    # Pydantic marks a mistake in a key itself by one more part.
    place = place[:-1] if place[-1:] == ("[key]",) else place
    key = ".".join(str(part) for part in place) or name
    location = _find(place, name, text)
    if kind == "extra_forbidden":
        help = did_you_mean(str(place[-1]), _fields(model, place[:-1]))
        return Diagnostic("E0301", f"unknown key `{key}`", location, help)
    if kind == "missing":
        help = "every number is written { value = ..., unit = ..., source = ... }"
        return Diagnostic("E0301", f"`{key}` is missing", location, help)
    said = _WORDS.get(kind, words.removeprefix("Value error, "))
    return Diagnostic("E0301", f"`{key}`: {said[:1].lower()}{said[1:]}", location)


def _fields(model: type[BaseModel], place: _Place) -> list[str]:
    """Names of the keys that may stand in the table at `place`."""
    current: Any = model
    for part in place:
        if isinstance(current, type) and issubclass(current, BaseModel):
            current = current.model_fields[str(part)].annotation
        else:  # a dictionary of tables, whose keys the file chooses
            current = get_args(current)[1]
    return list(current.model_fields)


def _find(place: _Place, name: str, text: str) -> SourceLocation:
    """The line of the deepest part of `place` that the text spells; line 1 when none does."""
    keys = [str(part) for part in place]
    table: list[str] = []
    best, found = 0, SourceLocation(name, 1, 1)
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        assigned = re.match(r"\s*([\w.\-]+)\s*=", line)
        if header:
            table = [part.strip().strip("\"'") for part in header[1].split(".")]
            path, column = table, header.start(1) + 1
        elif assigned:
            path, column = [*table, *assigned[1].split(".")], assigned.start(1) + 1
        else:
            continue
        depth = len(path)
        if path == keys[:depth] and depth > best:
            inner = re.search(rf"[{{,]\s*({re.escape(keys[-1])})\s*=", line)
            if depth < len(keys) and inner:
                column = inner.start(1) + 1
            best, found = depth, SourceLocation(name, number, column, max(1, len(path[-1])))
    return found
