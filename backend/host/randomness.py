"""Random numbers that are addressed rather than drawn in turn.

Philox is a counter-based generator: the numbers for a purpose, an epoch and a batch come from
their own region of its counter, so that any batch can be made without the ones before it, and
resuming a run needs no generator state.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What random numbers are for; each purpose has its own sequence."""

    SPLIT = 0
    SHUFFLE = 1
    TRAIN_ENCODING = 2
    TEST_ENCODING = 3
    PARAMETER = 4
    RANDOM_LABELS = 5
    RANDOM_SPIKES = 6
    DELAYED_MATCH = 7


def generator(seed: int, purpose: Purpose, major: int = 0, minor: int = 0) -> np.random.Generator:
    """The generator for one use, for instance the spikes of batch `minor` of epoch `major`.

    Philox counts in the lowest word of its counter; the highest two hold `major` and `minor`,
    so that no two regions overlap.
    """
    key = np.array([seed, purpose], dtype=np.uint64)
    counter = np.array([0, 0, minor, major], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
