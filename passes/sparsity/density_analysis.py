"""Bounds on the density of every value of a training step: dataflow along its operations.

Inside a scan a value is taken over all turns, so that what a scan carries is what it hands on,
delayed by a turn. The densities of carried values are a fixpoint: found upwards from zero, which
is what the first turn sees, with a jump to the top where they keep rising, then sharpened
downwards. A fixpoint bounds the scan's values because a turn depends on earlier turns only: start
from any sequences that it stands for, and each application of the body, which leaves them inside
of it, makes one more turn exact.

The backward pass is part of the same step, so the gradients' densities come with the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.ir import Block, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp
from spikeloom.passes.sparsity.density_lattice import (
    Density,
    advanced,
    at_every_step,
    delayed,
    density,
    join,
    zero,
)
from spikeloom.passes.sparsity.density_rules import result_densities
from spikeloom.passes.sparsity.density_sums import Extent

PATIENCE = 8
"""Rounds over a scan's body before what still rises is given up."""

SHARPENING = 3
"""Rounds downwards from there."""


class DensityAnalysis:
    """The densities of one step's values, given that of its input."""

    def __init__(self, step: bptt.StepOp, input: Density):
        self.extent = Extent(step.steps.value.data, step.batch.value.data)
        self._known: dict[SSAValue, Density] = {}
        for argument in step.body.block.args:
            self._known[argument] = density(1)
        self._known[step.body.block.args[0]] = input
        self._visit(step.body.block)

    def __getitem__(self, value: SSAValue) -> Density:
        return self._known[value]

    def _visit(self, block: Block) -> None:
        for op in block.ops:
            if isinstance(op, ScanOp):
                if isinstance(op.parent_op(), ScanOp):
                    self._forget(op)
                else:
                    self._scan(op)
            elif not isinstance(op, YieldOp):
                found = result_densities(op, self._known.__getitem__, self.extent)
                self._known.update(zip(op.results, found, strict=True))

    def _scan(self, scan: ScanOp) -> None:
        steps = self.extent.steps
        for argument, value in zip(scan.step_arguments, scan.sequences, strict=True):
            self._known[argument] = at_every_step(self._known[value], steps)
        shift = advanced if scan.is_backward else delayed

        def turn(carried: Sequence[Density]) -> list[Density]:
            self._known.update(zip(scan.carried_arguments, carried, strict=True))
            self._visit(scan.body.block)
            return [shift(at_every_step(self._known[v], steps)) for v in scan.yielded.carried]

        turn(fixpoint(turn, [zero(steps) for _ in scan.carried_arguments], density(steps)))
        for result, value in zip(scan.collected, scan.yielded.collected, strict=True):
            self._known[result] = at_every_step(self._known[value], steps)

    def _forget(self, scan: ScanOp) -> None:
        """A scan inside a scan, which no pass makes: its turns are no steps of the step."""
        for op in scan.walk():
            inner = (argument for region in op.regions for argument in region.block.args)
            for value in (*inner, *op.results):
                self._known[value] = density(self.extent.steps)


def fixpoint(
    step: Callable[[Sequence[Density]], Sequence[Density]],
    bottom: Sequence[Density],
    top: Density,
) -> Sequence[Density]:
    """Densities that include what `step`, a monotone function, makes of them.

    The number of rounds depends on `PATIENCE`, `SHARPENING` and the number of values alone.
    """
    state = list(bottom)
    rounds = 0
    while True:
        found = step(state)
        if all(old.includes(new) for old, new in zip(state, found, strict=True)):
            break
        rounds += 1
        state = [
            old if old.includes(new) else top if rounds > PATIENCE else join(old, new)
            for old, new in zip(state, found, strict=True)
        ]
    for _ in range(SHARPENING):
        state = list(step(state))
    return state
