"""`analyze-sparsity`: how many cells of every value of a training step can be other than zero.

Writes into the IR what it finds: sound bounds on the density of every result, which hold for
all parameters; which share of its cells anything depends on; and what is expected: what a run
measured, what is declared, or what the program's own data are on average.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from spikeloom.diagnostics import did_you_mean, error
from spikeloom.dialects import bptt
from spikeloom.dialects.activity_profile import ActivityProfile
from spikeloom.dialects.bptt.density import (
    CARRIED_DENSITY,
    DEMAND,
    DENSITY,
    INPUT_DENSITY,
    Densities,
    DensityAttr,
    densities_attribute,
    density_of,
)
from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.dialects.declared_shares import DeclaredShares, parse_shares
from spikeloom.passes.sparsity.demand_analysis import DemandAnalysis
from spikeloom.passes.sparsity.density_analysis import DensityAnalysis
from spikeloom.passes.sparsity.density_lattice import Density, density, rounded_down, rounded_up
from spikeloom.passes.sparsity.density_profile import (
    ANOTHER,
    Measured,
    declared_densities,
    measured_densities,
    outside_bounds,
    read_profile,
    refused,
)
from spikeloom.passes.sparsity.expected_density import expected_demands, expected_densities


@dataclass(frozen=True)
class AnalyzeSparsityPass(ModulePass):
    """Annotates every operation of every `bptt.step` with the densities of its results.

    Options: `input` is an upper bound on the density of the steps' input, as is the attribute
    `input_density` that a step may already have. The expected densities are those that a run
    measured, where `profile` is its JSON result, or those that `density` declares for all layers
    alike (`spikes=.17,mask=.36,gradients=.5`, or some of these); of the input also what the step's
    attribute expects, if neither says anything of it.

    Raises:
        DiagnosticError: `input` is no share or `density` not well written, or there are two sources
            of expectations (E0405); the profile cannot be read (E0401) or is not of this program
            (E0407).
    """

    name = "analyze-sparsity"

    input: float | int = 1.0
    profile: str | None = None
    density: str | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if not 0.0 <= self.input <= 1.0:
            message = f"analyze-sparsity{{input={self.input}}}: a density lies in [0, 1]"
            raise error("E0405", message)
        declared = self._declared()
        profile = None if self.profile is None else read_profile(self.profile)
        steps = [step for step in op.ops if isinstance(step, bptt.StepOp)]
        names = [step.sym_name.data for step in steps]
        if self.profile is not None and profile is not None and profile.network not in names:
            words = f"it is of the network `{profile.network}`, which is not here"
            help = did_you_mean(profile.network, names) if names else ANOTHER
            raise refused(self.profile, words, help, steps[0] if len(steps) == 1 else None)
        for step in steps:
            own = profile if profile and profile.network == step.sym_name.data else None
            self._annotate(step, own, declared)

    def _declared(self) -> DeclaredShares:
        if self.density is None:
            return DeclaredShares()
        option = f'analyze-sparsity{{density="{self.density}"}}'
        if self.profile is not None:
            message = f"{option}: a profile says what is expected already"
            raise error("E0405", message, help="give it either `profile` or `density`")
        return parse_shares(self.density, option)

    def _annotate(
        self, step: bptt.StepOp, profile: ActivityProfile | None, declared: DeclaredShares
    ) -> None:
        image = step.body.block.args[0]
        bounds = DensityAnalysis(step, self._input_density(step, image))
        demands = DemandAnalysis(step, bounds)
        known = declared_densities(declared, step)
        if profile is not None:
            known = self._measured(profile, step, bounds)
        own = density_of(image)
        if own is not None and own.measured is not None:
            known.setdefault(image, Fraction(own.measured))
        expected = expected_densities(step, known, bounds)
        expected_demand = expected_demands(step, expected)

        def found(value: SSAValue) -> DensityAttr:
            return _attribute(bounds[value], expected.get(value))

        def wanted(value: SSAValue) -> DensityAttr:
            return _attribute(demands[value], expected_demand.get(value))

        step.attributes[INPUT_DENSITY] = found(image)
        for op in step.body.walk():
            for name in (DENSITY, DEMAND, CARRIED_DENSITY):
                op.attributes.pop(name, None)
            if op.results:
                op.attributes[DENSITY] = _attributes(op.results, found)
                if any(demands[r].at_most < 1 or r in expected_demand for r in op.results):
                    op.attributes[DEMAND] = _attributes(op.results, wanted)
            if isinstance(op, ScanOp) and op.carried_arguments:
                op.attributes[CARRIED_DENSITY] = _attributes(op.carried_arguments, found)

    def _measured(
        self, profile: ActivityProfile, step: bptt.StepOp, bounds: DensityAnalysis
    ) -> Measured:
        assert self.profile is not None
        measured = measured_densities(profile, step, self.profile)
        for value, share in measured.items():
            if not bounds[value].at_least <= share <= bounds[value].at_most:
                limits = _attribute(bounds[value], None)
                raise outside_bounds(self.profile, value, share, limits.least, limits.most)
        return measured

    def _input_density(self, step: bptt.StepOp, image: SSAValue) -> Density:
        steps = step.steps.value.data
        known = density_of(image)
        if known is None:
            return density(steps, at_most=Fraction(self.input))
        if known.least > self.input:
            message = f"the input has a density of at least {known.least}, not of {self.input}"
            raise error("E0405", f"analyze-sparsity{{input={self.input}}}: {message}")
        most = min(Fraction(known.most), Fraction(self.input))
        return density(steps, Fraction(known.least), most)


def _attributes(values: Iterable[SSAValue], of: Callable[[SSAValue], DensityAttr]) -> Densities:
    return densities_attribute([of(value) for value in values])


def _attribute(bounds: Density, expected: Fraction | None) -> DensityAttr:
    least, most = rounded_down(bounds.at_least), rounded_up(bounds.at_most)
    if expected is None:
        return DensityAttr.get(least, most)
    # Measured densities lie inside already; what is declared or follows by estimate may not.
    return DensityAttr.get(least, most, min(max(least, float(expected)), most))
