"""Reading the file of a program: the language, or IR of any level where its name ends in .mlir."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from spikeloom.compiler import new_context
from spikeloom.diagnostics import SourceLocation, error
from spikeloom.dialects.shape_inference import infer_network_shapes
from spikeloom.dialects.snn import NetworkOp
from spikeloom.frontend.program import parse_program_bytes
from spikeloom.ir_checks import verify_module
from spikeloom.ir_text import MAX_INPUT_BYTES, decode_text, parse_ir

MAX_PROGRAM_BYTES = 2**24
"""More is not even read; the frontend has a lower limit of its own and words for it."""


def is_ir(path: str) -> bool:
    """Whether the file is taken to hold IR, which its name says."""
    return path.endswith(".mlir")


def read_module(path: str) -> ModuleOp:
    """The verified module: of a program in the `snn` dialect, of IR on the level that it has.

    Raises:
        DiagnosticError: the file cannot be read (E0401), or is no program (E01..) and no IR
            (E0201, E0202).
    """
    limit = MAX_INPUT_BYTES + 1 if is_ir(path) else MAX_PROGRAM_BYTES
    try:
        with open(path, "rb") as file:
            data = file.read(limit)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}") from None
    if not is_ir(path):
        return parse_program_bytes(data, path)
    module = parse_ir(new_context(), decode_text(data, path), path)
    verify_module(module)
    return module


def complete_network(module: ModuleOp, path: str) -> None:
    """Fills in the shapes of the one network that the module holds.

    Raises:
        DiagnosticError: there is none, or there are several (E0209); shapes do not fit (E0105).
    """
    networks = [op for op in module.ops if isinstance(op, NetworkOp)]
    if len(networks) != 1:
        names = ", ".join(f"@{op.sym_name.data}" for op in networks[:8])
        found = f"{len(networks)}: {names}" if networks else "none"
        message = f"the command takes IR with one snn.network, but this holds {found}"
        raise error("E0209", message, SourceLocation(path, 1, 1))
    infer_network_shapes(networks[0])
