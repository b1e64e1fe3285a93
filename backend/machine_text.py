"""From the text of a machine file to its validated model, with all mistakes at once."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from spikeloom.backend.machine_errors import syntax_error, validation_error
from spikeloom.diagnostics import error

Model = TypeVar("Model", bound=BaseModel)


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
    try:
        return model.model_validate(tables)
    except ValidationError as problems:
        raise validation_error(problems, model, name, text) from None
