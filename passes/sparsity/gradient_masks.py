"""Which mask says where a gradient is read: from its readers back to whoever computes it.

The gradient of spikes goes into that of the potential only as a product with the surrogate's
derivative, whatever the reset:

    gu[t] = h(u[t]) * (gs[t] - reset path) + decay * dR/du * gu[t+1]

A rectangle is zero outside of its half width, which is what the saved mask says; other surrogates
save none. So where the mask is zero, gs is not read at all. On the way from the operation that
computes gs to the layer that reads it there may be sums, other shapes of a sample, pools,
shifts along time, and the borders of a scan: what a scan hands on to its next turn is read one
step later. The gradient of a pool's window is read where the mask is one anywhere in the window.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from xdsl.ir import Block, BlockArgument, Operation, SSAValue, Use

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp
from spikeloom.dialects.bptt.shapes import level_of
from spikeloom.dialects.window import WindowAttr


@dataclass(frozen=True)
class Change:
    """Another shape of a sample: of the same bits, or of the largest bit of every window."""

    shape: tuple[int, ...]
    window: WindowAttr | None = None


@dataclass(frozen=True)
class Mask:
    """Where a value is read: at step t, where `source` is one at step t + `shift`.

    Where that is no step of the source, the value is not read.

    Attributes:
        source: a whole sequence of bits, outside of all scans.
        changes: what is then done to every sample, in this order.
    """

    source: SSAValue
    shift: int = 0
    changes: tuple[Change, ...] = ()


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
                return _changed(self.readers(op.reshaped), value, op)
            case bptt.PoolGradientOp() as op if use.index == 0:
                return _changed(self.readers(op.value_gradient), value, op, op.window)
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


def _changed(
    mask: Mask | None, value: SSAValue, reader: Operation, window: WindowAttr | None = None
) -> Mask | None:
    """The mask of what `reader` makes of a value, as one of the value's own shape."""
    if mask is None:
        return None
    change = Change(bptt.tensor_of(value).get_shape()[level_of(reader) :], window)
    return replace(mask, changes=(*mask.changes, change))


def _sequence_mask(mask: SSAValue) -> Mask | None:
    """A mask at the level of the step; inside a scan, one that the scan walks over."""
    block = mask.owner if isinstance(mask, BlockArgument) else mask.owner.parent
    scan = block.parent_op() if isinstance(block, Block) else None
    if isinstance(scan, bptt.StepOp):
        return Mask(mask)
    if not (isinstance(scan, ScanOp) and isinstance(mask, BlockArgument)):
        return None
    if mask.index >= len(scan.sequences) or not isinstance(scan.parent_op(), bptt.StepOp):
        return None
    return Mask(scan.sequences[mask.index])
