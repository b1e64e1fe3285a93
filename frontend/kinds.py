"""Spikes or currents: the kind of every value, and what takes which."""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.dialects.builtin import f32, i1
from xdsl.ir import Attribute

from spikeloom.dialects.pool_kind import PoolKind
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.operations import (
    Expectation,
    Flattened,
    Integrating,
    Joined,
    Normalized,
    Pooled,
    Previous,
    Reference,
    Reshaped,
    ResolvedNetwork,
    Spiking,
    Value,
    walk,
)

KINDS: dict[str, Attribute] = {"spikes": i1, "currents": f32}
"""The kinds of value as the language and as the IR spell them."""


class Kinds:
    """The kind of every value of a network."""

    def __init__(self, network: ResolvedNetwork):
        self._inputs = {each.name.text: each.type.kind.text for each in network.syntax.inputs}
        self._values = {each.path: each.value for each in network.statements}
        self._found: dict[str, str] = {}

    def find(self, value: Value) -> str | None:
        """`spikes` or `currents`; None for a value that is made of nothing but itself."""
        seen: set[str] = set()
        # What keeps a kind keeps that of one operand, so there is one path to follow.
        while not isinstance(value, Reference) or value.name not in self._found:
            match value:
                case Previous() | Flattened() | Reshaped():
                    value = value.value
                case Pooled(kind=PoolKind.MAX):
                    value = value.value
                case Joined():
                    value = value.left
                case Reference():
                    if value.name in self._inputs:
                        self._found[value.name] = self._inputs[value.name]
                    elif value.name in seen:
                        return None
                    else:
                        seen.add(value.name)
                        value = self._values[value.name]
                case _:
                    kind = "spikes" if isinstance(value, Spiking) else "currents"
                    break
        else:
            kind = self._found[value.name]
        self._found |= dict.fromkeys(seen, kind)
        return kind

    def element(self, value: Value) -> Attribute:
        """The IR's element type of a value."""
        kind = self.find(value)
        assert kind is not None, "values made of nothing but themselves are refused before"
        return KINDS[kind]


def check_kinds(network: ResolvedNetwork, findings: Findings) -> Kinds:
    """The kinds of a network's values; what does not fit is noted."""
    kinds = Kinds(network)
    for value in network.values():
        for part in walk(value):
            _check_part(part, kinds, findings)
    for expectation in network.expectations:
        _check_expectation(expectation, kinds, findings)
    declared = network.syntax.output
    if (found := kinds.find(network.returned)) not in (declared.kind.text, None):
        findings.add(
            "E0104",
            f"the network is declared to yield {declared.kind.text}, but returns {found}",
            declared.location,
            f"write `-> {found}[...]`, or return "
            + ("lif(...)" if declared.kind.text == "spikes" else "li(...) or linear(...)"),
        )
    return kinds


def _check_part(value: Value, kinds: Kinds, findings: Findings) -> None:
    match value:
        case Spiking():
            _require_currents([value.current], f"`{value.function}` takes", kinds, findings)
        case Integrating():
            _require_currents([value.current], "`li` takes", kinds, findings)
        case Normalized():
            _require_currents([value.value], "`batchnorm` takes", kinds, findings)
        case Joined():
            left, right = kinds.find(value.left), kinds.find(value.right)
            if left is not None and right not in (left, None):
                findings.add(
                    "E0104",
                    f"`concat` joins values of one kind, but this is {left} and then {right}",
                    value.location,
                )
        case Previous() | Flattened() | Reshaped():
            if kinds.find(value.value) is None:
                findings.add(
                    "E0105",
                    "this value is made of nothing but itself",
                    value.value.location,
                    "add a path from the network's input, for instance linear(input, n)",
                )
        case _:
            pass


def _check_expectation(expectation: Expectation, kinds: Kinds, findings: Findings) -> None:
    found, expected = kinds.find(expectation.value), expectation.kind.text
    if found not in (expected, None):
        findings.add(
            "E0104",
            f"the block `{expectation.block}` takes {expected} as `{expectation.parameter}`, "
            f"but this is {found}",
            expectation.location,
        )


def _require_currents(values: Iterable[Value], verb: str, kinds: Kinds, findings: Findings) -> None:
    for value in values:
        if kinds.find(value) == "spikes":
            findings.add(
                "E0104",
                f"{verb} currents, but this is spikes",
                value.location,
                "weight them first: linear(..., n)",
            )
