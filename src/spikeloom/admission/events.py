"""What happens on a chip: arrivals, departures, defragmentations; one JSON object each."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn, TypeAlias

from spikeloom.diagnostics import did_you_mean

MAX_NAME = 100
_EXACT = re.compile(r"\d{1,18}(?:/\d{1,18}|\.\d{1,18})?")
_KINDS = ("arrive", "depart", "defragment")
_KEYS = {
    "arrive": {"time", "arrive", "program", "period", "throughput", "pipeline"},
    "depart": {"time", "depart"},
    "defragment": {"time", "defragment"},
}


@dataclass(frozen=True)
class Arrival:
    """A program comes and wants a period, in cycles per iteration.

    `pipeline`: a prologue lets parts of different iterations run together.
    """

    time: Fraction
    name: str
    program: str
    period: Fraction
    pipeline: bool = False


@dataclass(frozen=True)
class Departure:
    """A program ends."""

    time: Fraction
    name: str


@dataclass(frozen=True)
class Defragmentation:
    """Programs give way until `tiles` connected tiles are free, or as many as possible."""

    time: Fraction
    tiles: int | None = None


Event: TypeAlias = Arrival | Departure | Defragmentation


class BadEvent(Exception):
    """An event is not what it should be; the message names the field, `help` the remedy."""

    def __init__(self, message: str, help: str | None = None):
        super().__init__(message)
        self.help = help


def parse_event(text: str) -> Event:
    """The event in a line of JSON.

    Raises:
        BadEvent: it is none.
    """
    fields = _fields(text)
    known = set().union(*_KEYS.values())
    for key in fields:
        if key not in known:
            raise BadEvent(f"there is no field `{key}`", did_you_mean(key, sorted(known)))
    kinds = [key for key in _KINDS if key in fields]
    if len(kinds) != 1:
        found = " and ".join(f"`{key}`" for key in kinds) or "none of them"
        raise BadEvent(f"an event has one of `arrive`, `depart` and `defragment`, but {found}")
    (kind,) = kinds
    for key in fields:
        if key not in _KEYS[kind]:
            raise BadEvent(f"`{key}` is no field of `{kind}`", did_you_mean(key, _KEYS[kind]))
    if "time" not in fields:
        raise BadEvent("`time` is missing")
    time = _number("time", fields["time"])
    if kind == "defragment":
        return Defragmentation(time, _tiles(fields["defragment"]))
    name = _text(kind, fields[kind], MAX_NAME)
    if kind == "depart":
        return Departure(time, name)
    if "program" not in fields:
        raise BadEvent("`program` is missing", "it names a file: .snn, .xml or .mlir")
    pipeline = fields.get("pipeline", False)
    if not isinstance(pipeline, bool):
        raise BadEvent(f"`pipeline` is true or false, not {_shown(pipeline)}")
    return Arrival(time, name, _text("program", fields["program"], 4096), _period(fields), pipeline)


def event_text(event: Event) -> str:
    """The event as `parse_event` reads it, always the same for the same event."""
    fields: dict[str, object] = {"time": str(event.time)}
    if isinstance(event, Arrival):
        fields |= {"arrive": event.name, "program": event.program, "period": str(event.period)}
        fields |= {"pipeline": event.pipeline}
    elif isinstance(event, Departure):
        fields |= {"depart": event.name}
    else:
        fields |= {"defragment": True if event.tiles is None else event.tiles}
    return json.dumps(fields)


def _fields(text: str) -> dict[str, Any]:
    try:
        found = json.loads(
            text, object_pairs_hook=_once, parse_float=_Decimal, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as problem:
        raise BadEvent(f"this is not JSON: {problem}") from None
    if not isinstance(found, dict):
        raise BadEvent("a line is a JSON object", '{"time": 0, "depart": "name"}')
    return found


class _Decimal(str):
    """A number with a point or an exponent, as it was written."""


def _no_number(text: str) -> NoReturn:
    raise BadEvent(f"{text} is no number")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadEvent(f"`{twice}` is given twice")
    return found


def _period(fields: dict[str, Any]) -> Fraction:
    given = [key for key in ("period", "throughput") if key in fields]
    if len(given) != 1:
        words = "both of them" if given else "neither"
        raise BadEvent(
            f"an arrival has `period` or `throughput`, but {words}",
            '"period": "247/2" is the same as "throughput": "2/247"',
        )
    value = _number(given[0], fields[given[0]])
    if value <= 0:
        raise BadEvent(f"`{given[0]}` must be positive, got {_shown(fields[given[0]])}")
    return value if given[0] == "period" else 1 / value


def _number(key: str, value: object) -> Fraction:
    """An exact number: an integer, a decimal, or a fraction as text."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if text.startswith("-") and _EXACT.fullmatch(text[1:]):
        raise BadEvent(f"`{key}` is not negative, but {text}")
    if not _EXACT.fullmatch(text) or (text.partition("/")[2].strip("0") == "" and "/" in text):
        help = 'write 12, 12.5 or "25/2", with up to 18 digits'
        raise BadEvent(f"`{key}` is no exact number: {_shown(value)}", help)
    return Fraction(text)


def _tiles(value: object) -> int | None:
    if value is True:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10**6:
        words = "true, or a number of tiles"
        raise BadEvent(f"`defragment` is {words}, not {_shown(value)}")
    return value


def _text(key: str, value: object, longest: int) -> str:
    if not isinstance(value, str) or not value or len(value) > longest or not value.isprintable():
        message = f"`{key}` is a printable text of 1 to {longest} characters, not {_shown(value)}"
        raise BadEvent(message)
    return value


def _shown(value: object, limit: int = 60) -> str:
    text = str(value) if isinstance(value, _Decimal) else json.dumps(value, default=str)
    return text if len(text) <= limit else text[:limit] + "..."


class Sequence:
    """What holds from event to event: time never goes back, who departs has arrived."""

    def __init__(self) -> None:
        self._time: Fraction | None = None
        self._present: set[str] = set()
        self._departed: set[str] = set()

    def follow(self, event: Event) -> None:
        """Takes one event more.

        Raises:
            BadEvent: it cannot follow; it is not taken.
        """
        if self._time is not None and event.time < self._time:
            message = f"`time` goes back from {self._time} to {event.time}"
            raise BadEvent(message, "order the lines by their times")
        if isinstance(event, Arrival):
            if event.name in self._present:
                message = f"`arrive`: {event.name} has arrived before and not departed"
                raise BadEvent(message, "give every program a name of its own")
            self._present.add(event.name)
        elif isinstance(event, Departure):
            if event.name not in self._present:
                again = event.name in self._departed
                reason = "has departed before" if again else "has never arrived"
                help = did_you_mean(event.name, self._present) if self._present else None
                raise BadEvent(f"`depart`: {event.name} {reason}", help)
            self._present.remove(event.name)
            self._departed.add(event.name)
        self._time = event.time
