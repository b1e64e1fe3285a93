"""Defragmentation: room is made tile by tile, and every promise holds after every move."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from dataflow_graphs import layers
from test_admission import admitted, chain, refused

from spikeloom.dialects.dataflow.platform import Tile, mesh
from spikeloom.passes.admission.admission import Admitted, admit
from spikeloom.passes.admission.chip import ChipState, release
from spikeloom.passes.admission.defragmentation import defragment
from spikeloom.passes.admission.outlook import outlook
from spikeloom.passes.binding.application import prepare


def fragmented(seed: int) -> ChipState:
    """A mesh filled with programs, of which some have departed."""
    draw = random.Random(seed)
    state = ChipState(mesh(6, 6, Tile("t", actors=1), 1, 2), frozenset(draw.sample(range(36), 2)))
    choices = [prepare(layers(n, 3, draw.randint(1, 3))) for n in range(6)]
    for number in range(14):
        period = Fraction(draw.randint(20, 60))
        decision = admit(state, f"p{number}", draw.choice(choices), period)
        if isinstance(decision, Admitted):
            state = decision.state
    for program in draw.sample(state.running, len(state.running) // 2):
        state = release(state, program.name)
    return state


@pytest.mark.parametrize("seed", range(8))
def test_every_promise_holds_after_every_single_move(seed: int):
    before = fragmented(seed)
    found = defragment(before)
    state = before
    for move in found.moves:
        assert move.target in state.free
        program = state.program(move.program)
        assert move.source in program.tiles
        binding = tuple(move.target if t == move.source else t for t in program.binding)
        period = program.application.guarantee(binding, state.platform).period
        assert period <= program.promised == before.program(move.program).promised
        state = state.replaced(replace(program, binding=binding, guaranteed=period))
        state.check()
    assert state == found.state
    assert (found.before, found.after) == (before.largest_block, state.largest_block)
    assert found.after > found.before if found.moves else state is before
    assert len(state.free) == len(before.free)


def test_scattered_tiles_become_one_block():
    gained = 0
    for seed in range(8):
        found = defragment(fragmented(seed))
        gained += found.after - found.before
        assert found.complete
    assert gained > 10


def two_apart() -> ChipState:
    """Tiles in a row: free, owned, free, owned, free."""
    state = ChipState(mesh(1, 5, Tile("t", actors=1), 10))
    for number in range(5):
        state = admitted(admit(state, f"p{number}", chain([5]), Fraction(5))).state
    for number in (0, 2, 4):
        name = next(each.name for each in state.running if each.tiles == (number,))
        state = release(state, name)
    return state


def test_as_many_tiles_as_are_wanted_and_no_more_moves_than_that_takes():
    state = two_apart()
    assert state.largest_block == 1
    assert len(defragment(state, 2).moves) == 1
    assert defragment(state, 3).after == 3
    assert defragment(state, 1).moves == ()
    assert defragment(state, 4).moves == ()


def test_nothing_moves_where_a_promise_stands_against_it():
    """Neighbours that were promised the period of one hop do not let go of each other."""
    tight = chain([1, 1, 1], tokens=0)
    state = ChipState(mesh(1, 8, Tile("t", actors=1), 10))
    near = admitted(admit(state, "near", tight, Fraction(10**6))).program
    period = tight.guarantee((2, 3, 4), state.platform).period
    state = state.admitted(replace(near, binding=(2, 3, 4), guaranteed=period, promised=period))
    state.check()
    assert state.largest_block == 3
    alone = defragment(state, 5)
    assert alone.moves == ()
    assert alone.state is state
    loose = state.replaced(replace(state.running[0], promised=10 * period))
    moved = defragment(loose, 5)
    assert moved.after == 5
    moved.state.check()


def test_a_search_that_runs_out_of_guarantees_says_so_and_moves_nothing():
    state = two_apart()
    cut = defragment(state, 3, evaluations=0)
    assert not cut.complete
    assert cut.moves == ()
    assert cut.state is state
    assert defragment(state, 3, evaluations=1).complete


def test_an_outlook_says_that_moves_would_let_a_program_in():
    state = two_apart()
    far = chain([5, 5, 5], tokens=0)
    platform = state.platform
    near = far.guarantee((0, 1, 2), platform).period
    assert near < far.guarantee((0, 2, 4), platform).period
    refused(admit(state, "far", far, near))
    found = outlook(state, "far", far, near)
    assert found.alone
    assert found.moves
    assert admitted(admit(defragment(state, 3).state, "far", far, near))
