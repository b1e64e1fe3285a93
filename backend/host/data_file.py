"""Recordings from an `.npz` file: read without pickle, checked before use."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.host.dataset import Labels
from spikeloom.backend.host.encoding import Signal
from spikeloom.backend.host.plan import Task
from spikeloom.diagnostics import DiagnosticError, error

MAX_ARRAY_BYTES = 16 * 2**30
"""An array that claims more than this is refused before memory is asked for."""

_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, KeyError, MemoryError)
"""What numpy and zipfile raise for damaged archives and arrays; pickled ones are ValueErrors."""
_UNSUPPORTED = (NotImplementedError, RuntimeError)
"""What zipfile raises for compression methods that it does not know and for encryption."""


@dataclass(frozen=True, eq=False)
class DataFile:
    """`values` [samples, steps, features], uint8 spikes 0/1 or float32 currents."""

    values: Signal
    labels: Labels | None

    @property
    def steps(self) -> int:
        """Time steps of every sample."""
        return self.values.shape[1]


def read_data_file(path: Path, task: Task, *, labels_required: bool) -> DataFile:
    """The recordings in `path`, checked against the network's input and output.

    Spikes are read from the array `spikes`, currents from `currents`; `labels` are optional
    unless required.

    Raises:
        DiagnosticError: E0401 when the file cannot be read, E0403 when its contents do not fit.
    """
    array = "spikes" if task.input_element == "bit" else "currents"
    arrays = _read_arrays(path, (array, "labels"))
    if array not in arrays:
        help = f"the network takes {array}: numpy.savez(file, {array}=..., labels=...)"
        raise _unfit(path, f"it holds no array `{array}`", help)
    values = _checked_values(path, arrays[array], array, task)
    if "labels" in arrays:
        return DataFile(values, _checked_labels(path, arrays["labels"], len(values), task))
    if labels_required:
        raise _unfit(path, "it holds no array `labels`", "training needs a label per sample")
    return DataFile(values, None)


def _unfit(path: Path, message: str, help: str | None = None) -> DiagnosticError:
    return error("E0403", f"data file `{path}`: {message}", help=help)


def _read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """The arrays of these names that the archive holds."""
    try:
        with open(path, "rb") as file:
            if file.read(2) != b"PK":
                raise _unfit(path, "it is not an .npz archive")
            file.seek(0)
            with zipfile.ZipFile(file) as archive:
                members = set(archive.namelist())
                return {n: _read_array(archive, n) for n in names if f"{n}.npy" in members}
    except FileNotFoundError:
        raise error("E0401", f"no such data file: `{path}`") from None
    except (IsADirectoryError, PermissionError) as problem:
        raise error("E0401", f"cannot read `{path}`: {problem.strerror}") from None
    except (*_DAMAGED, *_UNSUPPORTED) as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise _unfit(path, f"it cannot be read: {reason}") from None


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    size = archive.getinfo(f"{name}.npy").file_size
    if size > MAX_ARRAY_BYTES:
        raise ValueError(f"the array `{name}` claims {size} bytes")
    with archive.open(f"{name}.npy") as member:
        _check_header(member, size, name)
    with archive.open(f"{name}.npy") as member:
        return np.lib.format.read_array(member, allow_pickle=False)


def _check_header(member: Any, size: int, name: str) -> None:
    """Refuses a header that promises more cells than the archive holds bytes for."""
    version = np.lib.format.read_magic(member)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"the array `{name}` has an unknown format version")
    shape, _, dtype = read[version](member)
    cells = 1
    for extent in shape:
        cells *= extent
    if dtype.hasobject or cells * dtype.itemsize > size:
        raise ValueError(f"the array `{name}` is pickled or incomplete")


def _checked_values(path: Path, values: NDArray[Any], name: str, task: Task) -> Signal:
    wanted = task.input_shape
    if values.ndim < 3:
        shape = list(values.shape)
        help = f"[samples, steps, {', '.join(map(str, wanted))}]"
        raise _unfit(path, f"`{name}` has the shape {shape}", f"expected the shape {help}")
    features = int(np.prod(wanted))
    if values.shape[2:] not in (wanted, (features,)):
        message = f"`{name}` has {list(values.shape[2:])} values per step and sample"
        raise _unfit(path, message, f"the network's input has the shape {list(wanted)}")
    if 0 in values.shape:
        raise _unfit(path, f"`{name}` is empty: it has the shape {list(values.shape)}")
    if values.dtype.kind not in "biuf":
        raise _unfit(path, f"`{name}` holds {values.dtype}, not numbers")
    flat = values.reshape(*values.shape[:2], features)
    return _spikes(path, flat) if task.input_element == "bit" else _currents(path, flat)


def _spikes(path: Path, values: NDArray[Any]) -> Signal:
    wrong = (values != 0) & (values != 1)
    if wrong.any():
        raise _unfit(path, f"`spikes` holds {_first(values, wrong)}, but spikes are 0 or 1")
    return values.astype(np.uint8)


def _currents(path: Path, values: NDArray[Any]) -> Signal:
    with np.errstate(over="ignore"):
        currents = values.astype(np.float32)
    if (wrong := ~np.isfinite(currents)).any():
        raise _unfit(path, f"`currents` holds {_first(values, wrong)}, which is not a finite f32")
    return currents


def _first(values: NDArray[Any], wrong: NDArray[np.bool_]) -> str:
    """The first wrong cell with its place, for a message."""
    place = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    where = ", ".join(str(int(index)) for index in place)
    return f"{values[place]} at [{where}]"


def _checked_labels(path: Path, labels: NDArray[Any], samples: int, task: Task) -> Labels:
    if labels.shape != (samples,):
        message = f"`labels` has the shape {list(labels.shape)}"
        raise _unfit(path, message, f"expected one label per sample: [{samples}]")
    if labels.dtype.kind not in "iu":
        raise _unfit(path, f"`labels` holds {labels.dtype}, expected integers")
    classes = int(np.prod(task.output_shape))
    if (wrong := (labels < 0) | (labels >= classes)).any():
        message = f"`labels` holds {_first(labels, wrong)}"
        help = f"the network has {classes} outputs, so labels are 0 to {classes - 1}"
        raise _unfit(path, message, help)
    return labels.astype(np.int32)
