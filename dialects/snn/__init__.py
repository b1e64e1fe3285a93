"""The `snn` dialect: a network as it was written, one time step of one sample.

Spikes are tensors of `i1`, currents tensors of `f32`; time and batch do not appear. The body of
`snn.network` is a graph: the order of its operations means nothing, and `snn.previous` may use a
value that is defined further down, which is how a recurrent network closes its cycle.

A value whose shape is not known yet has an unranked type; every operation knows how its result
follows from its operands (`infer_result_type`), which the frontend, the pass `infer-shapes` and
the verifier share.
"""

from __future__ import annotations

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import Dialect
from xdsl.irdl import IRDLOperation, irdl_op_definition, prop_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from spikeloom.dialects.neuron import NeuronAttr, ResetAttr, SurrogateKindAttr
from spikeloom.dialects.number_text import Count, count, parse_count
from spikeloom.dialects.pool_kind import PoolKind, PoolKindAttr
from spikeloom.dialects.snn.arrangement import ConcatOp, FlattenOp, ReshapeOp
from spikeloom.dialects.snn.crossbars import ClusterOp, CrossbarsOp, LayerOp, LinkOp
from spikeloom.dialects.snn.crossbars_types import LimitsAttr, NeuronsAttr
from spikeloom.dialects.snn.images import Conv2dOp, Pool2dOp
from spikeloom.dialects.snn.interface import InterfaceOp, NeuronsOp, verify_network_exists
from spikeloom.dialects.snn.network import NetworkOp, ReturnOp
from spikeloom.dialects.snn.normalization import BatchnormOp
from spikeloom.dialects.snn.parameter import ParameterOp
from spikeloom.dialects.snn.parametric import ParametricOperation
from spikeloom.dialects.snn.types import (
    NetworkValueOperation,
    ShapeError,
    ValueType,
    element_type,
    known_shape,
    shape_text,
)
from spikeloom.dialects.snn.values import AddOp, LifOp, LinearOp, LiOp, PreviousOp
from spikeloom.dialects.training import (
    DataAttr,
    LossAttr,
    LossKind,
    OptimizerAttr,
    OptimizerKindAttr,
)
from spikeloom.dialects.window import WindowAttr

MAX_COUNT = 2**24
"""The largest number of steps, samples of a batch and epochs that a program may ask for."""

MAX_UNITS = 2**24
"""The largest number of units of a layer."""


@irdl_op_definition
class TrainOp(IRDLOperation):
    """How a network is trained; it stays beside what the network becomes, for the host.

    ```mlir
    snn.train @digits steps 16 batch 64 epochs 20 seed 1 loss cross_entropy
      optimizer <adam, rate 0.002> data <digits {encode = "rate", test = 0.2 : f64}>
    ```
    """

    name = "snn.train"

    network = prop_def(SymbolRefAttr)
    steps = prop_def(Count)
    batch = prop_def(Count)
    epochs = prop_def(Count)
    seed = prop_def(Count)
    loss = prop_def(LossAttr)
    optimizer = prop_def(OptimizerAttr)
    data = prop_def(DataAttr)

    def __init__(
        self,
        network: str,
        *,
        steps: int,
        batch: int,
        epochs: int,
        seed: int,
        loss: LossKind,
        optimizer: OptimizerAttr,
        data: DataAttr,
    ):
        super().__init__(
            properties={
                "network": SymbolRefAttr(network),
                "steps": count(steps),
                "batch": count(batch),
                "epochs": count(epochs),
                "seed": count(seed),
                "loss": LossAttr(loss),
                "optimizer": optimizer,
                "data": data,
            }
        )

    def verify_(self) -> None:
        for name in ("steps", "batch", "epochs"):
            value = self.properties[name]
            assert isinstance(value, type(self.steps))
            if not 1 <= value.value.data <= MAX_COUNT:
                raise VerifyException(
                    f"{name} must lie in [1, {MAX_COUNT}], got {value.value.data}"
                )
        if not 0 <= self.seed.value.data < 2**63:
            raise VerifyException(f"seed must not be negative, got {self.seed.value.data}")
        self._verify_network()

    def _verify_network(self) -> None:
        """The network, or what it has become, stands in the same module and is trained once."""
        if self.parent is None:
            return
        name = self.network.root_reference.data
        verify_network_exists(self, name)
        siblings = list(self.parent.ops)
        trains = [op for op in siblings if isinstance(op, TrainOp) and op.network == self.network]
        if trains[0] is not self:
            raise VerifyException(f"the network @{name} is trained twice")

    @classmethod
    def parse(cls, parser: Parser) -> TrainOp:
        network = parser.parse_symbol_name().data
        numbers: dict[str, int] = {}
        for name in ("steps", "batch", "epochs", "seed"):
            parser.parse_keyword(name)
            numbers[name] = parse_count(parser).value.data
        parser.parse_keyword("loss")
        loss = parser.parse_str_enum(LossKind)
        parser.parse_keyword("optimizer")
        optimizer = OptimizerAttr.new(OptimizerAttr.parse_parameters(parser))
        parser.parse_keyword("data")
        data = DataAttr.new(DataAttr.parse_parameters(parser))
        attributes = parser.parse_optional_attr_dict()
        op = cls(network, **numbers, loss=loss, optimizer=optimizer, data=data)
        op.attributes = attributes
        return op

    def print(self, printer: Printer) -> None:
        printer.print_string(" ")
        printer.print_symbol_name(self.network.root_reference.data)
        for name in ("steps", "batch", "epochs", "seed"):
            value = self.properties[name]
            assert isinstance(value, type(self.steps))
            printer.print_string(f" {name} {value.value.data}")
        printer.print_string(f" loss {self.loss.data} optimizer ")
        self.optimizer.print_parameters(printer)
        printer.print_string(" data ")
        self.data.print_parameters(printer)
        printer.print_op_attributes(self.attributes)


SNN = Dialect(
    "snn",
    [
        ParameterOp,
        NetworkOp,
        ReturnOp,
        LinearOp,
        Conv2dOp,
        Pool2dOp,
        BatchnormOp,
        AddOp,
        LifOp,
        LiOp,
        PreviousOp,
        FlattenOp,
        ReshapeOp,
        ConcatOp,
        TrainOp,
        InterfaceOp,
        NeuronsOp,
        CrossbarsOp,
        LayerOp,
        ClusterOp,
        LinkOp,
    ],
    [
        NeuronAttr,
        ResetAttr,
        SurrogateKindAttr,
        WindowAttr,
        PoolKindAttr,
        LossAttr,
        OptimizerAttr,
        OptimizerKindAttr,
        DataAttr,
        LimitsAttr,
        NeuronsAttr,
    ],
)

__all__ = [
    "MAX_COUNT",
    "MAX_UNITS",
    "SNN",
    "AddOp",
    "BatchnormOp",
    "ConcatOp",
    "Conv2dOp",
    "FlattenOp",
    "InterfaceOp",
    "LiOp",
    "LifOp",
    "LinearOp",
    "NetworkOp",
    "NetworkValueOperation",
    "NeuronsOp",
    "ParameterOp",
    "ParametricOperation",
    "Pool2dOp",
    "PoolKind",
    "PreviousOp",
    "ReshapeOp",
    "ReturnOp",
    "ShapeError",
    "TrainOp",
    "ValueType",
    "WindowAttr",
    "element_type",
    "known_shape",
    "shape_text",
]
