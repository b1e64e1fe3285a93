"""The columns of all crossbars: one for each neuron, or element of a chain, and each of its terms.

A chain takes the inputs of every term in their order, so that its last element has the sum that
one column would have: each element's column starts with what its predecessor's holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spikeloom.diagnostics import error
from spikeloom.passes.clustering.unrolling import Unrolled
from spikeloom.passes.tiles.terms import ONE, ZERO, Term

Integers = NDArray[np.int64]
NONE = -1


@dataclass(frozen=True)
class Columns:
    """All columns in the order of their neurons, and of the terms of each neuron.

    Attributes:
        owner: [c], the neuron or element that each belongs to.
        start: [c], the place of the number that it starts with.
        continues: [c], the column whose sum it starts with instead, or NONE.
        first: [c + 1], where the crosspoints of each begin, in the order in which they are added.
        inputs: of each crosspoint, the neuron or relay whose spike it waits for.
        weights: of each crosspoint, the place of its weight.
        of_neuron: [n + 1], where the columns of each neuron begin.
    """

    owner: Integers
    start: Integers
    continues: Integers
    first: Integers
    inputs: Integers
    weights: Integers
    of_neuron: Integers


@dataclass(frozen=True)
class LayerTerms:
    """The terms of a layer whose units are the neurons from `start` on."""

    start: int
    terms: Sequence[Term]


def columns_of(
    network: Unrolled, layers: Sequence[LayerTerms], name_of: Callable[[int], str]
) -> Columns:
    """The columns of all neurons that are computed; `name_of` is how messages call one.

    Raises:
        DiagnosticError: E0306 partial sums form a tree, or a chain takes inputs in another order
            than the sum.
    """
    _check_chains(network, name_of)
    counts = np.zeros(network.original, np.int64)
    for layer in layers:
        for term in layer.terms:
            counts[layer.start + term.units] += 1
    relays = network.is_relay
    own = np.where(relays, 1, counts[network.owner])
    own[network.connections.fan_in == 0] = 0
    of_neuron = np.concatenate([[0], np.cumsum(own)])
    owner = np.repeat(np.arange(len(own)), own)
    rank = np.arange(len(owner)) - of_neuron[owner]
    before = network.predecessor.astype(np.int64)[owner]
    continues = np.where(before >= 0, of_neuron[before] + rank, NONE)
    start = np.full(len(owner), ZERO, np.int64)
    found = [_relay_points(network, of_neuron)]
    routes = _Routes(network)
    depth = np.zeros(network.original, np.int64)
    for layer in layers:
        for term in layer.terms:
            neurons = layer.start + term.units
            at = depth[neurons], of_neuron
            found.append(_points(network, term, neurons, at, routes, name_of))
            begins = routes.head[neurons]
            start[of_neuron[begins] + depth[neurons]] = term.start
            depth[neurons] += 1
    column, inputs, weights = (np.concatenate(each) for each in zip(*found, strict=True))
    # Stable: the crosspoints of a column keep the order of the sum.
    order = np.argsort(column, kind="stable")
    first = np.searchsorted(column[order], np.arange(len(owner) + 1)).astype(np.int64)
    return Columns(owner, start, continues, first, inputs[order], weights[order], of_neuron)


class _Routes:
    """Which element of a chain takes an input, by the neuron and the neuron that it reads."""

    def __init__(self, network: Unrolled):
        connections = network.connections
        count = connections.neurons
        taker = np.repeat(np.arange(count), connections.fan_in)
        inputs = connections.inputs.astype(np.int64)
        # A sum takes spikes; partial sums arrive by themselves, relays serve their neuron.
        kept = ~network.is_partial[inputs] & ~network.is_relay[taker]
        taker, inputs = taker[kept], inputs[kept]
        keys = network.owner.astype(np.int64)[taker] * count + _roots(network)[inputs]
        order = np.argsort(keys, kind="stable")
        self._keys, self._taker, self._input = keys[order], taker[order], inputs[order]
        self._count = count
        self.place, self.head = _chain_places(network)

    def find(self, neurons: Integers, inputs: Integers) -> tuple[Integers, Integers]:
        """The element that takes each input of a neuron, and the neuron or relay it reads."""
        at = np.searchsorted(self._keys, neurons * self._count + inputs)
        return self._taker[at], self._input[at]


def _points(
    network: Unrolled,
    term: Term,
    neurons: Integers,
    at: tuple[Integers, Integers],
    routes: _Routes,
    name_of: Callable[[int], str],
) -> tuple[Integers, Integers, Integers]:
    """Column, input and weight of every crosspoint of a term.

    `at` are the number of the term for each neuron, and where the columns of every neuron begin.
    """
    rank, of_neuron = at
    lengths = np.diff(term.first)
    taker, inputs = routes.find(np.repeat(neurons, lengths), term.inputs)
    place = routes.place[taker]
    inside = np.ones(len(place), np.bool_)
    inside[term.first[:-1][lengths > 0]] = False
    back = np.flatnonzero(inside[1:] & (np.diff(place) < 0)) if len(place) else place
    if len(back):
        owner = int(network.owner[taker[int(back[0])]])
        raise error(
            "E0306",
            f"{name_of(owner)} is a chain whose elements take its inputs in another order than"
            " its sum does, so that its spikes would not be exact",
            help="cluster it for execution (exact sums), or use crossbars with more inputs",
        )
    return of_neuron[taker] + np.repeat(rank, lengths), inputs, term.weights


def _relay_points(network: Unrolled, of_neuron: Integers) -> tuple[Integers, Integers, Integers]:
    """A relay has one crosspoint, of weight 1."""
    relays = np.flatnonzero(network.is_relay)
    inputs = network.connections.inputs[network.connections.first[relays]].astype(np.int64)
    return of_neuron[relays], inputs, np.full(len(relays), ONE, np.int64)


def _roots(network: Unrolled) -> Integers:
    """[n], the neuron whose spikes each one repeats, through all relays; itself where none."""
    roots = np.arange(network.connections.neurons)
    connections = network.connections
    relays = np.flatnonzero(network.is_relay)
    source = connections.inputs[connections.first[relays]].astype(np.int64)
    while True:
        after = roots[source]
        if np.array_equal(roots[relays], after):
            return roots
        roots[relays] = after


def _chain_places(network: Unrolled) -> tuple[Integers, Integers]:
    """[n], how many elements come before each in its chain; and the first element of each chain."""
    count = network.connections.neurons
    place, head = np.zeros(count, np.int64), np.arange(count)
    before: list[int] = network.predecessor.tolist()
    # Elements are numbered in the order of their chain, behind all original neurons.
    for number in (*range(network.original, count), *range(network.original)):
        if before[number] >= 0:
            place[number] = place[before[number]] + 1
            head[number] = head[before[number]]
    return place, head


def _check_chains(network: Unrolled, name_of: Callable[[int], str]) -> None:
    """Nobody reads a partial sum but its successor in a chain."""
    connections = network.connections
    reader = np.repeat(np.arange(connections.neurons), connections.fan_in)
    partial = network.is_partial[connections.inputs]
    strange = partial & (network.predecessor[reader] != connections.inputs)
    if strange.any():
        owner = int(network.owner[reader[int(np.flatnonzero(strange)[0])]])
        raise error(
            "E0306",
            f"{name_of(owner)} has a tree of partial sums, which takes its sum in another order",
            help="cluster with unroll=chain",
        )
