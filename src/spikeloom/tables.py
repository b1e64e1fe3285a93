"""How tables are printed: as wide as the terminal, and never folded where there is none."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

_PLAIN_WIDTH = 1000
"""Columns where standard output is no terminal; lines end where their text does."""


def print_table(table: Table) -> None:
    """Prints a table to standard output."""
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    plain = Console(highlight=False, width=_PLAIN_WIDTH)
    with plain.capture() as capture:
        plain.print(table)
    print("\n".join(line.rstrip() for line in capture.get().splitlines()))
