"""SDF3 XML in, verified `sdf` IR out.

Reading rules, as SDF3 itself follows them: of several processors marked as default the last one
counts, and without a mark the last one at all; a channel without `initialTokens` starts empty; an
actor may overlap with itself. `size` on a channel is no capacity; `tokenSize` in its properties is
the size of one token. Entities and document types are refused: a graph needs neither.

Not read: `stateSize` and other memory of actors, buffer sizes, latencies, throughput constraints.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from xdsl.dialects.builtin import ModuleOp

from spikeloom.diagnostics import DiagnosticError, SourceLocation, did_you_mean, error
from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph
from spikeloom.dialects.locations import location_attribute
from spikeloom.dialects.sdf import make_graph
from spikeloom.dialects.sdf.graph_parts import MAX_NUMBER

MAX_BYTES = 256 * 2**20


def parse_sdf3(data: bytes, filename: str) -> ModuleOp:
    """The application graph of an SDF3 file as a module with one `sdf.graph`, not yet verified.

    Raises:
        DiagnosticError: E0206 the text is no XML, or no graph of SDF3.
    """
    if len(data) > MAX_BYTES:
        raise _problem(filename, f"the file has {len(data)} bytes, more than {MAX_BYTES}")
    try:
        root = fromstring(data, forbid_dtd=True)
    except ParseError as problem:
        line, column = problem.position
        raise error(
            "E0206", f"this is no XML: {problem}", SourceLocation(filename, line, column + 1)
        ) from None
    except (DefusedXmlException, ValueError, LookupError) as problem:
        raise _problem(filename, f"the XML is refused: {problem}") from None
    reader = _Reader(root, filename)
    graph = reader.graph()
    op = make_graph(graph, token_sizes=reader.token_sizes())
    op.location = location_attribute(SourceLocation(filename, 1, 1))
    return ModuleOp([op])


class _Reader:
    """One document."""

    def __init__(self, root: Element, filename: str):
        self._filename = filename
        application = root.find(".//applicationGraph")
        if root.tag != "sdf3" or application is None:
            raise self._error("there is no <sdf3> with an <applicationGraph>")
        self._application = application
        found = application.find("sdf")
        if found is None:
            found = application.find("csdf")
        if found is None:
            raise self._error("the application graph holds no <sdf>")
        self._sdf = found

    def graph(self) -> Graph:
        """Actors with their times, and channels."""
        names = [self._text(actor, "name") for actor in self._sdf.findall("actor")]
        numbers = {name: number for number, name in enumerate(names)}
        if len(numbers) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise self._error(f"there are two actors `{twice}`")
        times = self._times(numbers)
        actors = tuple(Actor(name, times.get(name, 0)) for name in names)
        return Graph(actors, tuple(self._channels(numbers)), self._text(self._sdf, "name"))

    def _times(self, numbers: dict[str, int]) -> dict[str, int]:
        times: dict[str, int] = {}
        for properties in self._application.iter("actorProperties"):
            actor = self._text(properties, "actor")
            if actor not in numbers:
                raise self._error(f"properties of `{actor}`, which is no actor", actor, numbers)
            processors = properties.findall("processor")
            chosen = [each for each in processors if each.get("default") == "true"] or processors
            time = chosen[-1].find("executionTime") if chosen else None
            if time is not None:
                times[actor] = self._number(time, "time", 0, f"actor `{actor}`")
        return times

    def token_sizes(self) -> list[int | None]:
        """Of every channel in the order of the text, None where the properties name none."""
        names = [self._text(channel, "name") for channel in self._sdf.findall("channel")]
        known = dict.fromkeys(names, 0)
        sizes: dict[str, int] = {}
        for properties in self._application.iter("channelProperties"):
            channel = self._text(properties, "channel")
            if channel not in known:
                raise self._error(f"properties of `{channel}`, which is no channel", channel, known)
            size = properties.find("tokenSize")
            if size is not None:
                sizes[channel] = self._number(size, "sz", 0, f"channel `{channel}`")
        return [sizes.get(name) for name in names]

    def _channels(self, numbers: dict[str, int]) -> Iterator[Channel]:
        rates = {
            (self._text(actor, "name"), self._text(port, "name")): self._number(
                port, "rate", 1, f"actor `{actor.get('name')}`"
            )
            for actor in self._sdf.findall("actor")
            for port in actor.findall("port")
        }
        seen: set[str] = set(numbers)
        for channel in self._sdf.findall("channel"):
            name = self._text(channel, "name")
            place = f"channel `{name}`"
            while name in seen:
                name += "_"  # actors and channels share the names of symbols
            seen.add(name)
            ends: list[int] = []
            flows: list[int] = []
            for side in ("src", "dst"):
                actor = self._text(channel, f"{side}Actor")
                port = (actor, self._text(channel, f"{side}Port"))
                if actor not in numbers:
                    raise self._error(f"{place} names `{actor}`, no actor", actor, numbers)
                if port not in rates:
                    raise self._error(f"{place}: actor `{actor}` has no port `{port[1]}`")
                ends.append(numbers[actor])
                flows.append(rates[port])
            tokens = 0
            if channel.get("initialTokens") is not None:
                tokens = self._number(channel, "initialTokens", 0, place)
            yield Channel(name, ends[0], ends[1], flows[0], flows[1], tokens)

    def _text(self, element: Element, attribute: str) -> str:
        value = element.get(attribute)
        if not value:
            raise self._error(f"a <{element.tag}> has no `{attribute}`")
        return value

    def _number(self, element: Element, attribute: str, least: int, place: str) -> int:
        text = self._text(element, attribute)
        digits = text.isascii() and text.isdecimal() and len(text) < 20
        if not digits or not least <= int(text) < MAX_NUMBER:
            expected = f"an integer in [{least}, {MAX_NUMBER})"
            raise self._error(f"{place}: `{attribute}` must be {expected}, got {text!r}")
        return int(text)

    def _error(
        self, message: str, name: str | None = None, known: dict[str, int] | None = None
    ) -> DiagnosticError:
        help = None if name is None or not known else did_you_mean(name, known)
        return _problem(self._filename, message, help)


def _problem(filename: str, message: str, help: str | None = None) -> DiagnosticError:
    return error("E0206", message, SourceLocation(filename, 1, 1), help)
