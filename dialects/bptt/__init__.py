"""The `bptt` dialect: one training step as explicit mathematics (design.md section 3).

A value is a whole sequence, `tensor<?x?x128xi1>`: time, batch, and the shape of a sample. The
lengths of time and batch stand once, on `bptt.step`, so that the text is the same for all of
them. Where `previous` closes a cycle, `bptt.scan` walks over time; inside it a value is one step,
`tensor<?x128xi1>`.

Forward and backward, weight gradients and updates are all visible. What the backward pass needs
of the forward pass is what its operations name: `bptt.fire` yields a mask or a potential only
where some gradient reads it.
"""

from __future__ import annotations

from xdsl.dialects.builtin import (
    StringAttr,
    SymbolNameConstraint,
    SymbolRefAttr,
)
from xdsl.ir import (
    Block,
    Dialect,
    Region,
    SSAValue,
)
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import IsolatedFromAbove, NoTerminator, SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.accumulation import AccumulationAttr, WayAttr
from spikeloom.dialects.bptt.density import DensityAttr
from spikeloom.dialects.bptt.images import (
    ConvolutionInputGradientOp,
    ConvolutionOp,
    ConvolutionWeightGradientOp,
)
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.bptt.normalization import (
    MomentsOp,
    NormalizeOp,
    UpdateRunningOp,
)
from spikeloom.dialects.bptt.normalization_gradients import NormalizeGradientOp, ScaleGradientOp
from spikeloom.dialects.bptt.objective import (
    LABELS,
    LossOp,
    OptimizeOp,
    ReadoutAttr,
    ReadoutGradientOp,
    ReadoutKind,
    ReadoutOp,
    ReportOp,
)
from spikeloom.dialects.bptt.pools import PoolGradientOp, PoolOp
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp
from spikeloom.dialects.bptt.sequences import (
    AddOp,
    AdvanceOp,
    ConcatenateOp,
    DelayOp,
    ReshapeOp,
    SliceOp,
)
from spikeloom.dialects.bptt.shapes import SEQUENCE, STEP_PARAMETERS, sample_shape
from spikeloom.dialects.bptt.synapses import (
    BiasGradientOp,
    SynapseInputGradientOp,
    SynapseOp,
    SynapseWeightGradientOp,
)
from spikeloom.dialects.bptt.types import (
    VALUE,
    Tensor,
    channel_count,
    real_like,
    sample_type,
    sequence_type,
    tensor_of,
    unit_count,
    with_sample_shape,
)
from spikeloom.dialects.locations import parse_located_argument
from spikeloom.dialects.number_text import Count, count, parse_count
from spikeloom.dialects.pool_kind import PoolKind
from spikeloom.dialects.skip import SkipAttr
from spikeloom.dialects.snn import MAX_COUNT
from spikeloom.dialects.snn.parameter import ParameterOp


