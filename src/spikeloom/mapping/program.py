"""The network of a program."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from spikeloom.dialects.snn import NetworkOp


def network_in(module: ModuleOp) -> NetworkOp:
    """The one network of a module that the frontend made; it knows all shapes."""
    (network,) = (op for op in module.ops if isinstance(op, NetworkOp))
    return network
