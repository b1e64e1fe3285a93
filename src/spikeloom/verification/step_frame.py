"""The frame in which an operation of a training step runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.verification.arrays import Array, Precision
from spikeloom.verification.decisions import Decider


@dataclass
class Frame:
    """What an operation of `bptt` can see.

    Attributes:
        precision: what is computed in.
        steps: of the whole sequence.
        batch: samples.
        parameters: in the language's shapes, in this precision.
        fire: decides about neurons.
        now: values known so far; inside of a scan those of the running turn.
        time: the running turn of a scan, None outside.
    """

    precision: Precision
    steps: int
    batch: int
    parameters: Mapping[str, Array]
    fire: Decider
    now: dict[SSAValue, Array] = field(default_factory=dict)
    time: int | None = None

    def __getitem__(self, value: SSAValue) -> Array:
        return self.now[value]

    def parameter(self, symbol: SymbolRefAttr) -> Array:
        """The parameter that an operation names."""
        return self.parameters[symbol.root_reference.data]

    def constant(self, number: float) -> Any:
        """A constant as the machine holds it, in single precision."""
        return self.precision(np.float32(number))

    def real(self, array: Array) -> Array:
        """The array in the frame's precision."""
        return np.asarray(array, self.precision)


def is_in_scan(op: Operation) -> bool:
    """Whether the operation sees one step of each value."""
    return isinstance(op.parent_op(), ScanOp)


Rule = Callable[[Any, Frame], tuple[Array, ...]]
"""The results of an operation of one kind."""
