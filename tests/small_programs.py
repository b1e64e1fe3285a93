"""Networks of a statement or two, and what is asked of them."""

from __future__ import annotations

from typing import TypeVar

from xdsl.ir import Operation

from spikeloom.dialects.snn import LifOp, NetworkOp
from spikeloom.frontend.program import parse_program

Op = TypeVar("Op", bound=Operation)


def parse(body: str, *, before: str = "", takes: str = "spikes[3, 9, 8]") -> NetworkOp:
    """The network with that body; its output is made to fit whatever `y` is."""
    lines = [before, f"network n(x: {takes}) -> spikes[4] {{", body]
    lines += ["    return lif(linear(flatten(y), 4))", "}"]
    (network,) = parse_program("\n".join(lines), "n.snn").ops
    assert isinstance(network, NetworkOp)
    return network


def only(network: NetworkOp, kind: type[Op]) -> Op:
    (found,) = (op for op in network.walk() if isinstance(op, kind))
    return found


def names(network: NetworkOp) -> list[str]:
    return [name for name in network.parameters() if not name.startswith("output.")]


def layers(network: NetworkOp) -> list[str]:
    return [op.layer.data for op in network.walk() if isinstance(op, LifOp)]
