"""The names of parameters and layers: after the statement that holds them.

`hidden.weight` where a statement holds one `linear` or `conv2d`, `hidden.1.weight`,
`hidden.2.weight` in the order of the text where it holds several; layers of neurons and
normalizations likewise, each kind for itself. A returned value's are named `output`. Inside a
block the names of its calls come first: `stage1.2.a.weight`.
"""

from __future__ import annotations

from spikeloom.frontend.operations import (
    Convolved,
    Integrating,
    Linear,
    Normalized,
    ResolvedNetwork,
    Spiking,
    Value,
    walk,
)

OUTPUT = "output"

_NUMBERED = ((Linear, Convolved), (Normalized,), (Spiking, Integrating))
"""Operations that are numbered together."""


class Names:
    """The names of operations. They are known by identity: two that look alike are two."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._named: list[Value] = []

    def __getitem__(self, value: Value) -> str:
        return self._names[id(value)]

    def number(self, owner: str, values: list[Value]) -> None:
        """Names the operations of one kind that a statement holds."""
        values.sort(key=lambda value: (value.location.line, value.location.column))
        for number, value in enumerate(values, start=1):
            self._names[id(value)] = owner if len(values) == 1 else f"{owner}.{number}"
        # An identity is one as long as its object lives.
        self._named += values


def is_named(value: Value) -> bool:
    """Whether anything in the value has a name of its own."""
    return any(isinstance(part, kinds) for part in walk(value) for kinds in _NUMBERED)


def name_operations(network: ResolvedNetwork) -> Names:
    """Names every operation with parameters and every layer of neurons."""
    owned: dict[str, list[Value]] = {}
    for statement in network.statements:
        owned.setdefault(statement.owner, []).extend(walk(statement.value))
    owned.setdefault(OUTPUT, []).extend(walk(network.returned))
    names = Names()
    for owner, parts in owned.items():
        for kinds in _NUMBERED:
            names.number(owner, [part for part in parts if isinstance(part, kinds)])
    return names
