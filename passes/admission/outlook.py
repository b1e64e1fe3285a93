"""What would let a refused program in: another arrangement of the programs, or their departure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from spikeloom.passes.admission.admission import Admitted, admit
from spikeloom.passes.admission.bounds import least_tiles
from spikeloom.passes.admission.chip import ChipState
from spikeloom.passes.admission.defragmentation import MAX_EVALUATIONS, defragment
from spikeloom.passes.binding.application import Application


@dataclass(frozen=True)
class Outlook:
    """Whether a refused program would be admitted.

    Attributes:
        alone: on the chip with its broken tiles, if nothing else ran; False where no binding was
            found there, which need not mean that there is none.
        moves: after a defragmentation with so many moves; None where that would not help.
    """

    alone: bool
    moves: int | None


def outlook(
    state: ChipState,
    name: str,
    application: Application,
    period: Fraction,
    evaluations: int = MAX_EVALUATIONS,
) -> Outlook:
    """Why a program that `admit` refused was refused now; takes longer than the refusal."""
    empty = replace(state, running=())
    if not state.running or not isinstance(admit(empty, name, application, period), Admitted):
        return Outlook(False, None)
    demand = least_tiles(application, state.platform, state.free, period)
    if demand.count is None:
        return Outlook(True, None)
    most = max(demand.count, min(len(state.free), len(application.states)))
    for wanted in dict.fromkeys((demand.count, most)):
        plan = defragment(state, wanted, evaluations)
        if plan.moves and isinstance(admit(plan.state, name, application, period), Admitted):
            return Outlook(True, len(plan.moves))
    return Outlook(True, None)
