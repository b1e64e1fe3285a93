"""`spikeloom admit TRACE`: a resource manager answers a trace of arrivals and departures."""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from spikeloom.admission.answers import Answer
from spikeloom.admission.manager import Manager
from spikeloom.admission.programs import Crossbars, applications_of
from spikeloom.admission.state_file import StateFile
from spikeloom.admission.timeline import Timeline, answers_json, summary
from spikeloom.admission.trace import TraceEvent, applied_before, check_sequence, read_trace
from spikeloom.backend.atomic_file import write_atomically
from spikeloom.backend.machine.crossbar_machine import load_crossbar_machine
from spikeloom.diagnostics import did_you_mean, error
from spikeloom.dialects.dataflow.graph import TooManyFirings
from spikeloom.dialects.dataflow.platform import Platform, Tile, mesh
from spikeloom.extract_dataflow import PUBLISHED_TIME
from spikeloom.passes.admission.chip import ChipState
from spikeloom.passes.admission.readiness import make_ready
from spikeloom.passes.clustering.limits import Limits
from spikeloom.terminal import EXIT_OK
from spikeloom.tiles.limits import limits_of

MAX_TILES = 1024
_MESH_OPTIONS = ("rows", "columns", "delay", "bandwidth", "memory", "connections", "actors")


def command(parsed: argparse.Namespace) -> int:
    """Answers the events of a trace, those first that are not in the state file yet.

    Raises:
        DiagnosticError: the machine or a file cannot be read, lines of the trace are not valid
            (E0408), the state is of another chip or in use (E0409), or cannot be written (E0402);
            a guarantee cannot be computed (E0205): events before that one are applied.
    """
    if parsed.state == "":
        raise error("E0405", "--state names no file", help="leave it out to keep nothing")
    chip, crossbars = _chip(parsed)
    events = read_trace(parsed.trace)
    with StateFile(parsed.state) as file:
        state = file.open_chip(chip)
        history, answers = file.history()
        done = applied_before(events, history)
        check_sequence(events[done:], history)
        folder = os.path.dirname(parsed.trace)
        applications = applications_of(events[done:], folder, crossbars)
        make_ready(state, applications.values())
        manager = Manager(state, applications, file)
        answers = answers[len(answers) - done :]
        if done:
            words = f"{done} of {len(events)} events were applied before"
            print(f"{words} and are not applied again", file=sys.stderr)
        timeline = Timeline(each.event for each in events)
        print(timeline.heading)
        for answer in answers:
            print("\n".join(timeline.lines(answer)))
        with _without_old_garbage():
            for each in events[done:]:
                answers.append(_answered(manager, each))
                print("\n".join(timeline.lines(answers[-1])), flush=True)
    print(summary(manager.state, answers))
    if parsed.json is not None:
        text = json.dumps(answers_json(manager.state, answers), indent=2) + "\n"
        write_atomically(parsed.json, text.encode())
    return EXIT_OK


@contextmanager
def _without_old_garbage() -> Iterator[None]:
    """No decision waits a tenth of a second while garbage is looked for in what has been read."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _answered(manager: Manager, each: TraceEvent) -> Answer:
    try:
        return manager.apply(each.event)
    except (OverflowError, TooManyFirings) as problem:
        message = f"the guarantee on this chip cannot be computed: {problem}"
        help = "use smaller rates and times, or a smaller delay"
        raise error("E0205", message, each.location, help) from None


def _chip(parsed: argparse.Namespace) -> tuple[ChipState, Crossbars]:
    """The chip with nothing on it, and what programs are clustered for."""
    given = [name for name in _MESH_OPTIONS if getattr(parsed, name) is not None]
    if not given:
        machine = load_crossbar_machine(parsed.machine)
        crossbars = Crossbars(limits_of(machine), machine.crossbar.pass_.value)
        return _without_broken(machine.platform(), parsed.broken), crossbars
    if parsed.machine is not None:
        message = f"--{given[0]} does not go with --machine, which says all of the chip"
        raise error("E0405", message, help="leave one of them out")
    rows, columns = parsed.rows or 1, parsed.columns or 1
    if rows * columns > MAX_TILES:
        raise error("E0405", f"a mesh has 1 to {MAX_TILES} tiles, not {rows * columns}")
    tile = Tile("tile", memory=parsed.memory, connections=parsed.connections, actors=parsed.actors)
    delay = 1 if parsed.delay is None else parsed.delay
    platform = mesh(rows, columns, tile, delay, parsed.bandwidth)
    return _without_broken(platform, parsed.broken), Crossbars(Limits(), PUBLISHED_TIME)


def _without_broken(platform: Platform, names: str | None) -> ChipState:
    numbers = {tile.name: number for number, tile in enumerate(platform.tiles)}
    broken: set[int] = set()
    for name in (names or "").split(","):
        if not name.strip() and not names:
            continue
        if name.strip() not in numbers:
            help = did_you_mean(name.strip(), numbers) if len(numbers) < 30 else None
            raise error("E0405", f"--broken: there is no tile `{name.strip()}`", help=help)
        broken.add(numbers[name.strip()])
    return ChipState(platform, frozenset(broken))
