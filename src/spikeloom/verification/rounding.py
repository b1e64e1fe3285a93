"""What rounding to single precision can do to the values of a training step.

The step is executed in double precision, and again with every real number that it computes moved
by up to one unit of single precision, at random; how far its values move shows what rounding can
do to them, also where terms cancel (Vignes, "A stochastic arithmetic for reliable scientific
computation", 1993). Potentials are left alone: spikes are compared exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from xdsl.dialects.builtin import f32
from xdsl.ir import Operation

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt_neurons import FireOp
from spikeloom.dialects.bptt_scan import ScanOp
from spikeloom.verification.arrays import Frame
from spikeloom.verification.meaning import Meaning, ValueName
from spikeloom.verification.step_evaluator import Observer

UNIT = 2.0**-23
DISTURBANCES = 3
"""Disturbed executions; each is one more sample of what rounding may do."""


def disturbance(seed: int) -> Observer:
    """Moves what every operation computes by up to one unit of single precision."""
    random = np.random.default_rng([13, seed])

    def disturb(op: Operation, frame: Frame) -> None:
        if isinstance(op, FireOp | ScanOp):
            return
        for result in op.results:
            if bptt.tensor_of(result).element_type == f32:
                array = frame.now[result]
                frame.now[result] = array * (1.0 + UNIT * random.uniform(-1.0, 1.0, array.shape))

    return disturb


def rounding_of(
    single: Meaning, precise: Meaning, disturbed: Callable[[Observer], Meaning]
) -> Mapping[ValueName, float]:
    """By value, the largest difference that rounding is seen to make to any of its numbers.

    Args:
        single: what the step computes in single precision.
        precise: the same in double precision.
        disturbed: executes it in double precision with an observer.
    """
    moved = (disturbed(disturbance(seed)) for seed in range(DISTURBANCES))
    # A spike that a disturbance makes or unmakes is no rounding of what follows from it.
    others = [single, *(other for other in moved if _same_spikes(other, precise))]
    return {
        name: max(float(np.abs(o.values[name] - exact).max(initial=0.0)) for o in others)
        for name, exact in precise.values.items()
    }


def _same_spikes(left: Meaning, right: Meaning) -> bool:
    spikes = [name for name in right.values if name[0] == "spikes"]
    return all(np.array_equal(left.values[name], right.values[name]) for name in spikes)
