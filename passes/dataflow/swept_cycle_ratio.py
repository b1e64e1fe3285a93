"""The maximum cycle ratio once more, for decisions that must be taken in milliseconds.

Policy iteration as in `cycle_ratio`, with two differences. An iteration is one sweep against the
edges without tokens, in which a node already sees what the nodes behind it have improved in this
sweep, so that an improvement comes along a whole path at once. And it starts near its end, with the
heaviest paths that meet tokens less than twice. The ratio is the same, as the certificate is: a
sweep in which no node finds a better edge. Of several such cycles it may name another one.

A sweep is as sound as improving all nodes at once. Around a cycle of the new policy gains are equal
(each is at most the one behind it, which only grows); let u be one of its nodes that changed. The
node before u counts on less than u now has, unless it changed after u, and so on: not all of them
can have changed after the one behind them. So the sum of reduced weights around the cycle is
positive: a cycle is an old one or has a larger ratio.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.passes.compiled import Column, compiled
from spikeloom.passes.dataflow.compiled_cycle_ratio import compiled_cycle_ratio, evaluate, slowest
from spikeloom.passes.dataflow.cycle_ratio import CycleRatio

Integers = NDArray[np.int64]
_LARGEST = 2**62
_LEAST = -(2**62)

_FIRST_SWEEPS = 2
"""Sweeps for the policy that is evaluated first: each adds the longest paths without tokens."""

_PATIENCE = 16
"""Iterations after which every one has a second sweep, the other way round: what comes along edges
with tokens, as the room in a long row of buffers does, then passes them all at once, too."""


def swept_cycle_ratio(nodes: int, edges: Integers, weight: Integers) -> CycleRatio | None:
    """The maximum cycle ratio of a graph, None where it has no cycle; as `maximum_cycle_ratio`.

    Args:
        edges: rows source, target and tokens of every edge; further ones are not looked at.
        weight: of every edge.

    Raises:
        TokenFreeCycle: some cycle has no tokens.
        OverflowError: weights and tokens are too large for 64-bit arithmetic.
    """
    first, order = _by_source(nodes, edges)
    target, tokens, sorted_weight = _in_order(edges, weight, order)
    path_weight, path_tokens = _longest(first, sorted_weight, tokens)
    sequence = _against_tokens(first, target, tokens)
    small = 8 * max(path_weight, 1.0) * max(path_tokens, 1.0) <= _LARGEST
    if len(sequence) < nodes or not small or (first[1:] == first[:-1]).any():
        return compiled_cycle_ratio(nodes, edges[0], edges[1], weight, edges[2])
    above, below, cycle = _iterate(first, target, sorted_weight, tokens, sequence)
    return CycleRatio(Fraction(above, below), tuple(order[cycle].tolist()))


@compiled
def _by_source(nodes: int, edges: Column) -> tuple[Column, Column]:
    """Where the edges of every node begin, and the edges in that order."""
    first = np.zeros(nodes + 1, np.int64)
    for source in edges[0]:
        first[source + 1] += 1
    first = np.cumsum(first)
    place, order = first.copy(), np.empty(edges.shape[1], np.int64)
    for edge, source in enumerate(edges[0]):
        order[place[source]] = edge
        place[source] += 1
    return first, order


@compiled
def _in_order(edges: Column, weight: Column, order: Column) -> tuple[Column, Column, Column]:
    """Target, tokens and weight of the edges in an order."""
    return edges[1][order], edges[2][order], weight[order]


@compiled
def _longest(first: Column, weight: Column, tokens: Column) -> tuple[float, float]:
    """At least the weight and the tokens of any path that meets no node twice."""
    heavy, held = 0.0, 0.0
    for node in range(len(first) - 1):
        heaviest, most = 0, 0
        for edge in range(first[node], first[node + 1]):
            heaviest, most = max(heaviest, abs(weight[edge])), max(most, tokens[edge])
        heavy += heaviest
        held += most
    return heavy, held


@compiled
def _against_tokens(first: Column, target: Column, tokens: Column) -> Column:
    """The nodes, each behind those to which it has edges without tokens (Kahn 1962).

    Nodes of which such edges make a cycle are left out, and those before them.
    """
    nodes = len(first) - 1
    entering = np.zeros(nodes, np.int64)
    for edge in range(len(target)):
        if tokens[edge] == 0:
            entering[target[edge]] += 1
    found = np.empty(nodes, np.int64)
    count = done = 0
    for node in range(nodes):
        if entering[node] == 0:
            found[count] = node
            count += 1
    while done < count:
        node = found[done]
        done += 1
        for edge in range(first[node], first[node + 1]):
            if tokens[edge] == 0:
                entering[target[edge]] -= 1
                if entering[target[edge]] == 0:
                    found[count] = target[edge]
                    count += 1
    return found[:count][::-1].copy()


@compiled
def _iterate(
    first: Column, target: Column, weight: Column, tokens: Column, sequence: Column
) -> tuple[int, int, Column]:
    """The largest gain in lowest terms and the edges of its cycle; edges are sorted by source."""
    nodes = len(first) - 1
    policy = np.empty(nodes, np.int64)
    # Of every node: its gain above / below, its value, the smallest node of its cycle.
    worth = np.zeros((4, nodes), np.int64)
    for _ in range(_FIRST_SWEEPS):
        for node in sequence:
            most = _LEAST
            for edge in range(first[node], first[node + 1]):
                value = weight[edge] + worth[2, target[edge]]
                if value > most:
                    policy[node], most = edge, value
            worth[2, node] = most
    evaluate(policy, target, weight, tokens, worth)
    backward, iterations = sequence[::-1].copy(), 0
    while _sweep(first, policy, target, weight, tokens, worth, sequence):
        iterations += 1
        if iterations > _PATIENCE:
            _sweep(first, policy, target, weight, tokens, worth, backward)
        evaluate(policy, target, weight, tokens, worth)
    return slowest(policy, target, worth)


@compiled
def _sweep(
    first: Column,
    policy: Column,
    target: Column,
    weight: Column,
    tokens: Column,
    worth: Column,
    sequence: Column,
) -> bool:
    """A better edge for every node that has one, with what it is worth from now on."""
    above, below, value, _ = worth
    changed = False
    for node in sequence:
        up, down, most, chosen = above[node], below[node], value[node], -1
        for edge in range(first[node], first[node + 1]):
            other = target[edge]
            order = 0
            if above[other] != up or below[other] != down:
                order = above[other] * down - up * below[other]
            worth_of = below[other] * weight[edge] - above[other] * tokens[edge] + value[other]
            if order > 0 or (order == 0 and worth_of > most):
                up, down, most, chosen = above[other], below[other], worth_of, edge
        if chosen >= 0:
            policy[node], changed = chosen, True
            above[node], below[node], value[node] = up, down, most
    return changed
