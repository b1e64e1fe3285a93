"""Which neurons of a scan continue from their own state, as they do outside of one."""

from __future__ import annotations

from xdsl.ir import BlockArgument, SSAValue

from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.bptt.scan import ScanOp
from spikeloom.dialects.neuron import Reset

Neuron = FireOp | FireGradientOp | IntegrateOp | IntegrateGradientOp


def continues_itself(op: Neuron) -> bool:
    """Whether every state that the operation reads is its own, handed on by the turn before.

    Then the operation computes, over all turns, what it would compute of whole sequences. Where
    there is no scan there is no state to read, and this holds.
    """
    scan = op.parent_op()
    if not isinstance(scan, ScanOp):
        return True
    backward = isinstance(op, FireGradientOp | IntegrateGradientOp)
    return scan.is_backward is backward and all(
        state is not None and _handed_on(scan, state) is own for state, own in _states(op)
    )


def _states(op: Neuron) -> list[tuple[SSAValue | None, SSAValue | None]]:
    """Each state with the result that it should be the past of."""
    match op:
        case FireOp():
            potential = (op.previous_potential, op.potential)
            if op.neuron.reset.data is Reset.NONE:
                return [potential]
            return [potential, (op.previous_spikes, op.spikes)]
        case FireGradientOp():
            return [(op.next_gradient, op.gradient)]
        case IntegrateOp() | IntegrateGradientOp():
            return [(op.state, op.result)]


def _handed_on(scan: ScanOp, state: SSAValue) -> SSAValue | None:
    """The value that the next turn sees as the carried value `state`; None if it is none."""
    if not (isinstance(state, BlockArgument) and state.owner is scan.body.block):
        return None
    position = state.index - len(scan.sequences)
    return scan.yielded.carried[position] if position >= 0 else None
