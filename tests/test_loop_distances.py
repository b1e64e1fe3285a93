"""What the channels of a loop's graph say: which instructions, and how many iterations between."""

from __future__ import annotations

import pytest
from loop_graphs import decoded_of, graphs
from random_machines import LARGE, machine

from spikeloom.backend.dataflow.loop_graph import LoopGraph, loop_graph
from spikeloom.backend.dataflow.loops import loops_of
from spikeloom.backend.dataflow.waits import Reason
from spikeloom.backend.stream.stream import NO_LOOP, Slice, Stream, StreamBuilder
from spikeloom.backend.validation.validator import validate
from spikeloom.dialects.dataflow.graph import TooManyFirings
from spikeloom.dialects.instruction_set import Element


def pipeline_stream(
    copies: int = 1, behind: int = 0, still: bool = False, late: int | None = None, stop: int = 40
) -> Stream:
    """A loop that loads a tile, adds it to itself and stores the sum.

    It loads the sum of `behind` iterations before, or always the same one, or what is never stored.
    A buffer at the address `late` is cleared behind it.
    """
    builder = StreamBuilder()
    shape, extents = (1, stop, 1, 4), (1, 1, 1, 4)
    here = builder.buffer("here", Element.F32, shape, "dram", 0)
    there = builder.buffer("there", Element.F32, shape, "dram", 1 << 20)
    tile = builder.buffer("tile", Element.F32, extents, "state_sram", 0, copies=copies)
    total = builder.buffer("total", Element.F32, extents, "state_sram", 4096, copies=2)
    other = builder.buffer("other", Element.F32, extents, "state_sram", late or 8192)
    for home in (here, there):
        builder.emit("clear", {"target": Slice(home)}, shape)
    with builder.loop(8, stop, 1) as depth:
        loops = (NO_LOOP, depth, NO_LOOP, NO_LOOP)
        moving = Slice(there, (0, 0, 0, 0), loops)
        source = Slice(there, (0, 0, 0, 0)) if still else Slice(here, (0, 0, 0, 0), loops)
        if behind:
            source = Slice(there, (0, -behind, 0, 0), loops)
        builder.emit("load", {"target": Slice(tile), "source": source}, extents)
        operands = {"sum": Slice(total), "left": Slice(tile), "right": Slice(tile)}
        builder.emit("add", operands, extents)
        builder.emit("store", {"target": moving, "source": Slice(total)}, extents)
        if late is not None:
            builder.emit("clear", {"target": Slice(other)}, extents)
    return builder.finish()


def tokens(found: LoopGraph, source: int, target: int, reason: Reason) -> list[int]:
    """Of the channels between two instructions of the loop, in their order."""
    return [
        channel.tokens
        for channel in found.graph.channels
        if (channel.source, channel.target) == (source, target)
        and channel.name.startswith(reason.value)
    ]


LOAD, ADD, STORE = range(3)
PARTS = machine(dram__watched_parts=64, clock__issue_rate=1)


def only_graph(stream: Stream) -> LoopGraph:
    validate(stream, LARGE)
    ((_, found),) = graphs(stream, PARTS)
    return found


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_a_tile_is_free_again_as_many_iterations_later_as_it_has_copies(copies: int):
    found = only_graph(pipeline_stream(copies))
    assert found.exact_distances
    assert tokens(found, LOAD, ADD, Reason.OPERAND) == [0]
    assert tokens(found, ADD, LOAD, Reason.DRAIN) == [copies]
    assert tokens(found, LOAD, LOAD, Reason.ENGINE) == [1] * (copies > 1)


@pytest.mark.parametrize("behind", [1, 2, 5])
def test_what_was_stored_some_iterations_before_is_that_far_away(behind: int):
    found = only_graph(pipeline_stream(behind=behind))
    assert found.exact_distances
    assert tokens(found, STORE, LOAD, Reason.OPERAND) == [behind]


def test_what_is_not_stored_in_the_loop_has_no_channel():
    assert tokens(only_graph(pipeline_stream()), STORE, LOAD, Reason.OPERAND) == []


