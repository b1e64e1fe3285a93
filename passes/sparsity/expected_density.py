"""From the measured densities of a profile to those of the values that follow from them.

What copies cells hands a measurement on: another shape, a scan's steps and collected values, a
shift along time (as if every step that may hold something held as much). A concatenation has the
mean of its parts, and a part as much as the whole. A maximum of spikes is one unless its whole
window is silent, whose cells are taken to be independent, as counting mode takes them. Nothing is
guessed of sums and currents.

Against the order, a measured mask says how much of the gradient of spikes is wanted, which is the
output sparsity of the Backward Engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from xdsl.dialects.builtin import i1
from xdsl.ir import Block, BlockArgument, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp
from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.passes.sparsity.density_analysis import DensityAnalysis
from spikeloom.passes.sparsity.density_lattice import Density
from spikeloom.passes.sparsity.density_sums import units_of


def expected_densities(
    step: bptt.StepOp, measured: Mapping[SSAValue, Fraction], bounds: DensityAnalysis
) -> dict[SSAValue, Fraction]:
    """The measured densities and those that follow from them, by value."""
    spread = _Spread(dict(measured), bounds)
    spread.visit(step.body.block)
    return spread.expected


def expected_demands(
    step: bptt.StepOp, expected: Mapping[SSAValue, Fraction]
) -> dict[SSAValue, Fraction]:
    """The share of cells that is wanted of values that only a measured mask reads.

    Such a value goes, alone or as a term of sums, into the gradient of one layer with a
    rectangular surrogate: it is wanted where the mask is one.
    """
    demands: dict[SSAValue, Fraction] = {}
    for op in reversed(list(step.body.walk())):
        match op:
            case FireGradientOp(mask=SSAValue() as mask) if op.neuron.saves_mask:
                if mask in expected:
                    _want(op.spike_gradient, expected[mask], demands)
            case bptt.AddOp() if op.sum in demands:
                for term in dict.fromkeys(op.operands):
                    _want(term, demands[op.sum], demands)
            case bptt.ReshapeOp() if op.reshaped in demands:
                _want(op.value, demands[op.reshaped], demands)
            case _:
                pass
    return demands


def _want(value: SSAValue, share: Fraction, demands: dict[SSAValue, Fraction]) -> None:
    """Hands a demand on to what makes the value, as long as nothing else reads it."""
    while value.has_one_use():
        demands[value] = share
        scan = value.owner.parent_op() if isinstance(value, BlockArgument) else None
        if not (isinstance(value, BlockArgument) and isinstance(scan, ScanOp)):
            return
        value = [*scan.sequences, *scan.yielded.carried][value.index]


class _Spread:
    def __init__(self, expected: dict[SSAValue, Fraction], bounds: DensityAnalysis):
        self.expected = expected
        self._bounds = bounds

    def visit(self, block: Block) -> None:
        for op in block.ops:
            match op:
                case bptt.ReshapeOp():
                    self._copy(op.value, op.reshaped)
                case bptt.SliceOp():
                    self._copy(op.value, op.part)
                case bptt.ConcatenateOp():
                    self._join(op)
                case bptt.PoolOp():
                    self._pool(op)
                case bptt.DelayOp() | bptt.AdvanceOp() if isinstance(op.parent_op(), ScanOp):
                    pass
                case bptt.DelayOp():
                    self._shift(op.value, op.shifted, self._bounds[op.value].trailing)
                case bptt.AdvanceOp():
                    self._shift(op.value, op.shifted, self._bounds[op.value].leading)
                case ScanOp():
                    self._scan(op)
                case _:
                    pass

    def _copy(self, source: SSAValue, target: SSAValue) -> None:
        if (found := self.expected.get(source)) is not None:
            self.expected.setdefault(target, found)

    def _join(self, op: bptt.ConcatenateOp) -> None:
        left, right = self.expected.get(op.left), self.expected.get(op.right)
        if left is not None and right is not None:
            ones = units_of(op.left) * left + units_of(op.right) * right
            self.expected.setdefault(op.joined, ones / units_of(op.joined))

    def _pool(self, op: bptt.PoolOp) -> None:
        found = self.expected.get(op.value)
        if found is not None and bptt.tensor_of(op.pooled).element_type == i1:
            kernel, _, _ = op.window.sizes
            silent = (1.0 - float(found)) ** (kernel * kernel)
            self.expected.setdefault(op.pooled, Fraction(1.0 - silent))

    def _shift(self, source: SSAValue, target: SSAValue, silent: int) -> None:
        """One step is lost, unless it is one of the `silent` ones."""
        if (found := self.expected.get(source)) is not None:
            self.expected.setdefault(target, found * _kept(self._bounds[source], silent))

    def _scan(self, scan: ScanOp) -> None:
        for source, argument in zip(scan.sequences, scan.step_arguments, strict=True):
            self._copy(source, argument)
        self.visit(scan.body.block)
        for source, argument in zip(scan.yielded.carried, scan.carried_arguments, strict=True):
            known = self._bounds[source]
            silent = known.leading if scan.is_backward else known.trailing
            self._shift(source, argument, silent)
        for source, result in zip(scan.yielded.collected, scan.collected, strict=True):
            self._copy(source, result)


def _kept(value: Density, silent: int) -> Fraction:
    """The share of a value's non-zero cells that a shift by one step keeps."""
    if silent or value.is_zero:
        return Fraction(1)
    return Fraction(value.active - 1, value.active)
