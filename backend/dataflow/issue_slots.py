"""The issue of instructions as actors: a clock that nothing holds back.

Instruction n is issued in cycle n // rate. An actor per moment that something may really wait for,
one behind the other and then from the start, gives these moments exactly: the time of each is the
distance from the one before, and all of them together take an iteration's share of the issue rate.
Most instructions need none, because what they wait for anyway lasts longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class IssueSlots:
    """The moments that are waited for.

    Attributes:
        times: of the actors in their order; they add up to the cycles of an iteration.
        waits: (slot, instruction) pairs: the instruction starts when the slot has finished.
    """

    times: tuple[int, ...]
    waits: tuple[tuple[int, int], ...]


def issue_slots(
    services: Sequence[int], waits: Sequence[tuple[int, int]], issue_rate: int
) -> IssueSlots:
    """The slots of an iteration of these instructions.

    Args:
        services: service times in the order of issue; the issue rate divides their number.
        waits: (finished, waiting) of the same iteration.
    """
    # Whoever waits for p starts at least at the issue of p and its service later.
    earliest = np.full(len(services), -1, np.int64)
    for finished, waiting in waits:
        known = finished // issue_rate + services[finished]
        earliest[waiting] = max(earliest[waiting], known)
    issued = np.arange(len(services)) // issue_rate
    needing: list[int] = np.flatnonzero((earliest < issued) & (issued > 0)).tolist()
    moments = sorted({number // issue_rate for number in needing})
    slot_of = {moment: slot for slot, moment in enumerate(moments)}
    ends = [*moments, len(services) // issue_rate]
    times = [end - start for start, end in zip([0, *moments], ends, strict=True)]
    pairs = tuple((slot_of[number // issue_rate], number) for number in needing)
    return IssueSlots(tuple(times), pairs)
