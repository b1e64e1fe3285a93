"""SDF3 architecture graphs and the tile bindings that go with them.

An architecture is read as the tools do that use it: tiles with one processor and a TDMA wheel, of
which all is taken as ours; a memory; a network interface; connections with their delay. The network
of routers and links is their way to it and is not needed here.

A tile binding is a text with one line per tile: its number, then the numbers of its actors.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from spikeloom.diagnostics import DiagnosticError, SourceLocation, error
from spikeloom.dialects.dataflow.platform import Platform, Tile
from spikeloom.dialects.sdf.graph_parts import MAX_NUMBER

MAX_TILES = 1024


def parse_sdf3_platform(data: bytes, filename: str) -> Platform:
    """The platform of an SDF3 file with an architecture graph.

    Raises:
        DiagnosticError: E0206 the text is no XML, or no architecture graph.
    """
    try:
        root = fromstring(data, forbid_dtd=True)
    except ParseError as problem:
        line, column = problem.position
        raise error(
            "E0206", f"this is no XML: {problem}", SourceLocation(filename, line, column + 1)
        ) from None
    except (DefusedXmlException, ValueError, LookupError) as problem:
        raise _problem(filename, f"the XML is refused: {problem}") from None
    architecture = root.find(".//architectureGraph")
    if root.tag != "sdf3" or architecture is None:
        raise _problem(filename, "there is no <sdf3> with an <architectureGraph>")
    return _Reader(architecture, filename).platform()


def parse_tile_binding(
    text: str, filename: str, actors: Sequence[str], tiles: int
) -> tuple[int, ...]:
    """The tile of every actor.

    A line `2 4 5` binds to tile 2 the actors whose names end in `_4` and `_5`, or are `4` and `5`.

    Raises:
        DiagnosticError: E0206 a number is no tile or no actor, an actor is bound twice or never.
    """
    binding: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        location = SourceLocation(filename, number, 1)
        for word in words:
            if not (word.isascii() and word.isdecimal() and len(word) < 10):
                raise error("E0206", f"expected a number, got {word!r}", location)
        if not words:
            continue
        tile = int(words[0])
        if tile >= tiles:
            raise error("E0206", f"tile {tile} is none of the {tiles} tiles", location)
        for word in words[1:]:
            found = [name for name in actors if name == word or name.endswith(f"_{word}")]
            if len(found) != 1:
                raise error("E0206", f"{len(found)} actors have the number {word}", location)
            if found[0] in binding:
                raise error("E0206", f"actor `{found[0]}` is bound twice", location)
            binding[found[0]] = tile
    if missing := [name for name in actors if name not in binding]:
        raise _problem(filename, f"actor `{missing[0]}` is bound to no tile")
    return tuple(binding[name] for name in actors)


class _Reader:
    """One document."""

    def __init__(self, architecture: Element, filename: str):
        self._architecture = architecture
        self._filename = filename

    def platform(self) -> Platform:
        """Tiles and the delays between them."""
        elements = self._architecture.findall("tile")
        if not 1 <= len(elements) <= MAX_TILES:
            message = f"the architecture has {len(elements)} tiles, not 1 to {MAX_TILES}"
            raise _problem(self._filename, message)
        tiles = tuple(self._tile(element) for element in elements)
        numbers = {tile.name: number for number, tile in enumerate(tiles)}
        delays: list[list[int | None]] = [[None] * len(tiles) for _ in tiles]
        for connection in self._architecture.findall("connection"):
            ends: list[int] = []
            for side in ("srcTile", "dstTile"):
                name = self._text(connection, side)
                if name not in numbers:
                    message = f"a connection names `{name}`, which is no tile"
                    raise _problem(self._filename, message)
                ends.append(numbers[name])
            delays[ends[0]][ends[1]] = self._number(connection, "delay", 0)
        name = self._architecture.get("name") or "platform"
        try:
            return Platform(tiles, tuple(tuple(row) for row in delays), name=name)
        except ValueError as problem:
            raise _problem(self._filename, str(problem)) from None

    def _tile(self, element: Element) -> Tile:
        wheel = 1
        arbitration = element.find("processor/arbitration")
        if arbitration is not None:
            wheel = self._number(arbitration, "wheelsize", 1)
        memory, interface = element.find("memory"), element.find("networkInterface")
        limits: dict[str, int | None] = {}
        for key, attribute, least in (
            ("connections", "nrConnections", 0),
            ("bandwidth_in", "inBandwidth", 1),
            ("bandwidth_out", "outBandwidth", 1),
        ):
            given = interface is not None and interface.get(attribute) is not None
            limits[key] = self._number(interface, attribute, least) if given else None
        return Tile(
            self._text(element, "name"),
            wheel,
            wheel,
            None if memory is None else self._number(memory, "size", 0),
            **limits,
        )

    def _text(self, element: Element, attribute: str) -> str:
        value = element.get(attribute)
        if not value:
            raise _problem(self._filename, f"a <{element.tag}> has no `{attribute}`")
        return value

    def _number(self, element: Element | None, attribute: str, least: int) -> int:
        assert element is not None
        text = self._text(element, attribute)
        digits = text.isascii() and text.isdecimal() and len(text) < 20
        if not digits or not least <= int(text) < MAX_NUMBER:
            expected = f"an integer in [{least}, {MAX_NUMBER})"
            message = f"<{element.tag}>: `{attribute}` must be {expected}, got {text!r}"
            raise _problem(self._filename, message)
        return int(text)


def _problem(filename: str, message: str) -> DiagnosticError:
    return error("E0206", message, SourceLocation(filename, 1, 1))
