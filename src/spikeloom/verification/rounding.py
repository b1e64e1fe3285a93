"""What rounding to single precision can do to the values of a training step.

The step is executed in double precision, and again with every real number that it computes moved
by up to one unit of single precision, at random; how far its values move shows what rounding can
do to them, also where terms cancel (Vignes, "A stochastic arithmetic for reliable scientific
computation", 1993). Neurons decide in all of them as in single precision. Where rounding decides
about masks, one more execution decides all of these the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from xdsl.dialects.builtin import f32
from xdsl.ir import Operation

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireOp
from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.verification.meaning import Meaning, ValueName
from spikeloom.verification.step_evaluator import Observer
from spikeloom.verification.step_frame import Frame

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


def rounding_of(precise: Meaning, others: Iterable[Meaning]) -> Mapping[ValueName, float]:
    """By value, the largest difference that rounding is seen to make to any of its numbers.

    Args:
        precise: what the step computes in double precision.
        others: what it computes in single precision and disturbed, with the same spikes; each is
            looked at once and let go.
    """
    most = dict.fromkeys(precise.values, 0.0)
    for other in others:
        for name, exact in precise.values.items():
            moved = np.abs(other.values[name] - exact).max(initial=0.0)
            most[name] = max(most[name], float(moved))
    return most