@irdl_op_definition
class StepOp(IRDLOperation):
    """One pass over one batch: forward, and for training also backward and update.

    ```mlir
    bptt.step @digits steps 16 batch 64 (%image: tensor<?x?x64xi1>, %label: tensor<?xi32>) { ... }
    ```
    """

    name = "bptt.step"

    sym_name = prop_def(SymbolNameConstraint())
    steps = prop_def(Count)
    batch = prop_def(Count)
    body = region_def("single_block")

    traits = traits_def(SymbolOpInterface(), SymbolTable(), IsolatedFromAbove(), NoTerminator())

    def __init__(self, name: str, steps: int, batch: int, body: Region):
        super().__init__(
            properties={"sym_name": StringAttr(name), "steps": count(steps), "batch": count(batch)},
            regions=[body],
        )

    def parameters(self) -> dict[str, ParameterOp]:
        """All parameters by name, in the order in which they are declared."""
        return STEP_PARAMETERS.of(self)

    def verify(self, verify_nested_ops: bool = True) -> None:
        """As every operation is verified."""
        with STEP_PARAMETERS.remembered(self):
            super().verify(verify_nested_ops)

    def verify_(self) -> None:
        for name, value in (("steps", self.steps), ("batch", self.batch)):
            if not 1 <= value.value.data <= MAX_COUNT:
                raise VerifyException(
                    f"{name} must lie in [1, {MAX_COUNT}], got {value.value.data}"
                )
        arguments = self.body.block.args
        if len(arguments) not in (1, 2):
            raise VerifyException("a step takes the input and, for a loss, the labels")
        if not VALUE.verifies(arguments[0].type):
            raise VerifyException(f"the input is a tensor of i1 or f32, got {arguments[0].type}")
        sample_shape(arguments[0].type, SEQUENCE, "the input")
        if len(arguments) == 2 and arguments[1].type != LABELS:
            raise VerifyException(f"labels are a {LABELS}, got {arguments[1].type}")
        for parameter in self.parameters().values():
            shape = parameter.type.get_shape()
            if len(shape) not in (1, 2, 4) or min(shape) < 1:
                raise VerifyException(
                    "a parameter of a step is [out], [out, in] or [out, in, height, width], "
                    f"got {parameter.type}"
                )
        updated: set[SymbolRefAttr] = set()
        for op in self.body.block.ops:
            if isinstance(op, OptimizeOp | UpdateRunningOp):
                if op.parameter in updated:
                    raise VerifyException(f"{op.parameter} is updated more than once")
                updated.add(op.parameter)
        _verify_order(self.body.block, set())

    @classmethod
    def parse(cls, parser: Parser) -> StepOp:
        name = parser.parse_symbol_name().data
        parser.parse_keyword("steps")
        steps = parse_count(parser).value.data
        parser.parse_keyword("batch")
        batch = parse_count(parser).value.data
        arguments = parser.parse_comma_separated_list(
            parser.Delimiter.PAREN, lambda: parse_located_argument(parser)
        )
        attributes = parser.parse_optional_attr_dict_with_keyword()
        op = cls(name, steps, batch, parser.parse_region(arguments))
        if attributes is not None:
            op.attributes = dict(attributes.data)
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(f" steps {self.steps.value.data} batch {self.batch.value.data} (")
        printer.print_list(self.body.block.args, printer.print_block_argument)
        printer.print_string(")")
        printer.print_op_attributes(self.attributes, print_keyword=True)
        printer.print_string(" ")
        printer.print_region(self.body, print_entry_block_args=False)


def _verify_order(block: Block, defined: set[SSAValue]) -> None:
    """Every value is defined before it is used, which xDSL 0.74 does not check."""
    defined = defined | set(block.args)
    for op in block.ops:
        for operand in op.operands:
            if operand not in defined:
                raise VerifyException(f"{op.name} uses a value before it is defined")
        for region in op.regions:
            for inner in region.blocks:
                _verify_order(inner, defined)
        defined |= set(op.results)


BPTT = Dialect(
    "bptt",
    [
        StepOp,
        ScanOp,
        YieldOp,
        SynapseOp,
        AddOp,
        DelayOp,
        AdvanceOp,
        ReshapeOp,
        ConcatenateOp,
        SliceOp,
        FireOp,
        IntegrateOp,
        ReadoutOp,
        LossOp,
        ReadoutGradientOp,
        FireGradientOp,
        IntegrateGradientOp,
        SynapseInputGradientOp,
        SynapseWeightGradientOp,
        BiasGradientOp,
        ConvolutionOp,
        ConvolutionInputGradientOp,
        ConvolutionWeightGradientOp,
        PoolOp,
        PoolGradientOp,
        MomentsOp,
        NormalizeOp,
        ScaleGradientOp,
        NormalizeGradientOp,
        UpdateRunningOp,
        OptimizeOp,
        ReportOp,
    ],
    [ReadoutAttr, DensityAttr, SkipAttr, AccumulationAttr, WayAttr],
)

__all__ = [
    "BPTT",
    "AddOp",
    "AdvanceOp",
    "BiasGradientOp",
    "ConcatenateOp",
    "ConvolutionInputGradientOp",
    "ConvolutionOp",
    "ConvolutionWeightGradientOp",
    "DelayOp",
    "FireGradientOp",
    "FireOp",
    "IntegrateGradientOp",
    "IntegrateOp",
    "LossOp",
    "MomentsOp",
    "NormalizeGradientOp",
    "NormalizeOp",
    "OptimizeOp",
    "PoolGradientOp",
    "PoolKind",
    "PoolOp",
    "ReadoutAttr",
    "ReadoutGradientOp",
    "ReadoutKind",
    "ReadoutOp",
    "ReportOp",
    "ReshapeOp",
    "ScaleGradientOp",
    "ScanOp",
    "SliceOp",
    "StepOp",
    "SynapseInputGradientOp",
    "SynapseOp",
    "SynapseWeightGradientOp",
    "Tensor",
    "UpdateRunningOp",
    "YieldOp",
    "channel_count",
    "real_like",
    "sample_type",
    "sequence_type",
    "tensor_of",
    "unit_count",
    "with_sample_shape",
]
