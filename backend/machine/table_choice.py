"""Which of a machine file's energy tables is in use: the same rules for every kind of machine."""

from __future__ import annotations

from collections.abc import Mapping

from spikeloom.diagnostics import error


def known_table(name: str, tables: Mapping[str, object] | None) -> str:
    """The name, if the file has a table of it; None are tables that were not valid.

    Raises:
        ValueError: it has none.
    """
    if tables is not None and name not in tables:
        names = ", ".join(tables)
        raise ValueError(f"there is no energy table `{name}`; the file has {names}")
    return name


def require_table(machine: str, name: str, tables: Mapping[str, object]) -> None:
    """Refuses a table that the machine does not have.

    Raises:
        DiagnosticError: E0405 with the names that exist.
    """
    if name not in tables:
        help = f"expected one of: {', '.join(tables)}"
        raise error("E0405", f"machine `{machine}` has no energy table `{name}`", help=help)
