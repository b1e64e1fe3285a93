"""Ways to optimise a step: what is skipped, how spikes are added up, what overlaps."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

SKIPS = (
    "",
    "mask-gradients{skip=none}",
    "mask-gradients{skip=input}",
    "mask-gradients{skip=output}",
    "mask-gradients{skip=dual}",
)
WAYS = (
    "",
    "fuse-luts{accumulate=plain}",
    "fuse-luts{accumulate=events}",
    "fuse-luts{accumulate=tables}",
    "fuse-luts{width=1}",
    "fuse-luts{width=3}",
    "fuse-luts{engines=wue width=4}",
)
SCHEDULES = (
    "",
    "schedule-engines{mode=serial}",
    "schedule-engines{mode=serial tiles=largest double_buffers=false}",
    "schedule-engines",
    "schedule-engines{groups=off}",
    "schedule-engines{double_buffers=false}",
    "schedule-engines{potentials=recomputed}",
    "schedule-engines{potentials=stored tiles=largest}",
)
SWITCHES = (SKIPS, WAYS, SCHEDULES)
"""Of each the empty text is to leave the pass out. Their numbers have no common divisor."""


def combination_of(number: int) -> str:
    """The passes of a number: each switch goes round, so that all of 5 x 7 x 8 meet in time."""
    return _joined(switch[number % len(switch)] for switch in SWITCHES)


def random_combination(seed: int) -> str:
    """The passes of a seed, drawn switch by switch."""
    random = np.random.default_rng([35, seed])
    return _joined(switch[random.integers(len(switch))] for switch in SWITCHES)


def _joined(passes: Iterable[str]) -> str:
    return ",".join(filter(None, passes))
