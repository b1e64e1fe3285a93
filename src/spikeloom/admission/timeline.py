"""The timeline of a trace: a line for every answer as soon as it is kept, and the end as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from spikeloom.admission.answers import Answer
from spikeloom.admission.events import Arrival, Departure, Event
from spikeloom.admission.manager import placement
from spikeloom.passes.admission.chip import ChipState

_NUMBERED = re.compile(r"(.*?)(\d{1,9})")
_HEADINGS = ("time", "event", "program", "answer", "promised", "guaranteed", "free", "block")


class Timeline:
    """Lines with columns as wide as the events of a trace need them."""

    def __init__(self, events: Iterable[Event]):
        times, names = [len("time")], [len("program")]
        for event in events:
            times.append(len(str(event.time)))
            if isinstance(event, Arrival | Departure):
                names.append(len(event.name))
        self._widths = (max(times), 10, max(names), 11, 10, 10, 4, 5)

    @property
    def heading(self) -> str:
        """The names of the columns."""
        return f"{self._line(_HEADINGS)}  tiles"

    def lines(self, answer: Answer) -> list[str]:
        """An answer, below it why it is no, or what moves."""
        row = (
            str(answer.time),
            answer.kind,
            answer.name or "-",
            answer.outcome,
            "-" if answer.promised is None else str(answer.promised),
            "-" if answer.guaranteed is None else str(answer.guaranteed),
            str(answer.free),
            str(answer.block),
        )
        lines = [f"{self._line(row)}  {tiles_text(answer.tiles)}".rstrip()]
        indent = " " * (self._widths[0] + 2)
        if answer.reason:
            remedy = f"; {answer.remedy}" if answer.remedy else ""
            lines.append(f"{indent}{answer.reason}{remedy}")
        if not answer.complete:
            lines.append(f"{indent}the search was cut here: a better answer may exist")
        if answer.moves:
            moved = [f"{name} {source} -> {target}" for name, source, target in answer.moves]
            lines.append(f"{indent}{len(moved)} moves: {', '.join(moved)}")
        return lines

    def _line(self, cells: Sequence[str]) -> str:
        left = (False, True, True, True, False, False, False, False)
        return "  ".join(
            f"{cell:<{width}}" if to_left else f"{cell:>{width}}"
            for cell, width, to_left in zip(cells, self._widths, left, strict=True)
        )


def tiles_text(names: Sequence[str]) -> str:
    """`6: tile_0-3 tile_8-9`: how many, and ranges of those that differ by their numbers."""
    if not names:
        return ""
    parts: list[tuple[str, int]] = []
    plain: list[str] = []
    for name in names:
        found = _NUMBERED.fullmatch(name)
        if found:
            parts.append((found[1], int(found[2])))
        else:
            plain.append(name)
    parts.sort()
    for _, run in groupby(enumerate(parts), key=lambda each: (each[1][0], each[1][1] - each[0])):
        members = [part for _, part in run]
        (stem, first), (_, last) = members[0], members[-1]
        plain.append(f"{stem}{first}" if first == last else f"{stem}{first}-{last}")
    return f"{len(names)}: {' '.join(plain)}"


def summary(state: ChipState, answers: Sequence[Answer]) -> str:
    """Counts of a trace's answers, and what runs at its end."""
    admitted = sum(answer.outcome == "admitted" for answer in answers)
    refused = sum(answer.outcome == "refused" for answer in answers)
    owned = len(state.usable) - len(state.free)
    broken = f", {len(state.broken)} broken" if state.broken else ""
    return (
        f"{admitted} admitted, {refused} refused; {len(state.running)} running on {owned} of "
        f"{len(state.platform.tiles)} tiles{broken}"
    )


def answers_json(state: ChipState, answers: Sequence[Answer]) -> dict[str, object]:
    """All answers of a trace, and the chip at its end."""
    platform = state.platform
    return {
        "chip": {
            "name": platform.name,
            "tiles": len(platform.tiles),
            "broken": [platform.tiles[tile].name for tile in sorted(state.broken)],
        },
        "events": [answer.fields() for answer in answers],
        "running": [placement(state, program) for program in state.running],
        "free": [platform.tiles[tile].name for tile in state.free],
        "largest_free_block": state.largest_block,
    }
