"""Decides after `make_ready` in a process of its own; prints compiled loops that were loaded late.

    python ready_decisions.py

Loading one takes longer than a decision may, so nothing should be printed but the counts.
"""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from fractions import Fraction

from dataflow_graphs import layers, live_graphs

from spikeloom.dialects.dataflow.platform import Platform, Tile, mesh
from spikeloom.passes.admission.admission import Admitted, Refused, admit
from spikeloom.passes.admission.chip import ChipState
from spikeloom.passes.admission.defragmentation import defragment
from spikeloom.passes.admission.outlook import outlook
from spikeloom.passes.admission.readiness import make_ready
from spikeloom.passes.binding.application import Application, prepare


def loaded() -> set[str]:
    """The compiled loops of the package, and the types that they are loaded for."""
    functions = {
        f"{name}.{key}": value
        for name, module in list(sys.modules.items())
        if name.startswith("spikeloom.")
        for key, value in vars(module).items()
        if hasattr(value, "nopython_signatures")
    }
    return {f"{name} {each}" for name, of in functions.items() for each in of.nopython_signatures}


def chips() -> list[Platform]:
    """All that makes a difference to the loops: limits, wheels, bandwidths, missing connections."""
    single = mesh(3, 3, Tile("t", actors=1), 2, 1)
    wheels = mesh(2, 3, Tile("t", 8, 3, 4000, 40, 16, 16, 4), 1)
    pair = (Tile("s", 4, 1), Tile("t", actors=2))
    apart = Platform(pair, ((0, None), (None, 0)))
    tight = mesh(2, 2, Tile("t", memory=40, connections=1, actors=2), 1, 4)
    return [single, wheels, apart, tight, mesh(4, 4, Tile("t"))]


def decide(state: ChipState, applications: list[Application], draw: random.Random) -> list[bool]:
    """Arrivals, an outlook for those who are refused, defragmentations; who came in."""
    answers: list[bool] = []
    for number in range(40):
        application = draw.choice(applications)
        period = Fraction(draw.choice([3, 60, 600, 60000]))
        decision = admit(state, f"p{number}", application, period)
        if isinstance(decision, Refused):
            outlook(state, f"p{number}", application, period)
        answers.append(isinstance(decision, Admitted))
        state = decision.state if isinstance(decision, Admitted) else state
        if number % 5 == 4:
            state = defragment(state).state
            state = replace(state, running=state.running[1:])
    return answers


def main() -> None:
    """Prints yeses and noes, then whatever was loaded too late."""
    draw = random.Random(5)
    applications = [prepare(layers(number, 3, 2)) for number in range(3)]
    applications += [prepare(graph) for _, graph in live_graphs(4)]
    states = [ChipState(platform, frozenset({1})) for platform in chips()]
    make_ready(states[0], applications)
    before = loaded()
    answers = [answer for state in states for answer in decide(state, applications, draw)]
    print(sum(answers), len(answers) - sum(answers), len(before))
    for late in sorted(loaded() - before):
        print(late)


if __name__ == "__main__":
    main()
