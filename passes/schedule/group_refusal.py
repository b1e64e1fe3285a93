"""Why a step cannot go group by group of samples, although `groups` asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import Operation

from spikeloom.diagnostics import DiagnosticError, error
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.dialects.locations import location_of
from spikeloom.passes.engine.addresses import Overflow
from spikeloom.passes.schedule.group_room import surely_too_small
from spikeloom.passes.schedule.groups import needing_all_samples

_OFF = "use schedule-engines{groups=off}"


def group_refusal(
    step: bptt.StepOp, group: int, memories: Mapping[str, int], obstacle: Overflow | Operation
) -> DiagnosticError:
    """The error for a step that `obstacle` keeps from being written in groups (E0302).

    Where an operation needs all samples, no size of groups helps, and that is what is said. With
    the running mean, a normalization needs none but its own.
    """
    overflow = obstacle if isinstance(obstacle, Overflow) else None
    whole = None if overflow else needing_all_samples(step)
    if whole is not None and not isinstance(whole, bptt.NormalizeOp):
        return error("E0302", _impossible(whole), location_of(whole) or location_of(step), _OFF)
    overflow = overflow or surely_too_small(step, group, memories)
    message = f"groups of {group} samples do not fit the machine"
    remedy = "groups of fewer samples, or a machine with more" if group > 1 else "a larger machine"
    if overflow is not None:
        memory = f"`{overflow.memory}`"
        needs = f"needs at least {overflow.needed:,} bytes of {memory}, which has "
        message += f": a group on chip, all steps of it, {needs}{overflow.available:,}"
        more = " of it" if group > 1 else f" with more of {memory}"
        return error("E0302", message, location_of(step), f"{_OFF}, or {remedy}{more}")
    place = location_of(step)
    if isinstance(obstacle, Operation) and obstacle is not step:
        message += f": `{obstacle.name}` does not lie on chip as a whole"
        place = location_of(obstacle) or place
    memory = " memory" if group > 1 else ""
    return error("E0302", message, place, f"{_OFF}, or {remedy}{memory}")


def _impossible(op: Operation) -> str:
    """What a step with this operation says to groups."""
    if isinstance(op, ScanOp):
        return "no groups of samples with `previous`: the network walks over time with all samples"
    return f"no groups of samples with batchnorm: `{op.name}` needs the mean of all samples"
