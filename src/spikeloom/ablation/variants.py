"""What an ablation compares: pipelines that differ in the options of optimising passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from spikeloom.default_pipeline import PREPARATION, expansion_text

CHOSEN = "chosen"
ACCUMULATIONS = ("plain", "events", "tables", CHOSEN)
"""How spikes are accumulated, forward and in weight gradients: `fuse-luts{accumulate=...}`, or as
its cost model chooses for each layer and engine."""

SPARSITIES = ("none", "input", "output", "dual")
"""What the Backward Engine skips: `mask-gradients{skip=...}`."""

SCHEDULES = {
    "serial": "mode=serial tiles=largest",
    "pipelined": "mode=pipelined groups=off",
    "grouped": "mode=pipelined groups=auto",
}
"""Whether engines work side by side, and whether groups of samples follow one another through all
layers where that can be: options of `schedule-engines`. One instruction at a time, tiles need not
overlap and are as large as the memories allow."""


@dataclass(frozen=True)
class Variant:
    """One way to compile a program.

    Attributes:
        choices: the value of each switch, in the order of `SWITCHES`.
        passes: the optimising passes with their options, between cleaning up and lowering.
    """

    choices: tuple[str, ...]
    passes: str

    @property
    def name(self) -> str:
        """`tables, dual, pipelined`."""
        return ", ".join(self.choices)

    def pipeline(self, *, training: bool, steps: int, batch: int, analysis: str = "") -> str:
        """The whole pipeline of one stream, as `spikeloom-opt -p` takes it.

        `analysis` is `analyze-sparsity` of a profile, for the pass that chooses by densities.
        """
        expansion = expansion_text(training=training, steps=steps, batch=batch)
        before, fusion, after = self.passes.partition("fuse-luts")
        passes = f"{before}{analysis if fusion else ''}{fusion}{after}"
        return f"{PREPARATION.format(expand=expansion)},{passes},lower-to-engine"

    def with_single_groups(self) -> Variant:
        """The same with groups of one sample, whether or not they pay."""
        return replace(self, passes=self.passes.replace("groups=auto", "groups=1"))


SWITCHES = ("accumulation", "backward sparsity", "schedule")
"""What is switched, as columns of the table."""


def optimising_passes(accumulation: str, sparsity: str, schedule: str) -> str:
    """The passes of one choice."""
    fusion = "fuse-luts" if accumulation == CHOSEN else f"fuse-luts{{accumulate={accumulation}}}"
    mode = f"schedule-engines{{{SCHEDULES[schedule]}}}"
    return f"mask-gradients{{skip={sparsity}}},{fusion},{mode}"


def variant_of(accumulation: str, sparsity: str, schedule: str) -> Variant:
    """One choice of every switch."""
    choices = (accumulation, sparsity, schedule)
    return Variant(choices, optimising_passes(*choices))


def all_variants() -> Sequence[Variant]:
    """Every combination; the first has nothing switched on, the last everything."""
    return [variant_of(*choices) for choices in product(ACCUMULATIONS, SPARSITIES, SCHEDULES)]
