"""How a still image becomes input over time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spikeloom.backend.host.plan import Encoding

Signal = NDArray[np.uint8 | np.float32]
"""Spikes 0/1 or currents, [steps, samples, features]."""


def encode(
    values: NDArray[np.float32], encoding: Encoding, steps: int, random: np.random.Generator
) -> Signal:
    """Values in [0, 1], [samples, features], over `steps` steps: [steps, samples, features].

    `rate` spikes with the value as probability at every step; `latency` spikes once, the
    earlier the larger the value, and not at all for 0; `direct` repeats the value itself.
    """
    match encoding:
        case "rate":
            drawn = random.random((steps, *values.shape), dtype=np.float32)
            return (drawn < values).astype(np.uint8)
        case "latency":
            time = np.rint((1.0 - values) * (steps - 1)).astype(np.int64)
            first = np.arange(steps)[:, None, None] == time
            return (first & (values > 0.0)).astype(np.uint8)
        case "direct":
            return np.repeat(values[None], steps, axis=0)
