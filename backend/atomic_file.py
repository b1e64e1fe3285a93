"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from spikeloom.diagnostics import error


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes `data` to `path`: temporary file beside it, flush, fsync, rename.

    Whatever goes wrong, an earlier file at `path` stays as it was and no temporary file
    remains. A link is followed; a device or pipe (`/dev/stdout`) is written to and stays what it
    is. Raises a `DiagnosticError` (E0402) when the file cannot be written.
    """
    try:
        target = Path(os.path.realpath(path))
        if os.path.exists(path) and not os.path.isfile(path):
            Path(path).write_bytes(data)
        else:
            _replace(target, data)
    except (OSError, ValueError) as cause:
        reason = cause.strerror if isinstance(cause, OSError) else None
        raise error("E0402", f"cannot write `{path}`: {reason or cause}") from None


def _replace(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        # "x" never follows a link that somebody else has put there.
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
