"""Which share of a value's cells anything depends on: dataflow against the operations' order.

What counts are reported values and updated parameters. A cell that no such value depends on need
not be computed: the gradient of spikes where the surrogate has no derivative (the output sparsity
of the Backward Engine), a gradient at a step at which its synapses' input is silent.

In a scan the demands of carried values start from the top and are sharpened downwards, which
over-estimates them after every round.
"""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.ir import Block, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp
from spikeloom.passes.sparsity.demand_rules import demands_of_operands
from spikeloom.passes.sparsity.density_analysis import DensityAnalysis
from spikeloom.passes.sparsity.density_lattice import (
    Density,
    advanced,
    delayed,
    density,
    either,
    possibly,
    zero,
)

ROUNDS = 4
"""How often a scan's body is visited."""


class DemandAnalysis:
    """The demands on one step's values, given the bounds on their densities."""

    def __init__(self, step: bptt.StepOp, bounds: DensityAnalysis):
        self._bounds = bounds
        self._steps = bounds.extent.steps
        self._demands: dict[SSAValue, Density] = {}
        self._visit(step.body.block)

    def __getitem__(self, value: SSAValue) -> Density:
        found = self._demands.get(value)
        return zero(self._bounds[value].steps) if found is None else found

    def _add(self, value: SSAValue, demand: Density) -> None:
        steps = self._bounds[value].steps
        if demand.steps != steps:
            demand = zero(steps) if demand.is_zero else density(steps)
        self._demands[value] = either(self[value], demand)

    def _visit(self, block: Block) -> None:
        for op in reversed(list(block.ops)):
            if isinstance(op, ScanOp):
                self._scan(op)
            elif not isinstance(op, YieldOp):
                own = demands_of_operands(op, self.__getitem__, self._bounds)
                for value, demand in own.operands:
                    self._add(value, demand)
                for value, demand in own.states:
                    self._demands[value] = demand

    def _scan(self, scan: ScanOp) -> None:
        if isinstance(scan.parent_op(), ScanOp):
            self._want_all(scan)
            return
        before = dict(self._demands)
        carried = [density(self._steps) for _ in scan.carried_arguments]
        # A turn hands on to the next what that one wants at its own step.
        back = delayed if scan.is_backward else advanced
        for _ in range(ROUNDS):
            self._demands = dict(before)
            for value, wanted in zip(scan.yielded.carried, carried, strict=True):
                self._add(value, possibly(back(wanted)))
            for value, result in zip(scan.yielded.collected, scan.collected, strict=True):
                self._add(value, self[result])
            self._visit(scan.body.block)
            carried = [self[argument] for argument in scan.carried_arguments]
        for value, argument in zip(scan.sequences, scan.step_arguments, strict=True):
            self._add(value, self[argument])

    def _want_all(self, scan: ScanOp) -> None:
        """Of a scan inside a scan nothing is known: it wants whatever it names."""
        for op in scan.walk():
            for value in self._named(op.operands):
                self._add(value, density(self._bounds[value].steps))

    def _named(self, values: Iterable[SSAValue]) -> Iterable[SSAValue]:
        return dict.fromkeys(values)
