"""The `snn.interface` of a training step: what its program will not say any more."""

from __future__ import annotations

from xdsl.dialects.builtin import DYNAMIC_INDEX, FunctionType, TensorType
from xdsl.ir import Attribute, Block, Region, SSAValue

from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireOp, IntegrateOp
from spikeloom.dialects.snn.interface import InterfaceOp, NeuronsOp


def interface_of(step: bptt.StepOp) -> InterfaceOp | None:
    """The interface of the network that a step runs; None where it reads no output out.

    Parameters keep their order, from which their random starts follow.
    """
    readout = next((op for op in step.body.block.ops if isinstance(op, bptt.ReadoutOp)), None)
    if readout is None:
        return None
    block = Block()
    for parameter in step.parameters().values():
        copy = parameter.clone()
        copy.location = parameter.location
        block.add_op(copy)
    layers: dict[str, FireOp | IntegrateOp] = {}
    for op in step.walk():
        if isinstance(op, FireOp | IntegrateOp):
            layers.setdefault(op.layer.data, op)
    for name, op in layers.items():
        neurons = NeuronsOp(name, _sample(op.results[0]))
        neurons.location = op.location
        block.add_op(neurons)
    image = step.body.block.args[0]
    types = FunctionType.from_lists([_sample(image)], [_sample(readout.output)])
    interface = InterfaceOp(step.sym_name.data, types, Region(block))
    interface.location = step.location
    return interface


def _sample(value: SSAValue) -> TensorType[Attribute]:
    """The type of one sample at one step; time and batch are the open dimensions in front."""
    tensor = bptt.tensor_of(value)
    shape = [extent for extent in tensor.get_shape() if extent != DYNAMIC_INDEX]
    return TensorType(tensor.element_type, shape)
