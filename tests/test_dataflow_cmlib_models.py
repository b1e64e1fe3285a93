"""The four graphs of cmlib that lie in ../shared, with the answers of its JSON files.

Written out here, for cmlib has a language of its own; inputs that are always there bound nothing,
and are left out. Times of the channel decoder are in halves.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from spikeloom.dialects.dataflow.graph import Actor, Channel, Deadlock, Graph
from spikeloom.passes.dataflow.throughput import throughput_of


def graph(times: dict[str, int], *channels: tuple[str, str, int, int, int]) -> Graph:
    """Channels are source, target, production, consumption and initial tokens."""
    names = list(times)
    return Graph(
        tuple(Actor(name, time) for name, time in times.items()),
        tuple(
            Channel(f"c{number}", names.index(source), names.index(target), *rates)
            for number, (source, target, *rates) in enumerate(channels)
        ),
    )


PRODUCER_AND_CONSUMER = graph(
    {"P": 2, "F": 3, "C": 1},
    ("P", "P", 1, 1, 1),
    ("P", "F", 1, 1, 0),
    ("F", "P", 1, 1, 2),
    ("F", "C", 1, 1, 0),
    ("C", "F", 1, 1, 2),
    ("C", "C", 1, 1, 1),
)
CHANNEL_DECODER = graph(
    {"Sh": 1, "DM": 6, "CE": 6, "DC": 2},
    ("Sh", "Sh", 1, 1, 1),
    ("Sh", "DM", 1, 1, 0),
    ("DM", "CE", 1, 1, 0),
    ("DM", "DM", 1, 1, 1),
    ("CE", "DM", 1, 1, 2),
    ("DM", "DC", 1, 1, 0),
)
EGGS = graph({"Clean": 1, "Box": 1}, ("Clean", "Box", 4, 10, 0), ("Box", "Box", 1, 1, 1))


@pytest.mark.parametrize(
    ("model", "throughput"),
    [
        (PRODUCER_AND_CONSUMER, Fraction(2, 5)),
        (CHANNEL_DECODER, Fraction(1, 3) / 2),
        (EGGS, Fraction(1, 2)),
    ],
    ids=["prod_cons", "channel_decoder", "eggs"],
)
def test_the_throughput_is_cmlibs(model: Graph, throughput: Fraction) -> None:
    assert 1 / throughput_of(model).period == throughput


def test_the_repetitions_of_the_eggs_are_cmlibs() -> None:
    assert throughput_of(EGGS).repetition.counts == (5, 2)


def test_a_deadlock_is_one() -> None:
    circle = ("A", "B", 1, 1, 0), ("B", "C", 1, 1, 0), ("C", "A", 1, 1, 0)
    with pytest.raises(Deadlock):
        throughput_of(graph({"A": 1, "B": 1, "C": 1}, *circle))
