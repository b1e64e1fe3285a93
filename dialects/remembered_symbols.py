"""Looking up declarations by name while the operation around them is being verified.

Every operation inside asks for the declarations that it names. Searching the whole body for each
of them takes time quadratic in its length, so the body is searched once per verification.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Generic, TypeVar

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation

Declaration = TypeVar("Declaration", bound=Operation)


class RememberedSymbols(Generic[Declaration]):
    """The operations of one kind that the first region of another operation declares."""

    def __init__(self, kind: type[Declaration]):
        self._kind = kind
        self._found: dict[Operation, dict[str, Declaration] | None] = {}

    def of(self, table: Operation) -> dict[str, Declaration]:
        """All declarations of `table` by name, in order."""
        if (known := self._found.get(table)) is not None:
            return known
        ops = table.regions[0].block.ops
        found = {name: op for op in ops if isinstance(op, self._kind) and (name := _name(op))}
        if table in self._found:
            self._found[table] = found
        return found

    @contextmanager
    def remembered(self, table: Operation) -> Generator[None]:
        """Lets `of` search only once; `table` must not change meanwhile."""
        self._found[table] = None
        try:
            yield
        finally:
            del self._found[table]


def _name(op: Operation) -> str:
    # What is being verified may lack its name.
    name = op.properties.get("sym_name")
    return name.data if isinstance(name, StringAttr) else ""
