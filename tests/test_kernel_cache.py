"""Compiled kernels are kept in the user's cache, or nowhere, but never in the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from spikeloom.backend.kernels import compile as module
from spikeloom.backend.kernels.compile import (
    INTEGER,
    choose_cache_folder,
    compile_registered,
    compiled,
    helper,
)


@pytest.fixture
def one_function(monkeypatch) -> Callable[[int], int]:
    """A registry with a single function that is not compiled yet."""
    monkeypatch.setattr(module, "_registry", [])

    @compiled(INTEGER)
    def increment(number: int) -> int:
        return number + 1

    return increment


def test_the_cache_lies_where_the_user_wants_it(tmp_path):
    for variable, inner in (("XDG_CACHE_HOME", "spikeloom"), ("NUMBA_CACHE_DIR", "")):
        folder = choose_cache_folder({variable: str(tmp_path / variable)})
        assert folder is not None
        assert folder.parent == tmp_path / variable / inner
        assert list(folder.iterdir()) == []


def test_another_source_or_compiler_is_another_cache(tmp_path, monkeypatch):
    environment = {"NUMBA_CACHE_DIR": str(tmp_path)}
    before = choose_cache_folder(environment)
    assert before == choose_cache_folder(environment)
    monkeypatch.setattr(module.numba, "__version__", "0.0")
    assert choose_cache_folder(environment) != before


def test_a_folder_that_cannot_be_written_means_no_cache(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    assert choose_cache_folder({"NUMBA_CACHE_DIR": str(file)}) is None
    assert choose_cache_folder({"XDG_CACHE_HOME": str(file / "deeper")}) is None


def test_progress_is_called_before_each_function_and_at_the_end(one_function):
    calls: list[tuple[int, int, str]] = []
    compile_registered(lambda *call: calls.append(call))
    assert calls == [(0, 1, "increment"), (1, 1, "")]
    assert one_function(1) == 2


def test_a_full_disk_only_means_compiling_again_next_time(one_function, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(one_function._cache, "save_overload", full)
    compile_registered()
    assert one_function(1) == 2


def test_a_helper_is_compiled_once_whatever_constants_it_gets(monkeypatch):
    monkeypatch.setattr(module, "_registry", [])

    @helper
    def add(left: int, right: int) -> int:
        return left + right

    @compiled(INTEGER)
    def six_more(number: int) -> int:
        return add(add(add(number, 1), 2), 3)

    assert six_more(1) == 7
    assert len(cast(Any, add).overloads) == 1


def test_python_cannot_call_a_helper():
    @helper
    def identity(number: int) -> int:
        return number

    with pytest.raises(TypeError, match="only compiled functions call `identity`"):
        identity(1)
