"""How long an admission takes: `python benchmarks/admission.py [--decisions N]`.

Programs of 100 clusters and 500 channels, prepared before; a decision is one call of `admit`:
tiles, binding, orders and guarantee, or the reason why not. The chip is partly in use, by other
programs. Wall clock and processor time, and how many decisions took 10 ms or more. The first line
has the first decision of the process, after `make_ready`, which loads compiled loops. As in
`spikeloom admit`, garbage is not looked for in what was there before the decisions.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

from throughput import layered_graph

from spikeloom.dialects.dataflow.graph import Graph
from spikeloom.dialects.dataflow.platform import Platform, Tile, mesh
from spikeloom.passes.admission.admission import Admitted, admit
from spikeloom.passes.admission.chip import ChipState, release
from spikeloom.passes.admission.defragmentation import defragment
from spikeloom.passes.admission.readiness import make_ready
from spikeloom.passes.binding.application import Application, prepare

DEMANDED = 0.010
"""Seconds that a decision for 100 clusters may take."""

CHIPS = (
    ("16 x 16, a cluster per tile", mesh(16, 16, Tile("t", actors=1), 1, 8)),
    ("12 x 12, a cluster per tile", mesh(12, 12, Tile("t", 8, 8, 4096, 64, 96, 96, 1), 1, 8)),
    ("8 x 8, clusters share tiles", mesh(8, 8, Tile("t"), 1, 8)),
    ("4 x 4, half of every wheel", mesh(4, 4, Tile("t", 8, 4), 1, 8)),
)


@dataclass(frozen=True)
class Decision:
    """Seconds of one decision, and whether it was yes."""

    wall: float
    processor: float
    yes: bool


def decisions(platform: Platform, count: int, seed: int) -> list[Decision]:
    """Decisions on a chip of which some tiles are owned by small programs that come and go."""
    draw = random.Random(seed)
    large = [prepare(layered_graph(100, 500, number, 10)) for number in range(8)]
    small = [prepare(layered_graph(8, 20, number, 4)) for number in range(8)]
    for application in (*large, *small):
        assert application.alone.period > 0
    fastest = [_reached(application, platform) for application in large]
    state = ChipState(platform)
    found: list[Decision] = []
    for number in range(count + 1):
        if len(state.running) > 2 and draw.random() < 0.5:
            state = release(state, draw.choice(state.running).name)
        else:
            other = admit(state, f"small{number}", draw.choice(small), Fraction(2000))
            state = other.state if isinstance(other, Admitted) else state
        chosen = draw.randrange(len(large))
        period = fastest[chosen] * Fraction(draw.randint(8, 40), 10)
        wall, processor = time.perf_counter(), time.process_time()
        answer = admit(state, "large", large[chosen], period)
        spent = time.perf_counter() - wall, time.process_time() - processor
        found.append(Decision(*spent, isinstance(answer, Admitted)))
    return found[1:]


def _reached(application: Application, platform: Platform) -> Fraction:
    """What the program reaches on the whole chip."""
    answer = admit(ChipState(platform), "large", application, Fraction(10**9))
    assert isinstance(answer, Admitted)
    return min(answer.program.guaranteed, Fraction(1000))


def first_decision() -> str:
    """What `make_ready` takes in this process, and the decision after it."""
    application = prepare(layered_graph(100, 500, 0, 10))
    state = ChipState(CHIPS[0][1])
    begun = time.perf_counter()
    make_ready(state, [application])
    gc.freeze()
    ready = time.perf_counter()
    answer = admit(state, "first", application, Fraction(10**9))
    decided = time.perf_counter()
    assert isinstance(answer, Admitted)
    return (
        f"the first decision {1000 * (decided - ready):.1f} ms, after {ready - begun:.1f} s in "
        f"which everything was made ready"
    )


def share(values: Iterable[float], part: float) -> float:
    """The value below which a part of the values lies, in milliseconds."""
    ordered = sorted(values)
    return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def row(name: str, found: list[Decision]) -> str:
    """Median, 95 % and maximum of a set of decisions; how many were too slow."""
    kinds: tuple[Callable[[Decision], float], ...] = (lambda d: d.wall, lambda d: d.processor)
    times = [share(map(kind, found), part) for kind in kinds for part in (0.5, 0.95, 1)]
    late = sum(each.wall >= DEMANDED for each in found)
    cells = "".join(f" {each:8.2f}" for each in times)
    return f"{name:34} {len(found):6}{cells} {late:10}"


def fragmented() -> ChipState:
    """A chip of 256 tiles with small programs, of which half have departed."""
    draw = random.Random(3)
    graphs: list[Graph] = [layered_graph(8, 20, number, 4) for number in range(8)]
    small = [prepare(graph) for graph in graphs]
    state = ChipState(mesh(16, 16, Tile("t", actors=1), 1, 8))
    for number in range(31):
        answer = admit(state, f"p{number}", draw.choice(small), Fraction(200))
        state = answer.state if isinstance(answer, Admitted) else state
    for program in draw.sample(state.running, len(state.running) // 2):
        state = release(state, program.name)
    return state


def main() -> None:
    """Prints a line per chip for the yeses and one for the noes; then one defragmentation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=250)
    count = parser.parse_args().decisions
    print(first_decision())
    print(f"{'milliseconds':34} {'':>6} {'wall clock':>26} {'processor':>26} {'wall clock':>10}")
    heads = "".join(f" {each:>8}" for each in 2 * ("median", "95 %", "most"))
    print(f"{'chip, answer':34} {'number':>6}{heads} {'10 or more':>10}")
    for seed, (name, platform) in enumerate(CHIPS):
        found = decisions(platform, count, seed)
        for yes, word in ((True, "yes"), (False, "no")):
            if answers := [each for each in found if each.yes is yes]:
                print(row(f"{name}: {word}", answers))
    state = fragmented()
    started = time.process_time()
    moved = defragment(state)
    print(
        f"defragmentation of 256 tiles: {1000 * (time.process_time() - started):.0f} ms, "
        f"{len(moved.moves)} moves, largest block {moved.before} -> {moved.after} of "
        f"{len(state.free)} free tiles"
    )


if __name__ == "__main__":
    main()
