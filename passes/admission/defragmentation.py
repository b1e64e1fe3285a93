"""Defragmentation: running programs give way, tile by tile, until a large connected block is free.

A move takes all that a program has on one tile to one free tile. The new tile is set up while the
old one still runs, and the program changes over between two iterations; so its guarantee must hold
before and after every single move, and both are checked. Nothing moves unless all moves of a plan
do. Where a block of tiles shall become free, no program moves into it: as many tiles as are owned
in it are free outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from spikeloom.passes.admission.chip import ChipState, Running
from spikeloom.passes.admission.regions import grown, regions
from spikeloom.passes.binding.resources import Infeasible, check_binding
from spikeloom.passes.binding.transfers import Unconnected

MAX_EVALUATIONS = 256
"""Guarantees computed for one defragmentation."""

MAX_SEEDS = 64
"""Tiles from which blocks are grown, for one size of block."""

MAX_PLANS = 8
"""Blocks that are tried, for one size of block."""


@dataclass(frozen=True)
class Move:
    """What a program has on tile `source` goes to the free tile `target`."""

    program: str
    source: int
    target: int


@dataclass(frozen=True)
class Defragmented:
    """A plan that has been carried out on the state.

    Attributes:
        moves: one after the other; none where nothing better was found.
        before, after: tiles of the largest connected free block.
        complete: False where guarantees ran out before all blocks were tried.
    """

    state: ChipState
    moves: tuple[Move, ...]
    before: int
    after: int
    complete: bool


def defragment(
    state: ChipState, wanted: int | None = None, evaluations: int = MAX_EVALUATIONS
) -> Defragmented:
    """Moves programs so that `wanted` connected tiles are free, or as many as possible.

    Every promise holds after every move. Where as many as wanted cannot be had, nothing moves.
    Among the blocks of a size those come first in which fewest tiles are owned.
    """
    before = state.largest_block
    most = min(len(state.free), max(map(len, regions(state.platform, state.usable)), default=0))
    budget = _Budget(evaluations)
    for size in _sizes(before, most, wanted):
        for block in _blocks(state, size):
            plan = _cleared(state, block, budget)
            if plan is not None:
                return Defragmented(plan[0], plan[1], before, plan[0].largest_block, True)
            if not budget.left:
                return Defragmented(state, (), before, before, False)
    return Defragmented(state, (), before, before, True)


class _Budget:
    """Guarantees that may still be computed."""

    def __init__(self, left: int):
        self.left = left


def _sizes(before: int, most: int, wanted: int | None) -> Iterator[int]:
    """Sizes of blocks that would be better, the best first; then half as much better."""
    if wanted is not None:
        if before < wanted <= most:
            yield wanted
        return
    size = most
    while size > before:
        yield size
        size = before + (size - before) // 2


def _blocks(state: ChipState, size: int) -> list[tuple[int, ...]]:
    """Connected blocks of usable tiles, those with fewest owned tiles first."""
    platform, free = state.platform, frozenset(state.free)
    found: dict[tuple[int, ...], int] = {}
    for region in regions(platform, state.usable):
        if len(region) < size:
            break
        step = -(-len(region) // MAX_SEEDS)
        for seed in region[::step]:
            block = tuple(sorted(grown(platform, region, size, seed)))
            if block not in found and len(regions(platform, block)) == 1:
                found[block] = sum(tile not in free for tile in block)
    return sorted(found, key=lambda block: (found[block], block))[:MAX_PLANS]


def _cleared(
    state: ChipState, block: tuple[int, ...], budget: _Budget
) -> tuple[ChipState, tuple[Move, ...]] | None:
    """The state with a block free, and the moves to it; None where a promise stands against it."""
    inside = frozenset(block)
    moves: list[Move] = []
    for program in state.running:
        for tile in program.tiles:
            if tile not in inside:
                continue
            targets = [each for each in state.free if each not in inside]
            found = _moved(state, program.name, tile, targets, budget)
            if found is None:
                return None
            state, target = found
            moves.append(Move(program.name, tile, target))
    return state, tuple(moves)


def _moved(
    state: ChipState, name: str, source: int, targets: list[int], budget: _Budget
) -> tuple[ChipState, int] | None:
    """The state with the contents of one tile on the nearest of some free tiles that will do."""
    program = state.program(name)
    apart = state.platform.apart
    others = [tile for tile in program.tiles if tile != source]
    targets.sort(key=lambda tile: (sum(float(apart[tile, other]) for other in others), tile))
    for target in targets:
        if not budget.left:
            return None
        budget.left -= 1
        moved = _rebound(state, program, source, target)
        if moved is not None:
            return state.replaced(moved), target
    return None


def _rebound(state: ChipState, program: Running, source: int, target: int) -> Running | None:
    """The program with one tile exchanged; None where that breaks a limit or its promise."""
    binding = tuple(target if tile == source else tile for tile in program.binding)
    try:
        check_binding(program.application, binding, state.platform)
        period = program.application.guarantee(binding, state.platform).period
    except (Infeasible, Unconnected):
        return None
    if period > program.promised:
        return None
    return replace(program, binding=binding, guaranteed=period)
