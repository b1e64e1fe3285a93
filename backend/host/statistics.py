"""Statistics of one batch: what every executed instruction counted, in a file of its own.

A line that names the format, a line of JSON, and the counts as 64-bit little-endian integers
[executed instructions, COUNTS], column by column, compressed with zlib.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.host.plan import Count, Plan, StreamKind
from spikeloom.backend.kernels.operands import COUNTS
from spikeloom.backend.machine.description import Machine
from spikeloom.backend.snx.image import Image
from spikeloom.backend.stream.stream import Stream
from spikeloom.diagnostics import DiagnosticError, error
from spikeloom.dialects.activity_profile import Share

MAGIC = b"spikeloom statistics 1\n"
MAX_ROWS = 2**24
"""Executed instructions of one batch: their counts take 1 GiB."""
MAX_HEADER_BYTES = 2**16
WRITE_THEM = "`spikeloom run PROGRAM --save-statistics FILE` writes them"


class BatchIdentity(BaseModel):
    """Which batch it was: the stream `kind[samples]` of a network, compiled for a machine."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    network: str
    kind: StreamKind
    samples: Count
    steps: Count
    machine: str
    instructions: str


class _Header(BatchIdentity):
    signal: Share
    rows: Annotated[int, Field(ge=0, le=MAX_ROWS)]
    columns: Annotated[int, Field(ge=1, le=COUNTS)]
    sha256: str


@dataclass(frozen=True, eq=False)
class Statistics:
    """`counts` [executed instructions, COUNTS] of one batch; `signal` is its input's share."""

    identity: BatchIdentity
    signal: Share
    counts: NDArray[np.int64]


def machine_digest(image: Image) -> str:
    """A name for the machine that an image was compiled for; the same for equal machines."""
    name = Machine.from_json(image.machine, "the image's machine").name
    return f"{name} {hashlib.sha256(image.machine.encode()).hexdigest()[:16]}"


def batch_identity(
    plan: Plan, kind: StreamKind, samples: int, machine: str, stream: Stream
) -> BatchIdentity:
    """The identity of a batch of the plan; `machine` is its `machine_digest`."""
    instructions = stream.instructions.copy()
    # Source places change nothing.
    instructions["location"] = 0
    digest = hashlib.sha256(instructions.tobytes() + stream.buffers.tobytes()).hexdigest()
    return BatchIdentity(
        network=plan.network,
        kind=kind,
        samples=samples,
        steps=plan.sizes.steps,
        machine=machine,
        instructions=digest,
    )


def empty_counts(executed: int) -> NDArray[np.int64]:
    """Room for the counts of a batch.

    Raises:
        DiagnosticError: E0405, the batch executes more instructions than a file may hold.
    """
    if executed > MAX_ROWS:
        message = f"--save-statistics: a batch executes {executed} instructions"
        raise error("E0405", f"{message}, the limit is {MAX_ROWS}", help="take a smaller batch")
    return np.zeros((executed, COUNTS), np.int64)


def write_statistics(path: Path, statistics: Statistics) -> None:
    """Writes the file as a whole or not at all; equal statistics give equal bytes.

    Raises:
        DiagnosticError: E0402 when it cannot be written.
    """
    data = np.asfortranarray(statistics.counts.astype("<i8")).tobytes("F")
    rows, columns = statistics.counts.shape
    digest = hashlib.sha256(data).hexdigest()
    fields = statistics.identity.model_dump()
    signal = statistics.signal
    header = _Header(**fields, signal=signal, rows=rows, columns=columns, sha256=digest)
    text = header.model_dump_json().encode()
    write_atomically(path, MAGIC + text + b"\n" + zlib.compress(data, 6))


def read_statistics(path: Path) -> Statistics:
    """The statistics in a file.

    Raises:
        DiagnosticError: E0401 when it cannot be read, E0407 when it is damaged or something else.
    """
    try:
        with open(path, "rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise unfit(path, "it is no file of statistics", WRITE_THEM)
            line = file.readline(MAX_HEADER_BYTES)
            packed = file.read()
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}", help=WRITE_THEM) from None
    try:
        header = _Header.model_validate_json(line)
    except ValidationError:
        raise unfit(path, "its second line cannot be read", WRITE_THEM) from None
    size = 8 * header.rows * header.columns
    unpack = zlib.decompressobj()
    try:
        # One byte more would show data behind the counts.
        data = unpack.decompress(packed, size + 1)
    except (zlib.error, MemoryError) as problem:
        raise unfit(path, f"it is damaged: {problem}", WRITE_THEM) from None
    whole = unpack.eof and not unpack.unused_data and len(data) == size
    if not whole or hashlib.sha256(data).hexdigest() != header.sha256:
        raise unfit(path, "it is damaged: its counts are not those that were written", WRITE_THEM)
    counts = np.frombuffer(data, "<i8").reshape(header.columns, header.rows).T
    fields = {name: getattr(header, name) for name in BatchIdentity.model_fields}
    return Statistics(
        BatchIdentity(**fields), header.signal, np.ascontiguousarray(counts, np.int64)
    )


def check_identity(path: Path, found: BatchIdentity, expected: BatchIdentity) -> None:
    """Raises a `DiagnosticError` (E0407) for the first field in which the two differ."""
    for name in BatchIdentity.model_fields:
        theirs, ours = getattr(found, name), getattr(expected, name)
        if theirs != ours:
            message = f"their {name} is {theirs}, but here it is {ours}"
            if name == "instructions":
                message = "they were written by a run of another program"
            raise unfit(path, message, WRITE_THEM)


def unfit(path: Path, message: str, help: str | None = None) -> DiagnosticError:
    """The error for statistics that are not what they should be."""
    return error("E0407", f"the statistics `{path}` cannot be used: {message}", help=help)
