"""From the text of a machine file to its validated model, with all mistakes at once."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from spikeloom.backend.machine.errors import syntax_error, validation_error
from spikeloom.diagnostics import SourceLocation, error

Model = TypeVar("Model", bound=BaseModel)


TRAINING, CROSSBARS = "training", "crossbars"
"""The kinds of machines; a file that says nothing describes a training machine."""


def read_model(model: type[Model], path: str | Path) -> Model:
    """The model in the TOML file at `path`.

    Raises:
        DiagnosticError: E0401 when the file cannot be read, E0301 with all its mistakes.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise error("E0401", f"cannot read the machine file `{path}`: {reason}") from None
    except (UnicodeDecodeError, ValueError):
        raise error("E0301", f"the machine file `{path}` is not UTF-8 text") from None
    return _parse(model, text, str(path))


def read_bundled_model(model: type[Model], name: str) -> Model:
    """The model in the file of this name that comes with the package."""
    bundled = resources.files("spikeloom.backend") / "machines" / name
    return _parse(model, bundled.read_text(encoding="utf-8"), name)


def _parse(model: type[Model], text: str, name: str) -> Model:
    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as problem:
        raise syntax_error(problem, name, text) from None
    _check_kind(model, tables, name)
    try:
        return model.model_validate(tables)
    except ValidationError as problems:
        raise validation_error(problems, model, name, text) from None


def _check_kind(model: type[BaseModel], tables: dict[str, Any], name: str) -> None:
    """One message instead of one for every key, where a file is of another kind of machine."""
    wanted = CROSSBARS if "kind" in model.model_fields else TRAINING
    found = tables.get("kind", TRAINING)
    if found != wanted and found in (TRAINING, CROSSBARS):
        message = f"`{name}` describes a machine of kind `{found}`, not of kind `{wanted}`"
        help = "`map`, `check` and `admit` take machines of crossbars, everything else the other"
        raise error("E0301", message, SourceLocation(name, 1, 1), help)
