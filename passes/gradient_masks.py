"""Which mask says where a gradient is read: from its readers back to whoever computes it.

The gradient of spikes goes into that of the potential only as a product with the surrogate's
derivative, whatever the reset:

    gu[t] = h(u[t]) * (gs[t] - reset path) + decay * dR/du * gu[t+1]

A rectangle is zero outside of its half width, which is what the saved mask says; other surrogates
save none. So where the mask is zero, gs is not read at all. On the way from the operation that
computes gs to the layer that reads it there may be sums, other shapes of a sample, shifts along
time, and the borders of a scan: what a scan hands on to its next turn is read one step later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from xdsl.ir import Block, BlockArgument, SSAValue, Use

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt_neurons import FireGradientOp
from spikeloom.dialects.bptt_scan import ScanOp, YieldOp
from spikeloom.dialects.bptt_shapes import level_of


@dataclass(frozen=True)
class Mask:
    """Where a value is read: at step t, where `source` is one at step t + `shift`.

    Where that is no step of the source, the value is not read.

    Attributes:
        source: a whole sequence of bits, outside of all scans.
        shape: the shape of a sample in which the bits are taken.
    """

    source: SSAValue
    shift: int
    shape: tuple[int, ...]


def mask_of_readers(value: SSAValue) -> Mask | None:
    """The mask that all readers of a gradient share; None where some reader needs more."""
    return _Walk().readers(value)


class _Walk:
    """One walk along the readers; a value that is handed on to itself in a circle ends it."""

    def __init__(self) -> None:
        self._visiting: set[SSAValue] = set()

    def readers(self, value: SSAValue) -> Mask | None:
        if value in self._visiting:
            return None
        self._visiting.add(value)
        found = {self._reader(value, use) for use in value.uses}
        self._visiting.discard(value)
        return found.pop() if len(found) == 1 else None

    def _reader(self, value: SSAValue, use: Use) -> Mask | None:
        match use.operation:
            case FireGradientOp(mask=SSAValue() as mask) as op if op.neuron.saves_mask:
                return _sequence_mask(mask) if use.index == 0 else None
            case bptt.AddOp() as op:
                return self.readers(op.sum)
            case bptt.ReshapeOp() as op:
                shape = bptt.tensor_of(value).get_shape()[level_of(op) :]
                found = self.readers(op.reshaped)
                return None if found is None else replace(found, shape=shape)
            case bptt.DelayOp() as op if not isinstance(op.parent_op(), ScanOp):
                return _moved(self.readers(op.shifted), 1)
            case bptt.AdvanceOp() as op if not isinstance(op.parent_op(), ScanOp):
                return _moved(self.readers(op.shifted), -1)
            case ScanOp() as op:
                return self.readers(op.step_arguments[use.index])
            case YieldOp() as op:
                return self._yielded(op, use.index)
            case _:
                return None

    def _yielded(self, op: YieldOp, index: int) -> Mask | None:
        scan = op.parent_op()
        assert isinstance(scan, ScanOp)
        if index >= len(op.carried):
            return self.readers(scan.collected[index - len(op.carried)])
        found = self.readers(scan.carried_arguments[index])
        return _moved(found, -1 if scan.is_backward else 1)


def _moved(mask: Mask | None, steps: int) -> Mask | None:
    return None if mask is None else replace(mask, shift=mask.shift + steps)


def _sequence_mask(mask: SSAValue) -> Mask | None:
    """A mask at the level of the step; inside a scan, one that the scan walks over."""
    block = mask.owner if isinstance(mask, BlockArgument) else mask.owner.parent
    scan = block.parent_op() if isinstance(block, Block) else None
    if isinstance(scan, bptt.StepOp):
        return Mask(mask, 0, bptt.tensor_of(mask).get_shape()[2:])
    if not (isinstance(scan, ScanOp) and isinstance(mask, BlockArgument)):
        return None
    if mask.index >= len(scan.sequences) or not isinstance(scan.parent_op(), bptt.StepOp):
        return None
    return Mask(scan.sequences[mask.index], 0, bptt.tensor_of(mask).get_shape()[1:])
