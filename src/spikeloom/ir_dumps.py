"""Showing the IR between passes, with the headers that MLIR's tools and viewers look for."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from xdsl.dialects.builtin import DenseArrayBase, DenseIntOrFPElementsAttr, ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import ModulePass
from xdsl.printer import Printer

from spikeloom.backend.atomic_file import write_atomically
from spikeloom.diagnostics import error

ELIDED_ABOVE = 16
"""Constants with more elements than this are not written out."""


class _ElidingPrinter(Printer):
    """A printer that leaves out the elements of large constants."""

    def print_attribute(self, attribute: Attribute) -> None:
        if isinstance(attribute, DenseIntOrFPElementsAttr) and len(attribute) > ELIDED_ABOVE:
            self.print_string("dense_resource<__elided__> : ")
            self.print_attribute(attribute.type)
        elif isinstance(attribute, DenseArrayBase) and len(attribute) > ELIDED_ABOVE:
            self.print_string("array<")
            self.print_attribute(attribute.elt_type)
            self.print_string(": __elided__>")
        else:
            super().print_attribute(attribute)


def dump_text(header: str, module: ModuleOp, *, locations: bool = False) -> str:
    """A dump of the module: the header line, then the IR with large constants left out."""
    stream = StringIO()
    stream.write(f"// -----// IR Dump {header} //----- //\n")
    printer = _ElidingPrinter(stream=stream, print_debuginfo=locations)
    printer.print_op(module)
    stream.write("\n")
    return stream.getvalue()


@dataclass(frozen=True)
class IrDumps:
    """Which dumps a run makes. `directory` gets a file after each pass, numbered from 00."""

    before_all: bool = False
    after_all: bool = False
    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()
    directory: Path | None = None
    locations: bool = False

    def prepare(self) -> None:
        """Creates the directory; a `DiagnosticError` (E0402) when that is impossible."""
        if self.directory is None:
            return
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            message = f"cannot create `{self.directory}`: {problem.strerror}"
            raise error("E0402", message) from None

    def between(
        self, index: int, done: ModulePass | None, module: ModuleOp, coming: ModulePass | None
    ) -> None:
        """Dumps what is asked for between pass number `index - 1`, `done`, and the one coming."""
        if done is not None:
            if self.after_all or done.name in self.after:
                sys.stderr.write(self._text(f"After {done.name}", module))
            if self.directory is not None:
                text = self._text(f"After {done.name}", module)
                path = self.directory / f"{index - 1:02}_{done.name}.mlir"
                write_atomically(path, text.encode())
        if coming is not None and (self.before_all or coming.name in self.before):
            sys.stderr.write(self._text(f"Before {coming.name}", module))

    def _text(self, header: str, module: ModuleOp) -> str:
        return dump_text(header, module, locations=self.locations)
