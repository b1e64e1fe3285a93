"""What the first decisions would otherwise make, made before: columns, compiled loops."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction

from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph, TooManyFirings
from spikeloom.dialects.dataflow.platform import Tile, mesh
from spikeloom.passes.admission.admission import admit
from spikeloom.passes.admission.chip import ChipState
from spikeloom.passes.binding.application import Application, prepare

_ANY_PERIOD = Fraction(2**60)


def make_ready(state: ChipState, applications: Iterable[Application] = ()) -> None:
    """Decides once about every application on the empty chip, and forgets the answers.

    Loading compiled loops takes about a second, once per process; compiling them some seconds,
    once per computer. A program that cannot be analysed on this chip is left to the decision.
    """
    pair = prepare(Graph((Actor("a", 1), Actor("b", 1)), (Channel("c", 0, 1),)))
    admit(ChipState(mesh(1, 2, Tile("t", actors=1))), "pair", pair, _ANY_PERIOD)
    # A program that finds no tile: what the reason is takes one more loop.
    admit(ChipState(mesh(1, 2, Tile("t", actors=1, connections=0))), "pair", pair, _ANY_PERIOD)
    empty = replace(state, running=())
    for application in applications:
        with suppress(OverflowError, TooManyFirings):
            admit(empty, "any", application, _ANY_PERIOD)
