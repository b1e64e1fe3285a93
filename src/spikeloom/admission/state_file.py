"""A chip's state in a file that survives a kill at any moment: SQLite, an event a transaction.

The database itself keeps two of the laws: a tile has one owner, and an actor one tile, which its
program owns. While a manager works, nobody else can open the file.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from types import TracebackType

from spikeloom.admission.answers import Answer, answer_of
from spikeloom.admission.events import BadEvent, Sequence, parse_event
from spikeloom.admission.kept_text import application_of, application_text, chip_of, chip_text
from spikeloom.diagnostics import DiagnosticError, error
from spikeloom.dialects.dataflow.graph import Deadlock, InconsistentRates, TooManyFirings
from spikeloom.passes.admission.chip import ChipState, Inconsistent, Running
from spikeloom.passes.binding.resources import Infeasible
from spikeloom.passes.binding.transfers import Unconnected

APPLICATION_ID = 0x53504C41
"""Marks the file as ours: "SPLA"."""

VERSION = 1

_TABLES = """
CREATE TABLE chip (description TEXT NOT NULL);
CREATE TABLE programs (
    place INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    promised TEXT NOT NULL,
    guaranteed TEXT NOT NULL,
    application TEXT NOT NULL
);
CREATE TABLE tiles (
    number INTEGER PRIMARY KEY,
    program TEXT NOT NULL REFERENCES programs(name),
    UNIQUE (number, program)
);
CREATE TABLE bindings (
    program TEXT NOT NULL,
    actor INTEGER NOT NULL,
    tile INTEGER NOT NULL,
    PRIMARY KEY (program, actor),
    FOREIGN KEY (tile, program) REFERENCES tiles(number, program)
) WITHOUT ROWID;
CREATE TABLE events (number INTEGER PRIMARY KEY, event TEXT NOT NULL, answer TEXT NOT NULL);
"""

_BROKEN = (
    *(ValueError, KeyError, TypeError, ZeroDivisionError, OverflowError, RecursionError),
    *(InconsistentRates, Deadlock, TooManyFirings, Inconsistent, Infeasible, Unconnected),
    *(IndexError, BadEvent),
)


class StateFile:
    """The file at `path`, made where there is none; None keeps nothing.

    A file that was made is removed if an error ends its use before an event came into it.

    Raises:
        DiagnosticError: the file is none of ours or in use (E0409), or cannot be made (E0402).
    """

    def __init__(self, path: str | None):
        self.path = path
        self._is_of_no_use = path is not None and not os.path.lexists(path)
        with self._guarded():
            # Python's own transactions would begin and end where they please.
            self.connection = sqlite3.connect(path or ":memory:", timeout=0, isolation_level=None)
        try:
            with self._guarded():
                self._prepare()
        except BaseException:
            self._close(failed=True)
            raise

    def __enter__(self) -> StateFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close(failed=kind is not None)

    def _close(self, failed: bool) -> None:
        if self.path is not None and failed and self._is_of_no_use:
            # Before the lock is given up, so that nobody else begins to use it; its log first.
            for path in (f"{self.path}-wal", self.path):
                with suppress(OSError):
                    os.unlink(path)
        self.connection.close()

    def _prepare(self) -> None:
        execute = self.connection.execute
        (mark,) = execute("PRAGMA application_id").fetchone()
        (tables,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and mark != APPLICATION_ID:
            raise error("E0409", f"`{self.path}` is a database, but no state of a chip")
        execute("PRAGMA locking_mode = EXCLUSIVE")
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA foreign_keys = ON")
        with self._transaction():
            (version,) = execute("PRAGMA user_version").fetchone()
            if tables and version != VERSION:
                message = f"`{self.path}` has version {version} of the state, not {VERSION}"
                raise error("E0409", message)
            if not tables:
                for statement in _TABLES.split(";")[:-1]:
                    execute(statement)
                execute(f"PRAGMA application_id = {APPLICATION_ID}")
                execute(f"PRAGMA user_version = {VERSION}")

    def open_chip(self, chip: ChipState) -> ChipState:
        """The state in the file; a new file takes the chip as it is.

        Every law of the state is checked, guarantees included.

        Raises:
            DiagnosticError: the file is of another chip, or breaks a law (E0409).
        """
        with self._guarded():
            row = self.connection.execute("SELECT description FROM chip").fetchone()
            if row is None:
                with self._transaction():
                    insert = "INSERT INTO chip VALUES (?)"
                    self.connection.execute(insert, (chip_text(chip),))
                return chip
            if row[0] != chip_text(chip):
                raise error("E0409", self._other_chip(row[0], chip), help=_OTHER_CHIP)
            try:
                state = self._programs(chip)
                state.check()
            except _BROKEN as problem:
                raise self._broken(problem) from None
            return state

    def _other_chip(self, text: str, chip: ChipState) -> str:
        try:
            kept = chip_of(text)
        except _BROKEN as problem:
            raise self._broken(problem) from None
        of, given = (
            f"`{each.platform.name}` with {len(each.platform.tiles)} tiles" for each in (kept, chip)
        )
        if of == given:
            return f"`{self.path}` is the state of another {given}: its limits or delays differ"
        return f"`{self.path}` is the state of {of}, not of {given}"

    def _broken(self, problem: BaseException) -> DiagnosticError:
        words = f"{problem}" or type(problem).__name__
        return error("E0409", f"`{self.path}` is no consistent state of a chip: {words}")

    def _programs(self, chip: ChipState) -> ChipState:
        execute = self.connection.execute
        state = chip
        columns = "name, promised, guaranteed, application"
        for name, promised, guaranteed, text in execute(
            f"SELECT {columns} FROM programs ORDER BY place"
        ).fetchall():
            select = "SELECT actor, tile FROM bindings WHERE program = ? ORDER BY actor"
            rows = execute(select, (name,)).fetchall()
            application = application_of(text)
            actors = len(application.states)
            binding = tuple(tile for _, tile in rows)
            if [actor for actor, _ in rows] != list(range(actors)):
                raise Inconsistent(f"{name} has {actors} actors, and not every one has its tile")
            if not all(0 <= tile < len(chip.platform.tiles) for tile in binding):
                raise Inconsistent(f"{name} runs on a tile that is not there")
            program = Running(name, application, binding, Fraction(promised), Fraction(guaranteed))
            state = state.admitted(program)
        owned = {(tile, each.name) for each in state.running for tile in each.tiles}
        if owned != set(execute("SELECT number, program FROM tiles").fetchall()):
            raise Inconsistent("tiles are owned that no actor runs on")
        return state

    def history(self) -> tuple[list[str], list[Answer]]:
        """All events that were applied, in order, and their answers.

        Raises:
            DiagnosticError: they cannot be read (E0409).
        """
        with self._guarded():
            select = "SELECT event, answer FROM events ORDER BY number"
            rows = self.connection.execute(select).fetchall()
        try:
            sequence = Sequence()
            for event, _ in rows:
                sequence.follow(parse_event(event))
            return [event for event, _ in rows], [answer_of(answer) for _, answer in rows]
        except _BROKEN as problem:
            raise self._broken(problem) from None

    def apply(self, event: str, answer: str, before: ChipState, after: ChipState) -> None:
        """Keeps an event, its answer and the change of the state: all of it or nothing.

        Raises:
            DiagnosticError: the file cannot be written (E0402); nothing is kept.
        """
        kept = {program.name: program for program in before.running}
        new = {program.name: program for program in after.running}
        with self._guarded(), self._transaction():
            execute = self.connection.execute
            changed = [name for name, program in kept.items() if new.get(name) is not program]
            for name in changed:
                execute("DELETE FROM bindings WHERE program = ?", (name,))
                execute("DELETE FROM tiles WHERE program = ?", (name,))
                if name not in new:
                    execute("DELETE FROM programs WHERE name = ?", (name,))
            for name, program in new.items():
                if kept.get(name) is not program:
                    self._write(program, name in kept)
            execute("INSERT INTO events (event, answer) VALUES (?, ?)", (event, answer))
        self._is_of_no_use = False

    def _write(self, program: Running, known: bool) -> None:
        connection, name = self.connection, program.name
        guaranteed = str(program.guaranteed)
        if known:
            update = "UPDATE programs SET guaranteed = ? WHERE name = ?"
            connection.execute(update, (guaranteed, name))
        else:
            connection.execute(
                "INSERT INTO programs (name, promised, guaranteed, application)"
                " VALUES (?, ?, ?, ?)",
                (name, str(program.promised), guaranteed, application_text(program.application)),
            )
        connection.executemany(
            "INSERT INTO tiles VALUES (?, ?)", [(tile, name) for tile in program.tiles]
        )
        connection.executemany(
            "INSERT INTO bindings VALUES (?, ?, ?)",
            [(name, actor, tile) for actor, tile in enumerate(program.binding)],
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Errors of SQLite as what they mean to a user."""
        try:
            yield
        except sqlite3.Error as problem:
            name = getattr(problem, "sqlite_errorname", "")
            if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                message = f"`{self.path}` is in use by another run"
                raise error("E0409", message, help="wait until it has ended") from None
            if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_CONSTRAINT")):
                raise error("E0409", f"`{self.path}` is no state of a chip: {problem}") from None
            if name in ("", "SQLITE_ERROR", "SQLITE_MISMATCH"):
                raise error("E0409", f"`{self.path}` is no state of a chip: {problem}") from None
            raise error("E0402", f"cannot write `{self.path}`: {problem}") from None


_OTHER_CHIP = "use the chip's own file, or another --state"
