"""The names of parameters and layers: after the statement that holds them.

`hidden.weight` where a statement holds one `linear`, `hidden.1.weight`, `hidden.2.weight` in the
order of the text where it holds several; layers of neurons likewise. A returned value's are named
`output`.
"""

from __future__ import annotations

from spikeloom.diagnostics import SourceLocation
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.operations import (
    Integrating,
    Linear,
    ResolvedNetwork,
    Spiking,
    Value,
    walk,
)

OUTPUT = "output"

Names = dict[SourceLocation, str]
"""The name of the operation that was written at a place."""


def name_operations(network: ResolvedNetwork, findings: Findings) -> Names:
    """Names every `linear` and every layer of neurons, in the order of the text.

    A statement that takes the returned value's name is noted.
    """
    names: Names = {}
    for statement in network.statements:
        names |= _name_parts(statement.name.text, statement.value)
    returned = _name_parts(OUTPUT, network.returned)
    for statement in network.statements:
        if returned and statement.name.text == OUTPUT:
            findings.add(
                "E0103",
                f"`{OUTPUT}` is the name of what `return` computes",
                statement.name.location,
                f"rename this statement, or write `return {OUTPUT}`",
            )
    return names | returned


def _name_parts(statement: str, value: Value) -> Names:
    parts = list(walk(value))
    linear = [part.location for part in parts if isinstance(part, Linear)]
    layers = [part.location for part in parts if isinstance(part, Spiking | Integrating)]
    return _number(statement, linear) | _number(statement, layers)


def _number(statement: str, places: list[SourceLocation]) -> Names:
    if len(places) == 1:
        return {places[0]: statement}
    return {place: f"{statement}.{number}" for number, place in enumerate(places, start=1)}
