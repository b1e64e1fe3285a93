"""Which counts of an instruction depend on data, and how they follow from densities: one table.

A kernel counts what its data hold (`kernels.operands`). Counting mode has no data and expects
these counts instead: the share of cells that are not zero, times the cells of the box. A new
count of a kernel needs a row, or a column, here and nothing else in the backend.

What is expected of events: a row of the box that has n inputs, each a spike with probability p,
has n p of them and takes the mean of ceil(k / input lanes) passes, k being distributed binomially.
Of products: see `expected_products`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from spikeloom.backend.kernels.operands import MASKED, NONZERO, SPIKES


class Rule(Enum):
    """Where the density of what an instruction writes comes from.

    The first three are measured or given per layer; the others follow from roles that are read.
    """

    LAYER_SPIKES = "spikes"
    LAYER_MASK = "mask"
    LAYER_GRADIENTS = "gradients"
    ZERO = "zero"
    ONE = "one"
    COPY = "copy"
    ANY = "any"
    """Zero only where all roles read are zero, taken to be independent."""
    WINDOW = "window"
    """Zero only where a whole window of the role is, whose side is the immediate `kernel`."""
    MEAN = "mean"
    """The mean of the roles, weighted by the cells of their boxes."""


@dataclass(frozen=True)
class Origin:
    """The density of a role that is written: a rule, and the roles that it reads."""

    rule: Rule
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tally:
    """`count[column]` is the number of cells of a role's box that are not zero."""

    column: int
    role: str


@dataclass(frozen=True)
class DataCounts:
    """What depends on the data of one instruction.

    Attributes:
        events: the role whose ones are events, "" for none.
        products: the role whose cells are multiplied, and that of the mask of results; or none.
        tallies: counts of cells that are not zero, of written or read roles.
        writes: the densities of the roles written; those not named are full.
    """

    events: str = ""
    products: tuple[str, str] | None = None
    tallies: tuple[Tally, ...] = ()
    writes: Mapping[str, Origin] = field(default_factory=dict[str, Origin])


READ_ROLES = frozenset({Rule.COPY, Rule.ANY, Rule.WINDOW, Rule.MEAN})
"""Rules that follow from roles."""
FULL = Origin(Rule.ONE)
NOTHING = DataCounts()
_MOVED = DataCounts(writes={"target": Origin(Rule.COPY, ("source",))})
_GRADIENT = DataCounts(
    tallies=(Tally(NONZERO, "gradient"),),
    writes={"gradient": Origin(Rule.LAYER_GRADIENTS)},
)
_UPDATE = DataCounts(tallies=(Tally(NONZERO, "gradient"),))

DATA_COUNTS: dict[str, DataCounts] = {
    "load": _MOVED,
    "load_update": _MOVED,
    "store": _MOVED,
    "store_update": _MOVED,
    "clear": DataCounts(writes={"target": Origin(Rule.ZERO)}),
    "clear_update": DataCounts(writes={"target": Origin(Rule.ZERO)}),
    "accumulate": DataCounts(events="spikes"),
    "fire": DataCounts(
        tallies=(Tally(SPIKES, "spikes"), Tally(MASKED, "mask")),
        writes={"spikes": Origin(Rule.LAYER_SPIKES), "mask": Origin(Rule.LAYER_MASK)},
    ),
    "fire_again": DataCounts(
        tallies=(Tally(MASKED, "mask"),),
        writes={"spikes": Origin(Rule.LAYER_SPIKES), "mask": Origin(Rule.LAYER_MASK)},
    ),
    "add": DataCounts(writes={"sum": Origin(Rule.ANY, ("left", "right"))}),
    "pool_max": DataCounts(writes={"pooled": Origin(Rule.WINDOW, ("values",))}),
    "flatten": DataCounts(writes={"flat": Origin(Rule.COPY, ("image",))}),
    "unflatten": DataCounts(writes={"image": Origin(Rule.COPY, ("flat",))}),
    "concatenate": DataCounts(writes={"joined": Origin(Rule.MEAN, ("left", "right"))}),
    "split": DataCounts(
        writes={
            "left_gradient": Origin(Rule.COPY, ("gradient",)),
            "right_gradient": Origin(Rule.COPY, ("gradient",)),
        }
    ),
    "fire_gradient": _GRADIENT,
    "integrate_gradient": _GRADIENT,
    "backpropagate": DataCounts(products=("gradient", "mask")),
    "lookup": DataCounts(events="spikes"),
    "correlate_spikes": DataCounts(events="spikes"),
    "correlate_tables": DataCounts(events="spikes"),
    "sgd": _UPDATE,
    "adam": _UPDATE,
}
"""Instructions that are not listed count nothing that depends on data, and write full boxes."""

MAX_TALLIES = max(len(counts.tallies) for counts in DATA_COUNTS.values())
