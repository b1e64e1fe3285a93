"""Compiled loops: numba, cached beside the source or for the user."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

Column: TypeAlias = Any
"""An array of integers in compiled code; numpy's stubs would take its elements for arrays."""

# numba ships no types; all untyped access to it goes through this name.
_numba: Any = import_module("numba")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function, compiled when it is first called."""
    try:
        return cast(Callable[P, R], _numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # no folder to keep it in
        return cast(Callable[P, R], _numba.njit(nogil=True)(function))
