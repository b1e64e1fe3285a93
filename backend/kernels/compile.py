"""How kernels are compiled: numba without the GIL, cached on disk, in order, with progress.

The cache folder is named after the sources of everything compiled and the versions of the
compilers, so that a kernel is never loaded that differs from its source.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

# numba ships no types; all untyped access to it goes through these names.
numba: Any = import_module("numba")
types: Any = import_module("numba.core.types")
extending: Any = import_module("numba.extending")
targets: Any = import_module("numba.core.registry")

Progress = Callable[[int, int, str], None]
"""Called with the number of kernels ready, the number of all kernels, and the next one's name."""

INTEGER: Any = types.int64
FLOAT: Any = types.float32
DOUBLE: Any = types.float64
INTEGERS: Any = types.Array(types.int64, 1, "C")
INTEGERS_2D: Any = types.Array(types.int64, 2, "C")
INTEGERS_3D: Any = types.Array(types.int64, 3, "C")
FLOATS: Any = types.Array(types.float32, 1, "C")
DOUBLES: Any = types.Array(types.float64, 1, "C")
DOUBLES_2D: Any = types.Array(types.float64, 2, "C")

_COMPILED_BESIDE = (
    "backend/accounts/quantities.py",
    "backend/counting/data_counts.py",
    "backend/counting/expected_counts.py",
    "backend/counting/expected_products.py",
    "backend/counting/walk.py",
    "backend/counting/window_rows.py",
    "backend/execution/accounting.py",
    "backend/execution/clock.py",
    "backend/execution/dependences.py",
    "backend/execution/program.py",
    "backend/execution/walk.py",
    "backend/execution/work.py",
    "backend/stream/stream.py",
    "backend/validation/abstract_execution.py",
    "dialects/instruction_set.py",
    "dialects/instructions/images.py",
    "dialects/instructions/learning.py",
    "dialects/instructions/movement.py",
    "dialects/instructions/neurons.py",
    "dialects/instructions/normalization.py",
    "dialects/instructions/operands.py",
    "dialects/instructions/spec.py",
    "dialects/instructions/synapses.py",
    "dialects/instructions/tiles.py",
)
"""Files outside this folder whose functions or constants are compiled."""

_OPTIONS = {"nopython": True, "nogil": True, "error_model": "numpy"}
_NO_WRAPPERS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

_registry: list[tuple[Any, tuple[Any, ...]]] = []


def compiled(*signature: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Marks a function that Python calls, for compilation with arguments of these numba types.

    Nothing is compiled before the first call or `prepare_kernels`. Division by zero follows
    IEEE 754 and raises nothing; floating-point operations are never reordered or fused.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        dispatcher = numba.jit(**_OPTIONS, cache=_cache_folder is not None)(function)
        _registry.append((dispatcher, signature))
        return cast(Callable[P, R], dispatcher)

    return decorate


class _Helper(targets.CPUDispatcher):
    """A compiled function without the wrapper by which Python would call it."""

    def __call__(self, *_: object) -> Any:
        raise TypeError(f"only compiled functions call `{self.py_func.__name__}`")

    def get_call_template(self, args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        """As of every function, but not once more for each constant that it is called with."""
        parent: Any = super()
        return parent.get_call_template(tuple(types.unliteral(each) for each in args), kws)


def helper(function: Callable[P, R]) -> Callable[P, R]:
    """Marks a function that only other compiled functions call, and that becomes part of them.

    It is neither kept on disk nor callable from Python, which saves a third of its compile time.
    """
    return cast(Callable[P, R], _Helper(function, targetoptions={**_OPTIONS, **_NO_WRAPPERS}))


def compile_registered(progress: Progress | None = None) -> None:
    """Compiles, or loads from the cache, all functions imported so far that Python calls."""
    total = len(_registry)
    for ready, (dispatcher, signature) in enumerate(_registry):
        if progress is not None:
            progress(ready, total, dispatcher.__name__)
        if not dispatcher.signatures:
            _compile(dispatcher, signature)
    if progress is not None:
        progress(total, total, "")


def _compile(dispatcher: Any, signature: tuple[Any, ...]) -> None:
    try:
        dispatcher.compile(signature)
    except OSError:
        # The disk of the cache is full: what was compiled works, it is only not kept.
        if not dispatcher.signatures:
            raise


def _fingerprint() -> str:
    digest = hashlib.sha256()
    # The installed package, or the root of a checkout: both hold these folders.
    package = Path(__file__).parents[2]
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    for name in _COMPILED_BESIDE:
        digest.update(name.encode() + b"\0" + (package / name).read_bytes())
    llvmlite: Any = import_module("llvmlite")
    versions = (numba.__version__, llvmlite.__version__, platform.python_version())
    digest.update(" ".join((*versions, platform.machine())).encode())
    return digest.hexdigest()[:16]


def choose_cache_folder(environment: Mapping[str, str]) -> Path | None:
    """The user's cache folder for these sources, or None when it cannot be written.

    It lies in NUMBA_CACHE_DIR, or else in `spikeloom` under XDG_CACHE_HOME or ~/.cache.
    """
    try:
        base = Path(environment.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        base = Path(environment.get("NUMBA_CACHE_DIR") or base / "spikeloom")
        folder = base / f"kernels-{_fingerprint()}"
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except (OSError, RuntimeError):
        return None
    return folder


_cache_folder = choose_cache_folder(os.environ)
if _cache_folder is not None:
    numba.config.CACHE_DIR = str(_cache_folder)
