"""The order of a training step's operations: weight updates trail the gradients' way back.

Queues are in order, and the stores of all engines share one. A weight gradient takes long; where
its store stands before those of the next layer's input gradient, the Backward Engine waits for it.
So what only updates parameters moves behind the next gradient that flows on:

    input gradient 3 | input gradient 2, weight gradient 3 | input gradient 1, update 3,
    weight gradient 2 | ...

The Weight Update Engine works beside the Backward Engine, one layer behind, and the optimizer one
more. What is left behind the last gradient that flows on is the *tail*. Values do not change: only
operations that do not depend on each other change places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import Block, Operation

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.scan import ScanOp


def is_update(op: Operation) -> bool:
    """Whether an operation updates a parameter, or computes its gradient and nothing else."""
    return isinstance(op, bptt.OptimizeOp) or is_parameter_gradient(op)


def is_parameter_gradient(op: Operation) -> bool:
    """Whether an optimizer, and nothing else that computes, reads an operation's results."""
    users = [use.operation for result in op.results for use in result.uses]
    if not all(isinstance(user, bptt.OptimizeOp | bptt.ReportOp) for user in users):
        return False
    return any(isinstance(user, bptt.OptimizeOp) for user in users)


def let_updates_trail(block: Block) -> list[Operation]:
    """Moves parameter gradients and optimizers of a step's block behind what they hold up.

    Returns the tail: the updates behind which nothing but updates follows.
    """
    ordered = list(_Trail(list(block.ops)).ordered())
    for op in ordered:
        op.detach()
    block.add_ops(ordered)
    tail: list[Operation] = []
    for op in reversed(ordered):
        if is_update(op):
            tail.append(op)
        elif not isinstance(op, bptt.ReportOp):
            break
    return tail[::-1]


class _Trail:
    """The operations of one block; `waiting` gradients are computed, `due` updates made later."""

    def __init__(self, ops: Sequence[Operation]):
        self._ops = ops
        self._waiting: list[Operation] = []
        self._due: list[bptt.OptimizeOp] = []
        self._last_reader = {
            symbol: position
            for position, op in enumerate(ops)
            if not isinstance(op, bptt.OptimizeOp)
            for symbol in _symbols(op)
        }

    def ordered(self) -> Iterator[Operation]:
        """All operations in their new order; optimizers without a gradient here come last."""
        done: set[Operation] = set()
        late = [op for op in self._ops if isinstance(op, bptt.OptimizeOp | bptt.ReportOp)]
        for position, op in enumerate(self._ops):
            if is_parameter_gradient(op):
                self._waiting.append(op)
            elif not isinstance(op, bptt.OptimizeOp | bptt.ReportOp):
                yield op
                if _flows_on(op):
                    for released in self._release(position):
                        done.add(released)
                        yield released
        yield from self._waiting
        yield from (op for op in late if op not in done)

    def _release(self, position: int) -> Iterator[Operation]:
        """The parameter gradients of the layer before, then the updates of the one before that."""
        ready = [u for u in self._due if self._last_reader.get(u.parameter, -1) <= position]
        self._due = [update for update in self._due if update not in ready]
        for gradient in self._waiting:
            users = [use.operation for result in gradient.results for use in result.uses]
            self._due += [user for user in users if isinstance(user, bptt.OptimizeOp)]
        yield from self._waiting
        yield from ready
        self._waiting = []


def _flows_on(op: Operation) -> bool:
    """Whether an operation takes a gradient from one layer to the one before."""
    backward = isinstance(op, ScanOp) and op.is_backward
    return backward or isinstance(op, bptt.SynapseInputGradientOp | bptt.ConvolutionInputGradientOp)


def _symbols(op: Operation) -> set[SymbolRefAttr]:
    """The parameters that an operation, or one inside of it, refers to."""
    found: set[SymbolRefAttr] = set()
    for inner in op.walk():
        values = (*inner.properties.values(), *inner.attributes.values())
        found |= {value for value in values if isinstance(value, SymbolRefAttr)}
    return found
