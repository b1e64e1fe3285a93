"""Admission: who is let in keeps the period that was promised, who is not learns why."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from dataflow_graphs import layers, live_graphs

from spikeloom.dialects.dataflow.graph import Actor, Channel, Graph
from spikeloom.dialects.dataflow.platform import Platform, Tile, mesh
from spikeloom.passes.admission import local_search
from spikeloom.passes.admission.admission import Admitted, Refused, admit
from spikeloom.passes.admission.bounds import Limit, least_tiles, shortest_period
from spikeloom.passes.admission.chip import ChipState, Inconsistent, NotRunning, Running, release
from spikeloom.passes.admission.local_search import evaluations_for
from spikeloom.passes.admission.outlook import Outlook, outlook
from spikeloom.passes.admission.regions import compact_block, regions
from spikeloom.passes.binding.application import Application, prepare
from spikeloom.passes.binding.resources import Infeasible, check_binding
from spikeloom.passes.binding.search import best_binding


def chain(times: list[int], tokens: int = 1) -> Application:
    """Actors one after the other, a pipeline where `tokens` lie between them."""
    actors = tuple(Actor(f"a{number}", time) for number, time in enumerate(times))
    channels = tuple(
        Channel(f"c{number}", number, number + 1, tokens=tokens) for number in range(len(times) - 1)
    )
    return prepare(Graph(actors, channels))


def admitted(decision: Admitted | Refused) -> Admitted:
    assert isinstance(decision, Admitted), decision
    return decision


def refused(decision: Admitted | Refused) -> Refused:
    assert isinstance(decision, Refused), decision
    return decision


def applications(seed: int) -> list[Application]:
    live = [prepare(graph) for _, graph in live_graphs(6)]
    return [prepare(layers(seed + n, 3, 2 + n % 4)) for n in range(6)] + live


@pytest.mark.parametrize("seed", range(4))
def test_no_admission_or_release_touches_another_program(seed: int):
    draw = random.Random(seed)
    tile = Tile("t", 4, draw.randint(2, 4), memory=draw.choice([None, 60]), actors=3)
    platform = mesh(4, 5, tile, draw.randint(0, 3), draw.choice([None, 2]))
    state = ChipState(platform, frozenset(draw.sample(range(20), 2)))
    choices = applications(seed)
    yes = no = 0
    for number in range(40):
        before = {program.name: program for program in state.running}
        if state.running and draw.random() < 0.4:
            state = release(state, draw.choice(state.running).name)
        else:
            period = Fraction(draw.randint(40, 4000), 4)
            decision = admit(state, f"p{number}", draw.choice(choices), period)
            if isinstance(decision, Admitted):
                yes += 1
                assert decision.program.guaranteed <= period
                assert set(decision.program.tiles) <= set(state.free)
                check_binding(decision.program.application, decision.program.binding, platform)
                state = decision.state
            else:
                no += 1
                assert decision.best is None or decision.best > period
        for program in state.running:
            assert before.get(program.name, program) is program
        state.check()
    assert yes > 5 < no


def test_the_period_that_is_guaranteed_can_be_asked_for_but_no_shorter_one():
    platform = mesh(3, 3, Tile("t", actors=1), 2, 1)
    application = prepare(layers(3, 3, 3))
    state = ChipState(platform)
    least = admitted(admit(state, "a", application, Fraction(10**6))).program.guaranteed
    assert admitted(admit(state, "a", application, least)).throughput.period == least
    no = refused(admit(state, "a", application, least - Fraction(1, 1000)))
    assert no.limit is Limit.PERIOD
    assert no.best is not None
    assert no.best >= least


def test_orders_are_those_of_the_single_tile():
    application = chain([3, 4, 5])
    yes = admitted(admit(ChipState(mesh(1, 3, Tile("t"))), "a", application, Fraction(8)))
    fired = [order for order in yes.orders if order]
    assert sorted(actor for order in fired for actor in order) == [0, 1, 2]
    places = {actor: place for place, actor in enumerate(application.order)}
    assert all(list(order) == sorted(order, key=places.__getitem__) for order in fired)


def test_as_few_tiles_as_the_period_needs():
    application = chain([8, 8, 8, 8], tokens=4)
    state = ChipState(mesh(1, 8, Tile("t"), 0))
    used = [
        len(admitted(admit(state, "a", application, Fraction(period))).program.tiles)
        for period in (8, 16, 24, 32)
    ]
    assert used == [4, 2, 2, 1]


@pytest.mark.parametrize(
    ("platform", "times", "period", "limit", "words"),
    [
        (mesh(1, 2, Tile("t", actors=1)), [5, 5, 5], 99, Limit.TILES, "3 actors, more than all 2"),
        (mesh(1, 2, Tile("t")), [5, 7, 5], 6, Limit.PERIOD, "actor a1 alone takes that long, 7"),
        (mesh(1, 2, Tile("t", 4, 2)), [5, 7], 13, Limit.PERIOD, "takes that long, 14"),
        (mesh(1, 2, Tile("t")), [5, 7, 5], 8, Limit.PERIOD, "17 cycles of work in a period of 8"),
        (mesh(1, 2, Tile("t")), [5, 7, 5], 9, Limit.PERIOD, "guarantee found on 2 tiles is 10"),
        (mesh(1, 2, Tile("t", memory=1)), [5, 5], 99, Limit.MEMORY, "of memory for states and"),
        (
            mesh(1, 3, Tile("t", actors=1, memory=4)),
            [5, 5, 5],
            99,
            Limit.MEMORY,
            "of its neighbours has 4 memory, and would need ",
        ),
        (
            mesh(1, 3, Tile("t", actors=1, connections=1)),
            [5, 5, 5],
            99,
            Limit.CONNECTIONS,
            "of its neighbours has 1 connections, and would need 2",
        ),
    ],
)
def test_a_refusal_names_the_object_the_limit_and_the_values(
    platform: Platform, times: list[int], period: int, limit: Limit, words: str
):
    no = refused(admit(ChipState(platform), "net", chain(times), Fraction(period)))
    assert no.limit is limit
    assert words in no.reason
    assert no.reason.startswith("net")
    assert "\n" not in no.reason + no.remedy
    assert no.remedy
    assert outlook(ChipState(platform), "net", chain(times), Fraction(period)) == Outlook(
        False, None
    )


def test_tiles_that_nothing_connects_are_out_of_reach():
    apart = Platform((Tile("s", actors=1), Tile("t", actors=1)), ((0, None), (None, 0)))
    no = refused(admit(ChipState(apart), "net", chain([5, 5]), Fraction(99)))
    assert no.limit is Limit.REACH


def test_a_cycle_that_is_too_slow_on_any_chip_is_refused_by_its_actors():
    graph = Graph(
        (Actor("a", 3), Actor("b", 4)), (Channel("ab", 0, 1), Channel("ba", 1, 0, tokens=1))
    )
    no = refused(admit(ChipState(mesh(4, 4, Tile("t"))), "net", prepare(graph), Fraction(6)))
    assert "its cycle" in no.reason
    assert "a -> b" in no.reason.replace("b -> a", "a -> b")
    assert no.best == 7


def test_a_program_waits_for_others_to_depart():
    state = ChipState(mesh(1, 4, Tile("t", actors=1)))
    state = admitted(admit(state, "first", chain([5, 5, 5]), Fraction(99))).state
    no = refused(admit(state, "second", chain([5, 5]), Fraction(99)))
    assert (no.limit, no.reason) == (
        Limit.TILES,
        "second needs at least 2 tiles for 2 actors, and 1 of 4 are free",
    )
    assert outlook(state, "second", chain([5, 5]), Fraction(99)).alone
    assert admit(release(state, "first"), "second", chain([5, 5]), Fraction(99))


def test_broken_tiles_are_never_used():
    platform = mesh(1, 4, Tile("t", actors=1))
    state = ChipState(platform, frozenset({1}))
    program = admitted(admit(state, "a", chain([5, 5, 5]), Fraction(99))).program
    assert program.tiles == (0, 2, 3)
    assert (
        "more than all 3 usable" in refused(admit(state, "a", chain([5] * 4), Fraction(99))).reason
    )
    none = ChipState(platform, frozenset(range(4)))
    assert "all tiles" in refused(admit(none, "a", chain([5]), Fraction(99))).reason


def test_bounds_are_never_above_what_a_binding_reaches():
    draw = random.Random(7)
    for _, graph in live_graphs(60):
        application = prepare(graph)
        tiles = tuple(Tile(f"t{n}", 4, draw.randint(1, 4)) for n in range(3))
        platform = Platform(tiles, ((1,) * 3,) * 3)
        binding = [draw.randrange(3) for _ in graph.actors]
        period = application.guarantee(binding, platform).period
        assert shortest_period(application, platform, range(3)).period <= period
        demand = least_tiles(application, platform, range(3), max(period, Fraction(1)))
        assert demand.count is not None
        assert demand.count <= len(set(binding))


def test_a_decision_computes_a_bounded_number_of_guarantees(monkeypatch: pytest.MonkeyPatch):
    computed = 0
    guarantee = Application.guarantee

    def counted(self: Application, *arguments: object):
        nonlocal computed
        computed += 1
        return guarantee(self, *arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Application, "guarantee", counted)
    state = ChipState(mesh(8, 8, Tile("t")))
    for period in range(20, 400, 20):
        computed = 0
        admit(state, "a", prepare(layers(5, 8, 5)), Fraction(period))
        assert computed <= 5


@pytest.mark.parametrize("seed", range(6))
def test_what_the_search_for_bindings_reaches_on_an_empty_chip_is_granted(seed: int):
    # Slow connections and a tile per actor: what decides is where the actors lie.
    platform = mesh(4, 4, Tile("t", actors=1), 8, 1)
    application = prepare(layers(seed, 5, 3))
    reached = best_binding(application, platform).throughput.period
    decision = admitted(admit(ChipState(platform), "net", application, reached))
    assert decision.program.guaranteed <= reached
    decision.state.check()


def test_a_no_that_nothing_proves_says_what_was_looked_at():
    platform = mesh(4, 4, Tile("t", actors=1), 8, 1)
    application, period = prepare(layers(1, 5, 3)), Fraction(24)
    assert shortest_period(application, platform, range(16)).period <= period
    no = refused(admit(ChipState(platform), "net", application, period))
    assert "none is shorter in " in no.reason
    assert "evaluations" in no.reason
    assert "cannot" not in no.reason
    assert "depart" not in no.remedy
    busy = admitted(admit(ChipState(platform), "other", chain([5]), Fraction(9))).state
    assert "depart" in refused(admit(busy, "net", application, period)).remedy


def test_a_search_that_is_cut_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(local_search, "EFFORT", 1)
    platform = mesh(4, 4, Tile("t", actors=1), 8, 1)
    assert not refused(
        admit(ChipState(platform), "net", prepare(layers(1, 5, 3)), Fraction(24))
    ).complete


def test_the_larger_a_program_is_the_fewer_guarantees_the_search_computes():
    of_size = [evaluations_for(chain([5] * actors)) for actors in (2, 16, 64, 128, 300)]
    assert of_size == sorted(of_size, reverse=True)
    assert of_size[0] == 64
    assert 1 <= of_size[-1] <= 8


def test_small_regions_are_filled_before_large_ones_are_cut():
    platform = mesh(4, 6, Tile("t"))
    free = [0, 1, *range(12, 24)]
    assert regions(platform, free) == (tuple(range(12, 24)), (0, 1))
    assert set(compact_block(platform, free, 2)) == {0, 1}
    assert set(compact_block(platform, free, 3)) <= set(range(12, 24))
    for count in range(1, 24):
        block = compact_block(platform, range(24), count)
        left = [tile for tile in range(24) if tile not in block]
        assert len(regions(platform, block)) == 1
        assert len(regions(platform, left)[0]) >= len(left) - 1


def test_a_state_that_breaks_a_law_is_noticed():
    state = ChipState(mesh(1, 3, Tile("t")))
    state = admitted(admit(state, "a", chain([5, 5]), Fraction(10))).state
    (program,) = state.running
    for broken, words in (
        (state.admitted(replace(program, name="b")), "belongs to a and b"),
        (replace(state, broken=frozenset(program.tiles)), "which is broken"),
        (state.replaced(replace(program, guaranteed=Fraction(9))), "is said to have 9"),
        (state.replaced(replace(program, promised=Fraction(1))), "was promised 1"),
        (replace(state, running=(program, program)), "two programs are called a"),
    ):
        with pytest.raises(Inconsistent, match=words):
            broken.check()
    small = replace(state, platform=mesh(1, 3, Tile("t", actors=0)))
    with pytest.raises(Infeasible):
        small.check()


def test_names_and_periods_must_be_possible():
    state = admitted(admit(ChipState(mesh(1, 3, Tile("t"))), "a", chain([5]), Fraction(5))).state
    assert isinstance(state.program("a"), Running)
    with pytest.raises(ValueError, match="is running"):
        admit(state, "a", chain([5]), Fraction(5))
    with pytest.raises(ValueError, match="not positive"):
        admit(state, "b", chain([5]), Fraction(0))
    with pytest.raises(NotRunning):
        release(state, "b")
