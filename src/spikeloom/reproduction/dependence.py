"""Which of the given densities a counted batch depends on: found by counting again, not asserted.

The Backward Engine computes the cells that a mask leaves, so that a mask always counts. Whether
spikes and gradients do follows from the program: tables and plain additions take the same time for
any spikes, and the gradient that passes through a batchnorm is dense whatever is declared.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from spikeloom.backend.counting.densities import parse_densities
from spikeloom.backend.host.totals import Totals
from spikeloom.dialects.snn import BatchnormOp

CountWith = Callable[[str], Totals]
"""Counts the batch with everything switched on, with these densities."""

DENSE = (
    "gradients= changes nothing here: batchnorm makes the gradient that the Backward Engine gets "
    "dense; what input sparsity wins is the zero padding at the borders of images"
)
PARTLY_DENSE = (
    "gradients= counts only in layers without batchnorm; behind a batchnorm the gradient is dense, "
    "and what input sparsity wins there is the zero padding at the borders of images"
)


@dataclass(frozen=True)
class Dependence:
    """The densities that a batch depends on, and what is to be said of its gradients.

    Attributes:
        kinds: of spikes, mask and gradients those that change cycles or energy.
        densities: these with their shares, `mask=0.36`.
        note: why input sparsity is worth what it is, or "" in a program without batchnorm.
    """

    kinds: tuple[str, ...]
    densities: str
    note: str


def dependence_of(count: CountWith, best: Totals, module: ModuleOp, densities: str) -> Dependence:
    """What `best`, counted with `densities`, depends on.

    One more batch is counted with other spikes and gradients, and two if that differs.
    """
    shares = parse_densities(densities)
    given = {kind: getattr(shares.others, kind) for kind in ("spikes", "mask", "gradients")}

    def matters(*kinds: str) -> bool:
        changed = given | {kind: 0.5 if given[kind] == 1 else 1.0 for kind in kinds}
        return _cost(count(_text(changed))) != _cost(best)

    kinds = ["mask"]
    if matters("spikes", "gradients"):
        kinds += [kind for kind in ("spikes", "gradients") if matters(kind)]
    note = note_of(has_batchnorm(module), "gradients" in kinds)
    return Dependence(tuple(kinds), _text({kind: given[kind] for kind in kinds}), note)


def _cost(totals: Totals) -> tuple[int, int, int]:
    # What the ratios and signs are made of; what the values held differs for any densities.
    return totals.cycles, totals.energy_fj, totals.counters["be__cycles_active"]


def has_batchnorm(module: ModuleOp) -> bool:
    """Whether a network of the program normalizes anywhere."""
    return any(isinstance(op, BatchnormOp) for op in module.walk())


def note_of(batchnorm: bool, gradients_matter: bool) -> str:
    """What is to be said beside the signs of the Backward Engine."""
    if not batchnorm:
        return ""
    return PARTLY_DENSE if gradients_matter else DENSE


def _text(shares: dict[str, float]) -> str:
    return ",".join(f"{kind}={share}" for kind, share in shares.items())
