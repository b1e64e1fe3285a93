"""What the options of a pass may be, in the words in which a user writes them.

A pass that checks the words of a text itself names them: `mode: Annotated[str, MODES]`.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from xdsl.passes import ModulePass, get_pass_option_infos

_WORDS: dict[Any, str] = {bool: "true | false", int: "integer", float: "number", str: "text"}


@dataclass(frozen=True)
class PassOption:
    """An option of a pass: `values` such as `plain | events | tables`, and its default if any."""

    name: str
    values: str
    default: str | None


def pass_options(kind: type[ModulePass]) -> tuple[PassOption, ...]:
    """The options of a pass, in the order in which it declares them."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        PassOption(info.name, values_of(hints[info.name]), _default(kind, info.name))
        for info in get_pass_option_infos(kind)
    )


def values_of(hint: Any) -> str:
    """What an option with this type may be."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin is Annotated:
        return " | ".join(arguments[1])
    if origin in (Union, UnionType):
        kinds = [each for each in arguments if each is not NoneType]
        if float in kinds:
            kinds = [each for each in kinds if each is not int]
        return " | ".join(map(values_of, kinds))
    if origin is tuple:
        return f"{values_of(arguments[0])}, several with commas"
    return _WORDS.get(hint) or str(getattr(hint, "__name__", hint))


def _default(kind: type[ModulePass], name: str) -> str | None:
    if not hasattr(kind, name):
        return None
    value: Any = getattr(kind, name)
    if isinstance(value, tuple):
        parts: tuple[Any, ...] = value
        return ",".join(map(str, parts))
    return str(value) if isinstance(value, str) else str(value).lower()
