"""Checkpoints: parameters, optimizer state and progress in one safetensors file.

Equal states give equal bytes: the metadata is a single entry of canonical JSON, because
safetensors keeps several entries in no fixed order.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.host.parameters import State, Tensor
from spikeloom.backend.host.progress import Progress
from spikeloom.diagnostics import DiagnosticError, error

METADATA_KEY = "spikeloom"
MAX_HEADER_BYTES = 16 * 2**20
_DTYPES = {"F32": np.dtype(np.float32), "I32": np.dtype(np.int32)}


class Identity(BaseModel):
    """What must agree for a run to be resumed, each field named as the user knows it.

    `seed`, `machine` and `energy_table` may come from the command line; `instructions` is a
    digest of the compiled program, source places left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    network: str
    parameters: tuple[str, ...]
    data: str
    samples: tuple[int, int]
    steps: int
    batch: int
    loss: str
    optimizer: str
    seed: int
    machine: str
    energy_table: str
    instructions: str


class Header(BaseModel):
    """The metadata of a checkpoint."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["spikeloom checkpoint"] = "spikeloom checkpoint"
    version: Literal[1] = 1
    identity: Identity
    progress: Progress


def save_checkpoint(path: Path, state: State, identity: Identity, progress: Progress) -> None:
    """Writes a checkpoint, as a whole or not at all.

    Raises:
        DiagnosticError: E0402 when the file cannot be written.
    """
    header = Header(identity=identity, progress=progress).model_dump_json()
    tensors = {name: np.ascontiguousarray(state[name]) for name in sorted(state)}
    write_atomically(path, save(tensors, metadata={METADATA_KEY: header}))


def load_checkpoint(path: Path, expected: State) -> tuple[dict[str, Tensor], Header]:
    """The tensors and the header of a checkpoint that holds exactly the `expected` ones.

    Raises:
        DiagnosticError: E0401 when there is no such file, E0404 naming the first thing that is
            wrong with it.
    """
    tensors, metadata = _read(path, expected)
    try:
        return tensors, Header.model_validate_json(metadata.get(METADATA_KEY, ""))
    except ValidationError:
        message = "its progress cannot be read"
        raise _unfit(path, message, "was it written by `spikeloom run --save`?") from None


def load_tensors(path: Path, expected: State) -> dict[str, Tensor]:
    """The `expected` tensors of a checkpoint, whatever else it holds.

    Raises:
        DiagnosticError: as `load_checkpoint`.
    """
    return _read(path, expected, others_allowed=True)[0]


def check_identity(path: Path, found: Identity, expected: Identity) -> None:
    """Raises a `DiagnosticError` (E0404) for the first field in which the two differ."""
    for field in Identity.model_fields:
        theirs, ours = getattr(found, field), getattr(expected, field)
        if theirs != ours:
            are = _are(field)
            message = f"its {field.replace('_', ' ')} {are} {theirs}, but here {are} {ours}"
            option = {"seed": "--seed", "energy_table": "--energy-table"}.get(field)
            help = f"run with {option} {theirs}" if option is not None else None
            if field == "instructions":
                message = "it was trained by a program that computes something else"
                help = "undo the changes to the program, or train anew"
            raise _unfit(path, message, help)


def _are(field: str) -> str:
    return "are" if field in ("parameters", "samples", "steps") else "is"


def _unfit(path: Path, message: str, help: str | None = None) -> DiagnosticError:
    return error("E0404", f"checkpoint `{path}`: {message}", help=help)


def _read(
    path: Path, expected: State, *, others_allowed: bool = False
) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    _check_header_size(path)
    try:
        # safetensors declares no types for what it opens.
        opened: Any = safe_open(path, framework="numpy")
        with opened as file:
            names: set[str] = set(file.keys())
            for name in expected:
                if name not in names:
                    raise _unfit(path, f"it has no tensor `{name}`")
            if not others_allowed and (strange := sorted(names - set(expected))):
                raise _unfit(path, f"it has a tensor `{strange[0]}`, which the program has not")
            tensors = {name: _tensor(path, file, name, expected[name]) for name in expected}
            return tensors, file.metadata() or {}
    except (SafetensorError, OSError, ValueError, TypeError) as problem:
        raise _unfit(path, f"it is damaged: {problem}") from None


def _check_header_size(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            start = file.read(8)
    except OSError as problem:
        raise error("E0401", f"cannot read `{path}`: {problem.strerror}") from None
    if len(start) < 8 or struct.unpack("<Q", start)[0] > MAX_HEADER_BYTES:
        raise _unfit(path, "it is not a safetensors file")


def _tensor(path: Path, file: Any, name: str, expected: Tensor) -> Tensor:
    part = file.get_slice(name)
    shape, kind = tuple(part.get_shape()), part.get_dtype()
    if shape != expected.shape:
        message = f"`{name}` has the shape {list(shape)}, the program {list(expected.shape)}"
        raise _unfit(path, message)
    if _DTYPES.get(kind) != expected.dtype:
        raise _unfit(path, f"`{name}` holds {kind}, the program {expected.dtype}")
    tensor: Tensor = file.get_tensor(name)
    if not np.isfinite(tensor).all():
        raise _unfit(path, f"`{name}` holds a number that is not finite")
    return tensor
