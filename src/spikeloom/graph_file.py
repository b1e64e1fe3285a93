"""The one dataflow graph that a file holds: SDF3 XML, or IR in the `sdf` dialect."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ModuleOp

from spikeloom.diagnostics import SourceLocation, did_you_mean, error
from spikeloom.dialects.sdf import GraphDeadlock, GraphOp

MAX_INPUT_BYTES = 256 * 2**20
SHOWN_NAMES = 12
MAX_BLANKS = 2**16
"""Bytes in which a text must begin to be looked at."""


def read_graph(path: str, name: str | None = None) -> GraphOp:
    """The one graph in a file, or that of a name: SDF3 XML or well-formed IR; it may deadlock.

    Raises:
        DiagnosticError: the file cannot be read, or holds no such graph, or several.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_INPUT_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}") from None
    found = {graph_name(op): op for op in _module(data, path).ops if isinstance(op, GraphOp)}
    place = SourceLocation(path, 1, 1)
    if name is not None:
        if name not in found:
            message = f"`{path}` holds no graph `{name}`"
            raise error("E0206", message, place, did_you_mean(name, found))
        return found[name]
    if len(found) != 1:
        message = f"a throughput is that of one graph, but `{path}` holds {len(found)}"
        help = f"--graph NAME: {_some(list(found))}"
        raise error("E0206", message, place, help if found else "extract-dataflow makes them")
    return next(iter(found.values()))


def _some(names: Sequence[str]) -> str:
    """The first names, and how many are left."""
    shown = ", ".join(names[:SHOWN_NAMES])
    left = len(names) - SHOWN_NAMES
    return f"{shown}, ... {left} more" if left > 0 else shown


def _module(data: bytes, path: str) -> ModuleOp:
    if is_xml(data):
        from spikeloom.frontend.sdf3 import parse_sdf3

        return parse_sdf3(data, path)
    from spikeloom.compiler import new_context
    from spikeloom.ir_checks import verify_module
    from spikeloom.ir_text import decode_text, parse_ir

    module = parse_ir(new_context(), decode_text(data, path), path)
    verify_module(module, allowed=(GraphDeadlock,))
    return module


def is_xml(data: bytes) -> bool:
    """Whether the text is XML, which no other text that is read here looks like."""
    return data[:MAX_BLANKS].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def graph_name(op: GraphOp) -> str:
    """The graph's name."""
    return op.sym_name.data
