"""The resource manager: one event after the other, each answered and kept before the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from spikeloom.admission.answers import Answer
from spikeloom.admission.events import Arrival, Defragmentation, Departure, Event, event_text
from spikeloom.admission.programs import application_key
from spikeloom.admission.state_file import StateFile
from spikeloom.passes.admission.admission import Admitted, Refused, admit
from spikeloom.passes.admission.chip import ChipState, NotRunning, Running, release
from spikeloom.passes.admission.defragmentation import defragment
from spikeloom.passes.admission.outlook import Outlook, outlook
from spikeloom.passes.binding.application import Application


class Manager:
    """Answers events on a chip; what it answers is in the state file when it returns."""

    def __init__(self, state: ChipState, applications: Mapping[str, Application], file: StateFile):
        self.state = state
        self._applications, self._file = applications, file

    def apply(self, event: Event) -> Answer:
        """Answers one event, in one transaction.

        Raises:
            DiagnosticError: the state file cannot be written (E0402); the event is not applied.
        """
        if isinstance(event, Arrival):
            state, answer = self._arrival(event)
        elif isinstance(event, Departure):
            state, answer = self._departure(event)
        else:
            state, answer = self._defragmentation(event)
        self._file.apply(event_text(event), answer.text(), self.state, state)
        self.state = state
        return answer

    def _arrival(self, event: Arrival) -> tuple[ChipState, Answer]:
        application = self._applications[application_key(event)]
        decision = admit(self.state, event.name, application, event.period)
        if isinstance(decision, Refused):
            chances = outlook(self.state, event.name, application, event.period)
            return self.state, _refusal(self.state, event, decision, chances)
        return decision.state, _admission(event, decision)

    def _departure(self, event: Departure) -> tuple[ChipState, Answer]:
        try:
            ended = self.state.program(event.name)
        except NotRunning:
            # It has arrived, which the trace's check has seen, and was refused.
            return self.state, _answer(self.state, event.time, "depart", event.name, "not running")
        state = release(self.state, event.name)
        tiles = _names(state, ended.tiles)
        return state, _answer(state, event.time, "depart", event.name, "released", tiles)

    def _defragmentation(self, event: Defragmentation) -> tuple[ChipState, Answer]:
        found = defragment(self.state, event.tiles)
        state = found.state
        reason = ""
        if event.tiles is not None and found.after < event.tiles:
            reason = (
                f"no block of {event.tiles} tiles can be freed: the largest has {found.after}, "
                f"{len(state.free)} tiles are free"
            )
        moves = [(each.program, *_names(state, (each.source, each.target))) for each in found.moves]
        answer = Answer(
            event.time,
            "defragment",
            "",
            "moved" if moves else "unchanged",
            len(state.free),
            state.largest_block,
            moves=tuple((name, source, target) for name, source, target in moves),
            reason=reason,
            complete=found.complete,
        )
        return state, answer


def _admission(event: Arrival, decision: Admitted) -> Answer:
    program, state = decision.program, decision.state
    return Answer(
        event.time,
        "arrive",
        event.name,
        "admitted",
        len(state.free),
        state.largest_block,
        _names(state, program.tiles),
        program.promised,
        program.guaranteed,
    )


def _refusal(state: ChipState, event: Arrival, decision: Refused, chances: Outlook) -> Answer:
    if not state.running:
        when = ""
    elif not chances.alone:
        when = "; no binding was found on the empty chip either"
    elif chances.moves is not None:
        when = f"; it would fit after a defragmentation with {chances.moves} moves"
    else:
        when = "; it would fit on the empty chip"
    return Answer(
        event.time,
        "arrive",
        event.name,
        "refused",
        len(state.free),
        state.largest_block,
        promised=event.period,
        limit=decision.limit.value,
        reason=decision.reason,
        remedy=f"{decision.remedy}{when}",
        complete=decision.complete,
    )


def _answer(
    state: ChipState,
    time: Fraction,
    kind: str,
    name: str,
    outcome: str,
    tiles: tuple[str, ...] = (),
) -> Answer:
    return Answer(time, kind, name, outcome, len(state.free), state.largest_block, tiles)


def _names(state: ChipState, tiles: Iterable[int]) -> tuple[str, ...]:
    return tuple(state.platform.tiles[tile].name for tile in tiles)


def placement(state: ChipState, program: Running) -> dict[str, object]:
    """Where a running program is, as JSON has it: actors by tile in their static orders."""
    graph, platform = program.application.graph, state.platform
    orders = program.application.orders(program.binding, platform)
    return {
        "name": program.name,
        "promised": str(program.promised),
        "guaranteed": str(program.guaranteed),
        "binding": {
            actor.name: platform.tiles[tile].name
            for actor, tile in zip(graph.actors, program.binding, strict=True)
        },
        "orders": {
            tile.name: [graph.actors[actor].name for actor in order]
            for tile, order in zip(platform.tiles, orders, strict=True)
            if order
        },
    }
