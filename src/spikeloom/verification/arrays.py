"""Arrays of the evaluators, and the frame in which an operation of a training step runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import Operation, SSAValue

from spikeloom.dialects.bptt_scan import ScanOp

Array = NDArray[Any]
"""Numbers or bits; bits are 0 and 1 in the evaluator's own precision."""

Precision = type[np.float32] | type[np.float64]
"""Single precision is the machine's; double shows what rounding does."""


@dataclass
class Closeness:
    """How close potentials came to where a comparison decides; and the potentials themselves.

    Attributes:
        decisions: by operation, the potentials of every turn, with the neuron's comparisons.
    """

    decisions: dict[Operation, list[tuple[Array, tuple[float, ...]]]] = field(default_factory=dict)

    def note(self, op: Operation, potential: Array, edges: tuple[float, ...]) -> None:
        """Keeps potentials that are compared with `edges`."""
        self.decisions.setdefault(op, []).append((potential, edges))


@dataclass
class Frame:
    """What an operation of `bptt` can see.

    Attributes:
        precision: what is computed in.
        steps: of the whole sequence.
        batch: samples.
        parameters: in the language's shapes, in this precision.
        now: values known so far; inside of a scan those of the running turn.
        time: the running turn of a scan, None outside.
    """

    precision: Precision
    steps: int
    batch: int
    parameters: Mapping[str, Array]
    closeness: Closeness
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
