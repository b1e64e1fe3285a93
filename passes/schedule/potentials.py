"""Potentials for the backward pass: stored by the forward pass, or computed again when needed.

`fire_gradient` needs the potential where the reset path is kept or the surrogate is not a
rectangle. Stored, it goes to DRAM and comes back: 8 bytes per cell, the most of all that a layer
keeps. Computed again, the layer fires a second time on its current, which is in DRAM anyway, tile
by tile in front of its gradient; spikes and mask need not come back either.

    stored      = 4 / store rate + 4 / load rate + bits / (8 x load rate)
    recomputed  = 4 / load rate + 1 / lanes of the neuron units

The potential is the same to the bit. Inside a scan the walk back has no state to fire from: there
potentials are always stored.
"""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.density import DEMAND, DENSITY
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp
from spikeloom.dialects.instruction_set import Engine
from spikeloom.dialects.schedule import mark_recomputed


def recomputing_is_cheaper(op: FireOp, rates: Mapping[str, int]) -> bool:
    """Whether firing again takes fewer cycles than storing and loading the potential.

    By cell, so that the answer does not depend on steps and batch.
    """
    load, store = rates[Engine.DMA.value], rates[Engine.DMA_STORE.value]
    bits = 1 / 8 if op.mask is None else 2 / 8
    stored = 4 / store + 4 / load + bits / load
    again = 4 / load + 1 / rates["nu_lanes"]
    return again < stored


def recomputable(op: FireOp) -> FireGradientOp | None:
    """The gradient for which a layer's potential can be computed again; None where it cannot."""
    if op.potential is None or op.previous_potential is not None or _in_scan(op):
        return None
    users = {use.operation for use in op.potential.uses}
    gradient = next(iter(users), None)
    return gradient if len(users) == 1 and isinstance(gradient, FireGradientOp) else None


def recompute(op: FireOp, gradient: FireGradientOp) -> None:
    """Fires again in front of `gradient`; the first time keeps only what others read.

    A mask that others read is kept the first time, and then not made again.
    """
    kept = op.mask is not None and any(use.operation is not gradient for use in op.mask.uses)
    first = _saving(op, mask=kept, potential=False)
    again = _saving(op, mask=op.mask is not None and not kept, potential=True)
    mark_recomputed(again)
    block, back = op.parent, gradient.parent
    assert block is not None
    assert back is not None
    block.insert_op_before(first, op)
    back.insert_op_before(again, gradient)
    for name in ("spikes", "mask", "potential"):
        old, now, later = (getattr(each, name) for each in (op, first, again))
        if old is None:
            continue
        for index, operand in enumerate(gradient.operands):
            if operand is old and later is not None:
                gradient.operands[index] = later
        if now is not None:
            now.name_hint = old.name_hint
            old.replace_all_uses_with(now)
    op.detach()
    op.erase()


def _saving(op: FireOp, *, mask: bool, potential: bool) -> FireOp:
    """The same layer, saving these."""
    new = FireOp(op.current, op.neuron, op.layer.data, save_mask=mask, save_potential=potential)
    new.location, new.attributes = op.location, dict(op.attributes)
    pairs = ((op.spikes, new.spikes), (op.mask, new.mask), (op.potential, new.potential))
    saved = [value for old, value in pairs if old is not None]
    for name in (DENSITY, DEMAND):
        found = new.attributes.get(name)
        if isa(found, ArrayAttr[Attribute]) and len(found) == len(saved):
            entries = [e for e, value in zip(found, saved, strict=True) if value is not None]
            new.attributes[name] = entries[0] if len(entries) == 1 else ArrayAttr(entries)
    return new


def _in_scan(op: FireOp) -> bool:
    return not isinstance(op.parent_op(), bptt.StepOp)
