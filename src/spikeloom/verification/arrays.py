"""Arrays of the evaluators, and the precision they compute in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Numbers or bits; bits are 0 and 1 in the evaluator's own precision."""

Precision = type[np.float32] | type[np.float64]
"""Single precision is the machine's; double shows what rounding does."""
