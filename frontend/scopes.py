"""What the names mean within a network or within one call of a block."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from spikeloom.diagnostics import did_you_mean, nearest
from spikeloom.frontend.findings import Findings
from spikeloom.frontend.operations import Reference, Unresolved, Value
from spikeloom.frontend.syntax import Name


@dataclass
class Scope:
    """Names are counted from 0 in the order of the text; `current` is the statement's number.

    `path` is put before them, "" for the network itself. `owner` is the path of the current
    statement, which holds `calls` calls of blocks, of which `called` have been met.
    """

    path: str
    findings: Findings
    current: int = 0
    owner: str = ""
    calls: int = 0
    called: int = 0
    _numbers: dict[str, int] = field(default_factory=dict[str, int])

    def path_of(self, name: str) -> str:
        """The path of a name of this scope."""
        return f"{self.path}.{name}" if self.path else name

    @property
    def size(self) -> int:
        """How many names are defined."""
        return len(self._numbers)

    def begin(self, name: str, number: int, calls: int) -> None:
        """Goes on to a statement."""
        self.owner, self.current = self.path_of(name), number
        self.calls, self.called = calls, 0

    def next_call(self) -> str:
        """The path of the current statement's next call of a block."""
        self.called += 1
        return self.owner if self.calls == 1 else f"{self.owner}.{self.called}"

    def define(self, name: Name) -> int:
        """The number of a name, behind all others for one that is taken."""
        number = len(self._numbers)
        if name.text in self._numbers:
            self.findings.add(
                "E0103",
                f"the name `{name.text}` is defined twice",
                name.location,
                "a name stands for one value: choose another one",
            )
            return sys.maxsize
        self._numbers[name.text] = number
        return number

    def reference(self, name: Name, delayed: bool) -> Value:
        """What a name stands for; `delayed` inside `previous`."""
        number = self._numbers.get(name.text)
        if number is None:
            self.findings.add(
                "E0102", f"`{name.text}` is not defined", name.location, self._similar(name)
            )
        elif number >= self.current and not delayed:
            itself = number == self.current
            self.findings.add(
                "E0102",
                f"`{name.text}` is defined "
                + ("by this very statement" if itself else "only further down"),
                name.location,
                f"previous({name.text}) is the value it had one time step ago",
            )
        else:
            return Reference(self.path_of(name.text), name.location)
        return Unresolved(name.location)

    def _similar(self, name: Name) -> str | None:
        # A list of hundreds of names helps nobody.
        if 1 <= len(self._numbers) <= 10 or nearest(name.text, self._numbers):
            return did_you_mean(name.text, self._numbers)
        return None
