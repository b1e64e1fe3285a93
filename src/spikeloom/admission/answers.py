"""What the manager answers to an event, and how that is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Answer:
    """The answer to one event, and what the chip looks like afterwards.

    Attributes:
        kind: arrive, depart or defragment.
        name: of the program; "" for a defragmentation.
        outcome: admitted, refused, released, not running, moved or unchanged.
        tiles: the names of a program's tiles (admitted, released), or of the tiles that were moved
            to (moved).
        promised, guaranteed: periods in cycles per iteration, of an arrival.
        limit, reason, remedy: of a refusal; of a defragmentation that found nothing the reason.
        complete: False where a search was cut.
        free, block: free tiles, and those of the largest connected block.
    """

    time: Fraction
    kind: str
    name: str
    outcome: str
    free: int
    block: int
    tiles: tuple[str, ...] = ()
    promised: Fraction | None = None
    guaranteed: Fraction | None = None
    moves: tuple[tuple[str, str, str], ...] = ()
    limit: str = ""
    reason: str = ""
    remedy: str = ""
    complete: bool = True

    def fields(self) -> dict[str, object]:
        """As JSON has it; what does not apply is left out."""
        found: dict[str, object] = {
            "time": str(self.time),
            "event": self.kind,
            "name": self.name,
            "outcome": self.outcome,
            "tiles": list(self.tiles),
            "promised": None if self.promised is None else str(self.promised),
            "guaranteed": None if self.guaranteed is None else str(self.guaranteed),
            "moves": [
                {"program": program, "from": source, "to": target}
                for program, source, target in self.moves
            ],
            "limit": self.limit,
            "reason": self.reason,
            "remedy": self.remedy,
        }
        kept = {key: value for key, value in found.items() if value not in (None, "", [])}
        if not self.complete:
            kept["search"] = "cut"
        return kept | {"free_tiles": self.free, "largest_free_block": self.block}

    def text(self) -> str:
        """As a state file keeps it."""
        return json.dumps(self.fields())


def answer_of(text: str) -> Answer:
    """The answer in a state file.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    fields: dict[str, Any] = json.loads(text)

    def period(key: str) -> Fraction | None:
        return Fraction(fields[key]) if key in fields else None

    return Answer(
        Fraction(fields["time"]),
        str(fields["event"]),
        str(fields.get("name", "")),
        str(fields["outcome"]),
        int(fields["free_tiles"]),
        int(fields["largest_free_block"]),
        tuple(map(str, fields.get("tiles", ()))),
        period("promised"),
        period("guaranteed"),
        tuple((str(m["program"]), str(m["from"]), str(m["to"])) for m in fields.get("moves", ())),
        str(fields.get("limit", "")),
        str(fields.get("reason", "")),
        str(fields.get("remedy", "")),
        "search" not in fields,
    )
