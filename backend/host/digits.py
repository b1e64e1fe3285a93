"""The 1797 handwritten digits that scikit-learn carries along."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.host.dataset import Labels
from spikeloom.diagnostics import error

PIXELS = 64
CLASSES = 10
_LARGEST = 16.0


def read_digits() -> tuple[NDArray[np.float32], Labels]:
    """Pixels in [0, 1], [1797, 64], and labels 0 to 9.

    Reads the table that scikit-learn installs, without importing scikit-learn, which would
    take two seconds.

    Raises:
        DiagnosticError: E0403 when scikit-learn is not installed.
    """
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        message = "the digits come with scikit-learn, which is not installed"
        raise error("E0403", message, help="pip install 'spikeloom[data]'")
    table = Path(found.origin).parent / "datasets" / "data" / "digits.csv.gz"
    try:
        rows = np.loadtxt(table, delimiter=",", dtype=np.float32)
    except (OSError, ValueError) as problem:
        message = f"cannot read the digits of the installed scikit-learn: {problem}"
        raise error("E0403", message, help="pip install --upgrade 'spikeloom[data]'") from None
    return rows[:, :PIXELS] / np.float32(_LARGEST), rows[:, PIXELS].astype(np.int32)
