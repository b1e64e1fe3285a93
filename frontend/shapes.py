"""Declared types, inferred shapes, and whether they agree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from spikeloom.diagnostics import Diagnostic, DiagnosticError, SourceLocation, did_you_mean, error
from spikeloom.dialects.shape_inference import infer_network_shapes
from spikeloom.dialects.snn import MAX_UNITS, NetworkOp, known_shape, shape_text
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.kinds import KINDS
from spikeloom.frontend.limits import MAX_RANK
from spikeloom.frontend.numbers import UNITS, check_whole
from spikeloom.frontend.operations import Added, ResolvedNetwork, walk
from spikeloom.frontend.syntax import Network, Number, Type


def check_types(network: Network, findings: Findings) -> None:
    """Notes what is wrong with the types that a network declares."""
    for declared in (*(each.type for each in network.inputs), network.output):
        _check_type(declared, findings)
    if not network.inputs:
        findings.add(
            "E0108",
            f"the network `{network.name.text}` has no input",
            network.name.location,
            f"write {network.name.text}(input: spikes[64])",
        )
    for surplus in network.inputs[1:]:
        findings.add(
            "E0109",
            "this version takes one input per network",
            surplus.name.location,
        )


def _check_type(declared: Type, findings: Findings) -> None:
    kind = declared.kind
    if kind.text not in KINDS:
        hint = did_you_mean(kind.text, KINDS)
        findings.add("E0102", f"there is no type `{kind.text}`", kind.location, hint)
    before = findings.count
    for extent in declared.extents:
        check_whole("an extent", extent, UNITS, findings)
    if findings.count > before:
        return
    if not 1 <= len(declared.extents) <= MAX_RANK:
        findings.add(
            "E0105",
            f"a shape has 1 to {MAX_RANK} extents, got {len(declared.extents)}",
            declared.location,
            f"for instance {kind.text}[64]",
        )
    elif (units := _product(declared.extents)) > MAX_UNITS:
        findings.add(
            "E0106",
            f"a value may have at most {MAX_UNITS} units, and {_written(declared)} has {units}",
            declared.location,
        )


def _product(extents: tuple[Number, ...]) -> int:
    return math.prod(int(extent.value) for extent in extents)


def _written(declared: Type) -> str:
    extents = [int(extent.value) for extent in declared.extents]
    return declared.kind.text + shape_text(extents)


def infer_shapes(op: NetworkOp, network: ResolvedNetwork) -> None:
    """Fills in all shapes of `op`, which `network` became.

    Raises:
        DiagnosticError: shapes do not fit or cannot be found out (E0105), or the output has
            another shape than declared.
    """
    try:
        infer_network_shapes(op)
    except DiagnosticError as problem:
        marked = tuple(_in_the_text(problem.diagnostics, network))
        raise DiagnosticError(*(marked or problem.diagnostics)) from None
    found = known_shape(op.returned.output)
    declared = network.syntax.output
    assert found is not None
    if found != tuple(int(extent.value) for extent in declared.extents):
        kind = declared.kind.text
        raise error(
            "E0105",
            f"the network is declared to yield {_written(declared)}, "
            f"but returns {kind}{shape_text(found)}",
            declared.location,
            f"write `-> {kind}{shape_text(found)}`, or change the last layer",
        )


def _in_the_text(
    diagnostics: Iterable[Diagnostic], network: ResolvedNetwork
) -> Iterator[Diagnostic]:
    """The diagnostics with whole expressions marked, of which the IR keeps the start only.

    One per line is kept, the leftmost: the others follow from the same cause.
    """
    by_place = {_position(each.location): each for each in reversed(list(diagnostics))}
    line = 0
    for place in sorted(_places(network), key=lambda place: (place.line, place.column)):
        found = by_place.get(_position(place))
        if found is not None and place.line > line:
            line = place.line
            yield replace(found, location=place)


def _position(location: SourceLocation | None) -> tuple[tuple[int, int], ...]:
    """Where something stands and is called, without lengths, which the IR does not keep."""
    places = () if location is None else (location, *location.calls)
    return tuple((place.line, place.column) for place in places)


def _places(network: ResolvedNetwork) -> list[SourceLocation]:
    places: list[SourceLocation] = []
    for value in network.values():
        for part in walk(value):
            places += part.signs if isinstance(part, Added) else [part.location]
    return places
