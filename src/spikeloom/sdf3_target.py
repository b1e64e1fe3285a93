"""`spikeloom-opt -t sdf3`: the dataflow graph of a module as SDF3 XML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target

from spikeloom.diagnostics import error
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.sdf import GraphOp
from spikeloom.sdf3_writer import write_sdf3

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold (XML 1.0, production 2)."""


@dataclass(frozen=True)
class Sdf3Target(Target):
    """Writes the one `sdf.graph` of a module.

    Raises:
        DiagnosticError: E0204 the module has no graph, or several, or a name that XML cannot hold.
    """

    name = "sdf3"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        graphs = [op for op in module.ops if isinstance(op, GraphOp)]
        if len(graphs) != 1:
            message = f"SDF3 XML holds one `sdf.graph`, but the module has {len(graphs)}"
            help = "keep one graph in the file" if graphs else "`extract-dataflow` makes graphs"
            raise error("E0204", message, location_of(module), help)
        text = write_sdf3(graphs[0])
        if (found := _NO_XML.search(text)) is not None:
            message = f"a name of the graph holds {found[0]!r}, a character that XML cannot hold"
            raise error("E0204", message, location_of(graphs[0]), "rename it")
        output.write(text)
