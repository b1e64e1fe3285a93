"""`infer-shapes`: fills in every type that follows from the network's input."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from spikeloom.dialects.shape_inference import infer_network_shapes
from spikeloom.dialects.snn import NetworkOp


@dataclass(frozen=True)
class InferShapesPass(ModulePass):
    """Resolves unranked values and open parameter shapes of every `snn.network`.

    Raises:
        DiagnosticError: shapes do not fit or depend on nothing but themselves (E0105).
    """

    name = "infer-shapes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for network in op.ops:
            if isinstance(network, NetworkOp):
                infer_network_shapes(network)
