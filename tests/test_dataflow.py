"""Dataflow: exact periods, three engines that share no code, and other people's answers."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from dataflow_graphs import SHARED, needs_graphs, read
from random_graphs import random_graph

from spikeloom.command_line import main
from spikeloom.diagnostics import DiagnosticError
from spikeloom.dialects.dataflow.firing_order import sequential_order
from spikeloom.dialects.dataflow.graph import (
    Actor,
    Channel,
    Deadlock,
    Graph,
    InconsistentRates,
    TooManyFirings,
)
from spikeloom.dialects.dataflow.repetition import repetition_vector
from spikeloom.dialects.sdf import GraphOp, make_graph
from spikeloom.frontend.sdf3 import parse_sdf3
from spikeloom.opt import main as opt
from spikeloom.passes.dataflow.cycle_ratio import TokenFreeCycle, maximum_cycle_ratio
from spikeloom.passes.dataflow.max_plus import iteration_of
from spikeloom.passes.dataflow.self_timed import self_timed_period
from spikeloom.passes.dataflow.throughput import throughput_of
from spikeloom.sdf3_writer import write_sdf3


def expected_rows() -> list[dict[str, str]]:
    table = SHARED / "expected_throughput.csv"
    if not table.exists():
        return []
    with table.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def chain(*tokens: int) -> Graph:
    """Actors in a ring, the time of actor i being i + 1."""
    count = len(tokens)
    return Graph(
        tuple(Actor(f"a{i}", i + 1) for i in range(count)),
        tuple(Channel(f"c{i}", i, (i + 1) % count, tokens=t) for i, t in enumerate(tokens)),
    )


@needs_graphs
@pytest.mark.parametrize("row", expected_rows(), ids=lambda row: row["file"])
def test_periods_of_other_peoples_graphs_are_exact(row: dict[str, str]):
    graph = read(SHARED / row["file"])
    found = throughput_of(graph)
    assert found.period == Fraction(row["period_per_iteration"])
    assert found.repetition.total == int(row["sum_of_repetition_vector"])
    assert (len(graph.actors), len(graph.channels)) == (int(row["actors"]), int(row["channels"]))
    assert self_timed_period(graph) == found.period


@needs_graphs
@pytest.mark.parametrize(
    ("capacities", "period"), [((4, 2), 7), ((6, 2), 6), ((5, 3), 6), ((6, 3), 5), ((7, 3), 4)]
)
def test_storage_of_the_example_of_stuijk_2006_bounds_its_period(capacities, period):
    graph = read(SHARED / "bounded" / "stuijk_dac06_example.xml")
    bounds = [*capacities, None, None, None]
    assert throughput_of(graph.with_capacities(bounds)).period == period


def outcome(engine: Callable[[Graph], Fraction], graph: Graph) -> Fraction | str:
    try:
        return engine(graph)
    except (Deadlock, InconsistentRates) as problem:
        return type(problem).__name__


def test_three_engines_agree_on_500_random_graphs():
    seen: Counter[str] = Counter()
    for seed in range(500):
        graph = random_graph(seed)
        howard = outcome(lambda g: throughput_of(g).period, graph)
        assert outcome(self_timed_period, graph) == howard, seed
        assert outcome(lambda g: iteration_of(g).period(), graph) == howard, seed
        seen[howard if isinstance(howard, str) else "period"] += 1
    assert min(seen["period"], seen["Deadlock"], seen["InconsistentRates"]) > 50


def test_the_critical_cycle_has_the_period_as_its_time_by_tokens():
    found = throughput_of(chain(0, 2, 0, 1))
    assert found.period == Fraction(1 + 2 + 3 + 4, 3)
    assert [step.source for step in found.critical_cycle] == ["a0", "a1", "a2", "a3"]


def test_a_deadlock_names_its_cycle():
    with pytest.raises(Deadlock, match="a0 -> a1 -> a2 -> a0") as stuck:
        throughput_of(chain(0, 0, 0))
    assert [step.channel for step in stuck.value.cycle] == ["c0", "c1", "c2"]
    with pytest.raises(Deadlock) as found:
        sequential_order(chain(0, 0, 0), repetition_vector(chain(0, 0, 0)))
    assert {step.channel for step in found.value.cycle} == {"c0", "c1", "c2"}


def test_contradicting_rates_name_their_channels():
    graph = Graph(
        (Actor("a", 1), Actor("b", 1), Actor("c", 1)),
        (Channel("ab", 0, 1, 2, 1), Channel("bc", 1, 2), Channel("ca", 2, 0)),
    )
    with pytest.raises(InconsistentRates) as problem:
        repetition_vector(graph)
    assert {step.channel for step in problem.value.cycle} == {"ab", "bc", "ca"}


def test_a_graph_without_cycles_is_unbounded():
    graph = Graph((Actor("a", 5), Actor("b", 7)), (Channel("ab", 0, 1),))
    assert throughput_of(graph).period == 0
    assert throughput_of(graph.without_self_overlap()).period == 7


def test_a_sequential_order_fires_every_actor_as_often_as_it_must():
    for seed in range(200):
        graph = random_graph(seed)
        try:
            repetition = repetition_vector(graph)
            order = sequential_order(graph, repetition)
        except (Deadlock, InconsistentRates):
            continue
        assert Counter(order) == dict(enumerate(repetition.counts))
        tokens = [channel.tokens for channel in graph.channels]
        for actor in order:
            for number, channel in enumerate(graph.channels):
                if channel.target == actor:
                    tokens[number] -= channel.consumption
                    assert tokens[number] >= 0
            for number, channel in enumerate(graph.channels):
                if channel.source == actor:
                    tokens[number] += channel.production
        assert tokens == [channel.tokens for channel in graph.channels]


def test_too_long_an_iteration_is_refused_not_attempted():
    rates = [(2**30, 1), (1, 2**30 - 1)]
    graph = Graph(
        tuple(Actor(f"a{i}", 1) for i in range(3)),
        tuple(Channel(f"c{i}", i, i + 1, p, c) for i, (p, c) in enumerate(rates)),
    )
    with pytest.raises(TooManyFirings, match="more than the"):
        throughput_of(graph)


def brute_force_ratio(nodes: int, edges: list[tuple[int, int, int, int]]) -> Fraction | None:
    """Every simple cycle by depth-first search."""
    best: Fraction | None = None

    def visit(start: int, at: int, seen: frozenset[int], weight: int, tokens: int) -> None:
        nonlocal best
        for source, target, w, t in edges:
            if source == at and target == start:
                ratio = Fraction(weight + w, tokens + t)
                best = ratio if best is None else max(best, ratio)
            elif source == at and target > start and target not in seen:
                visit(start, target, seen | {target}, weight + w, tokens + t)

    for start in range(nodes):
        visit(start, start, frozenset({start}), 0, 0)
    return best


def test_the_maximum_cycle_ratio_equals_the_best_of_all_simple_cycles():
    draw = np.random.default_rng(1)
    for _ in range(150):
        nodes = int(draw.integers(1, 7))
        edges = draw.integers(0, nodes, (int(draw.integers(1, 14)), 4))
        edges[:, 2] = draw.integers(0, 30, len(edges))
        edges[:, 3] = draw.integers(1, 4, len(edges))
        found = maximum_cycle_ratio(nodes, *(np.ascontiguousarray(edges[:, i]) for i in range(4)))
        listed = [(int(s), int(t), int(w), int(d)) for s, t, w, d in edges]
        assert (found and found.ratio) == brute_force_ratio(nodes, listed)


def test_a_cycle_without_tokens_has_no_ratio():
    ends = np.array([0, 1]), np.array([1, 0])
    with pytest.raises(TokenFreeCycle) as stuck:
        maximum_cycle_ratio(2, *ends, np.array([1, 1]), np.array([0, 0]))
    assert sorted(stuck.value.cycle) == [0, 1]


def test_sdf3_documents_round_trip():
    for seed in range(60):
        graph = random_graph(seed)
        text = write_sdf3(make_graph(graph))
        op = next(iter(parse_sdf3(text.encode(), "graph.xml").ops))
        assert isinstance(op, GraphOp)
        assert op.graph() == graph


def sizes_of(op: GraphOp) -> list[int | None]:
    sizes = [each.token_size for each in op.channels]
    return [None if size is None else size.value.data for size in sizes]


def test_the_size_of_tokens_goes_through_sdf3():
    op = make_graph(chain(0, 2, 1), token_sizes=[8, None, 0])
    again = next(iter(parse_sdf3(write_sdf3(op).encode(), "graph.xml").ops))
    assert isinstance(again, GraphOp)
    assert sizes_of(again) == [8, None, 0]


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ('channel="c0"><tokenSize sz="-1"/>', "channel `c0`: `sz` must be an integer in"),
        ('channel="c9"><tokenSize sz="1"/>', "properties of `c9`, which is no channel"),
    ],
)
def test_impossible_sizes_of_tokens_are_refused(properties: str, words: str):
    text = write_sdf3(make_graph(chain(1)))
    end = "</sdfProperties>"
    text = text.replace(end, f"<channelProperties {properties}</channelProperties>{end}")
    with pytest.raises(DiagnosticError, match=words):
        parse_sdf3(text.encode(), "graph.xml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<sdf3", "this is no XML"),
        ("<sdf3/>", "no <sdf3> with an <applicationGraph>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><sdf3/>', "the XML is refused"),
        ("<sdf3><applicationGraph/></sdf3>", "holds no <sdf>"),
    ],
)
def test_what_is_no_sdf3_is_refused(text: str, words: str):
    with pytest.raises(DiagnosticError, match=words):
        parse_sdf3(text.encode(), "graph.xml")


def run(tmp_path: Path, graph: Graph) -> dict[str, object]:
    source, answer = tmp_path / "graph.xml", tmp_path / "answer.json"
    source.write_text(write_sdf3(make_graph(graph)), encoding="utf-8")
    assert main(["throughput", str(source), "--json", str(answer)]) == 0
    return json.loads(answer.read_text(encoding="utf-8"))


def test_the_command_answers_for_any_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run(tmp_path, chain(0, 2)) == {
        "period": "3/2",
        "repetition_vector": {"a0": 1, "a1": 1},
        "deadlock": False,
        "critical_cycle": ["a0", "a1"],
    }
    assert "3/2 cycles per iteration (throughput 2/3)" in capsys.readouterr().out
    stuck = run(tmp_path, chain(0, 0))
    assert (stuck["period"], stuck["deadlock"]) == (None, True)
    assert sorted(stuck["critical_cycle"]) == ["a0", "a1"]


def test_the_command_answers_for_ir_as_for_xml(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    stuck, source = tmp_path / "stuck.mlir", tmp_path / "answer.json"
    stuck.write_text(str(make_graph(chain(0, 0))), encoding="utf-8")
    assert main(["throughput", str(stuck), "--json", str(source)]) == 0
    assert json.loads(source.read_text(encoding="utf-8")) == run(tmp_path, chain(0, 0))
    assert opt([str(stuck)]) == 1
    assert "too few initial tokens on the cycle" in capsys.readouterr().err
    broken = str(make_graph(chain(0, 0))).replace("[1]@a0", "[1]@nobody")
    stuck.write_text(broken, encoding="utf-8")
    assert main(["throughput", str(stuck)]) == 1
    assert "names @nobody, which is no actor [E0202]" in capsys.readouterr().err


def test_the_command_says_that_tiles_are_not_in_its_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    free, bound = tmp_path / "free.mlir", tmp_path / "bound.mlir"
    free.write_text(str(make_graph(chain(0, 2))), encoding="utf-8")
    assert opt([str(free), "-p", "bind-tiles{rows=1 columns=2}", "-o", str(bound)]) == 0
    assert main(["throughput", str(free)]) == 0
    assert "tiles" not in capsys.readouterr().out
    assert main(["throughput", str(bound)]) == 0
    report = capsys.readouterr().out
    assert "2 tiles and their bindings are not part of this answer" in report
    assert "`spikeloom-opt -p bind-tiles` gives the period they guarantee" in report


def test_the_command_refuses_rates_that_contradict_each_other(tmp_path: Path, capsys):
    source = tmp_path / "graph.xml"
    graph = Graph((Actor("a", 1),), (Channel("loop", 0, 0, 2, 1, 5),))
    source.write_text(write_sdf3(make_graph(graph)), encoding="utf-8")
    assert main(["throughput", str(source)]) == 1
    assert "no numbers of firings balance the rates of a -> a [E0205]" in capsys.readouterr().err