@pytest.mark.parametrize("iterations", [3, 20])
def test_the_one_iteration_that_begins_a_copy_does_not_repeat(iterations: int):
    builder = StreamBuilder()
    shape, extents = (iterations, 1, 1, 4), (1, 1, 1, 4)
    home = builder.buffer("home", Element.F32, shape, "dram", 0)
    tile = builder.buffer("tile", Element.F32, shape, "state_sram", 0, copies=2)
    # Down to the origin, where a write begins the next copy.
    with builder.loop(iterations - 1, -1, -1) as depth:
        box = Slice(tile, loops=(depth, NO_LOOP, NO_LOOP, NO_LOOP))
        builder.emit("clear", {"target": box}, extents)
        builder.emit("store", {"target": Slice(home), "source": box}, extents)
    found = only_graph(builder.finish())
    assert tokens(found, 1, 0, Reason.DRAIN) == [1]


def test_where_one_box_moves_and_another_does_not_the_distance_is_a_bound():
    found = only_graph(pipeline_stream(still=True))
    assert not found.exact_distances
    assert tokens(found, STORE, LOAD, Reason.OPERAND) == [1]


def test_where_copies_share_addresses_with_other_buffers_the_distance_is_a_bound():
    # The second copy of the tile lies at 64.
    found = only_graph(pipeline_stream(copies=2, late=64))
    assert not found.exact_distances
    assert tokens(found, ADD, LOAD, Reason.DRAIN) == [1]
    assert only_graph(pipeline_stream(copies=2, late=128)).exact_distances


@pytest.mark.parametrize(("step", "exact"), [(2, True), (3, False)])
def test_what_boxes_share_in_later_entries_is_exact_where_these_move_by_whole_parts(step, exact):
    builder = StreamBuilder()
    shape, extents = (1, 100, 1, 4), (1, 1, 1, 4)
    home = builder.buffer("home", Element.F32, shape, "dram", 0)
    tile = builder.buffer("tile", Element.F32, extents, "state_sram", 0)
    builder.emit("clear", {"target": Slice(home)}, shape)
    with builder.loop(0, 4 * step, step) as outer, builder.loop(0, 8, 1):
        loops = (NO_LOOP, outer, NO_LOOP, NO_LOOP)
        first, second = Slice(home, loops=loops), Slice(home, (0, 1, 0, 0), loops)
        builder.emit("load", {"target": Slice(tile), "source": first}, extents)
        builder.emit("store", {"target": second, "source": Slice(tile)}, extents)
    _, (_, found) = graphs(builder.finish(), PARTS)
    # 100 samples in up to 64 parts are 2 to a part.
    assert found.exact_distances == exact


def test_parts_that_two_iterations_share_are_told_apart_by_an_iteration_of_several():
    coarse = machine(dram__watched_parts=16, clock__issue_rate=1)
    stream = pipeline_stream(behind=1, stop=40)
    ((_, found),) = graphs(stream, coarse)
    # 40 samples in up to 16 parts are 4 to a part.
    assert (found.iterations, found.exact_distances) == (4, True)


def test_the_graph_does_not_grow_with_the_iterations():
    decoded = [decoded_of(pipeline_stream(2, stop=n), PARTS) for n in (40, 60)]
    assert [loop.iterations for each in decoded for loop in loops_of(each)] == [32, 52]
    assert only_graph(pipeline_stream(2, stop=40)) == only_graph(pipeline_stream(2, stop=60))


def test_a_loop_that_is_too_long_is_refused():
    stream = pipeline_stream()
    decoded = decoded_of(stream, PARTS)
    (loop,) = loops_of(decoded)
    with pytest.raises(TooManyFirings, match="3 firings, more than the 2"):
        loop_graph(stream, decoded, loop, 1, limit=2)


def test_loops_know_what_is_around_them():
    builder = StreamBuilder()
    with builder.loop(0, 6, 2):
        with builder.loop(5, -1, -1), builder.loop(0, 1, 1):
            pass
        with builder.loop(0, 7, 3):
            pass
    loops = loops_of(decoded_of(builder.finish(), PARTS))
    assert [loop.enclosing for loop in loops] == [(), (0,), (0, 1), (0,)]
    assert [loop.closed for loop in loops] == [7, 4, 3, 6]
    assert [loop.iterations for loop in loops] == [3, 6, 1, 3]
    assert [loop.entries for loop in loops] == [1, 3, 18, 3]
    assert not any(loop.instructions for loop in loops)
