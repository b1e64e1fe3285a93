"""`mask-gradients`: the gradients of inputs are computed only where somebody reads them.

Gives every gradient of an input the mask of the one layer of neurons that reads it: the output
sparsity of the Backward Engine. Results are equal, cell by cell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.scan import ScanOp, step_of
from spikeloom.dialects.pool_kind import PoolKind
from spikeloom.dialects.skip import SKIP, Skip, SkipAttr
from spikeloom.passes.sparsity.gradient_masks import Mask, mask_of_readers

InputGradient = bptt.SynapseInputGradientOp | bptt.ConvolutionInputGradientOp


@dataclass(frozen=True)
class MaskGradientsPass(ModulePass):
    """Masks every gradient of an input that only one layer's rectangular surrogate reads.

    Options: `skip` says which work the Backward Engine leaves out: of gradients that are zero
    (`input`), of results that the mask says nobody reads (`output`), of both (`dual`) or none.
    Only `output` and `dual` use masks.
    """

    name = "mask-gradients"

    skip: Literal["dual", "input", "output", "none"] = "dual"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        skip = Skip(self.skip)
        for step in [step for step in op.ops if isinstance(step, bptt.StepOp)]:
            values = _MaskValues(step.body.block)
            for gradient in [o for o in step.walk() if isinstance(o, InputGradient)]:
                gradient.attributes[SKIP] = SkipAttr(skip)
                mask = None
                if skip.skips_output and (found := mask_of_readers(gradient.input_gradient)):
                    mask = values.value(found, gradient)
                gradient.operands = [gradient.gradient, *([] if mask is None else [mask])]


@dataclass
class _MaskValues:
    """The masks as values of the IR, each made once."""

    block: Block
    _made: dict[Mask, SSAValue] = field(default_factory=dict[Mask, SSAValue])

    def value(self, mask: Mask, reader: Operation) -> SSAValue | None:
        """The mask where `reader` stands; None where it is not known yet."""
        scan = reader.parent_op() if reader.parent is not self.block else None
        if not isinstance(scan, ScanOp | None) or (scan and scan.parent is not self.block):
            return None
        anchor = reader if scan is None else scan
        source = mask.source.owner
        if isinstance(source, Operation) and not source.is_before_in_block(anchor):
            return None
        if mask not in self._made:
            self._made[mask] = _written(mask, self.block, anchor)
        return self._made[mask] if scan is None else _step(scan, self._made[mask])


def _written(mask: Mask, block: Block, anchor: Operation) -> SSAValue:
    """The shifts and other shapes that a mask stands for, before `anchor`."""
    value = mask.source
    for _ in range(abs(mask.shift)):
        shift = bptt.AdvanceOp(value) if mask.shift > 0 else bptt.DelayOp(value)
        value = _insert(shift, block, anchor)
    for change in mask.changes:
        type = bptt.with_sample_shape(value.type, 2, change.shape)
        if change.window is not None:
            pool = bptt.PoolOp(value, PoolKind.MAX, change.window, type)
            value = _insert(pool, block, anchor)
        elif type != value.type:
            value = _insert(bptt.ReshapeOp(value, type), block, anchor)
    return value


def _insert(op: Operation, block: Block, anchor: Operation) -> SSAValue:
    op.location = anchor.location
    block.insert_op_before(op, anchor)
    return op.results[0]


def _step(scan: ScanOp, sequence: SSAValue) -> SSAValue:
    """One step of a sequence inside a scan, which walks over it from now on."""
    sequences = list(scan.sequences)
    if sequence in sequences:
        return scan.step_arguments[sequences.index(sequence)]
    argument = scan.body.block.insert_arg(step_of(sequence.type), len(sequences))
    scan.operands = [*sequences, sequence]
    return argument
