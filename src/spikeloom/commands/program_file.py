"""The program that a command is about, read from its file."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from spikeloom.ir_file import complete_network, is_ir, read_module


def read_program(path: str) -> ModuleOp:
    """The program in the `snn` dialect, with one network.

    Raises:
        DiagnosticError: the file cannot be read (E0401), or is no program, or it is IR that does
            not hold one network (E0209).
    """
    module = read_module(path)
    if is_ir(path):
        complete_network(module, path)
    return module
