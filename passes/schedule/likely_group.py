"""Whether a step will probably run in groups of samples, before it is scheduled or lowered."""

from __future__ import annotations

from collections.abc import Mapping

from spikeloom.dialects import bptt
from spikeloom.passes.schedule.group_room import may_fit
from spikeloom.passes.schedule.groups import (
    can_be_grouped,
    full_group,
    group_sizes,
    small_group_sizes,
)


def likely_group(
    step: bptt.StepOp, rates: Mapping[str, int], memories: Mapping[str, int]
) -> int | None:
    """The samples of a group of `schedule-engines`, if its nests fit as its values do.

    None where it goes layer by layer.
    """
    if not (rates and can_be_grouped(step, memories)):
        return None
    large = group_sizes(step, rates)
    if not large:
        return None
    sizes = [*large, *small_group_sizes(step, rates)]
    return next((size for size in sizes if may_fit(full_group(step, size), size, memories)), None)
