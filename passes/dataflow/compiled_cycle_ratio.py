"""The maximum cycle ratio again, compiled: for many small graphs, and for very large ones.

The same policy iteration as in `cycle_ratio`, step by step, and so the same ratio and the same
cycle; instead of a dozen numpy calls an iteration is one loop. That pays where a decision must be
taken in milliseconds, or where an iteration is long; compiling takes seconds, once per computer.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spikeloom.passes.compiled import Column, compiled
from spikeloom.passes.dataflow.cycle_ratio import (
    CycleRatio,
    TokenFreeCycle,
    edges_between_survivors,
    find_cycle,
    maximum_cycle_ratio,
)

Integers = NDArray[np.int64]
_LARGEST = 2**62
_LEAST = -(2**62)


def compiled_cycle_ratio(
    nodes: int, source: Integers, target: Integers, weight: Integers, tokens: Integers
) -> CycleRatio | None:
    """The maximum cycle ratio of a graph, None where it has no cycle; as `maximum_cycle_ratio`.

    Raises:
        TokenFreeCycle: some cycle has no tokens.
        OverflowError: weights and tokens are too large for 64-bit arithmetic.
    """
    heaviest = int(np.abs(weight).max(initial=1))
    most = int(tokens.max(initial=1))
    if 4 * nodes**3 * max(1, heaviest) * max(1, most) > _LARGEST:
        return maximum_cycle_ratio(nodes, source, target, weight, tokens)
    if _is_cyclic(nodes, source, target, tokens == 0):
        free = np.flatnonzero(tokens == 0)
        cycle = find_cycle(nodes, source[free], target[free])
        assert cycle is not None, "Kahn's algorithm has not taken all nodes away"
        raise TokenFreeCycle(tuple(int(free[edge]) for edge in cycle))
    if not _all_go_on(nodes, source, target):
        kept = edges_between_survivors(nodes, source, target)
        if not len(kept):
            return None
        names, numbers = np.unique(source[kept], return_inverse=True)
        place = np.full(nodes, -1, np.int64)
        place[names] = np.arange(len(names))
        ends = numbers.astype(np.int64), place[target[kept]]
        found = compiled_cycle_ratio(len(names), *ends, weight[kept], tokens[kept])
        assert found is not None, "every node that survives has a way on"
        return CycleRatio(found.ratio, tuple(int(kept[edge]) for edge in found.cycle))
    order = np.argsort(source, kind="stable")
    first = np.searchsorted(source[order], np.arange(nodes + 1))
    above, below, cycle = _policy_iteration(first, target[order], weight[order], tokens[order])
    return CycleRatio(Fraction(above, below), tuple(order[cycle].tolist()))


@compiled
def _all_go_on(nodes: int, source: Column, target: Column) -> bool:
    """Whether every node has an edge in and an edge out."""
    leaving, entering = np.zeros(nodes, np.bool_), np.zeros(nodes, np.bool_)
    for edge in range(len(source)):
        leaving[source[edge]] = True
        entering[target[edge]] = True
    return bool(leaving.all() and entering.all())


@compiled
def _is_cyclic(nodes: int, source: Column, target: Column, taken: Column) -> bool:
    """Whether the edges that are `taken` make a cycle (Kahn 1962)."""
    entering = np.zeros(nodes, np.int64)
    first = np.zeros(nodes + 1, np.int64)
    for edge in range(len(source)):
        if taken[edge]:
            entering[target[edge]] += 1
            first[source[edge] + 1] += 1
    first = np.cumsum(first)
    onward = np.empty(first[nodes], np.int64)
    place = first.copy()
    for edge in range(len(source)):
        if taken[edge]:
            onward[place[source[edge]]] = target[edge]
            place[source[edge]] += 1
    gone = np.empty(nodes, np.int64)
    count = 0
    for node in range(nodes):
        if entering[node] == 0:
            gone[count] = node
            count += 1
    done = 0
    while done < count:
        node = gone[done]
        done += 1
        for place_of in range(first[node], first[node + 1]):
            other = onward[place_of]
            entering[other] -= 1
            if entering[other] == 0:
                gone[count] = other
                count += 1
    return count < nodes


@compiled
def _policy_iteration(
    first: Column, target: Column, weight: Column, tokens: Column
) -> tuple[int, int, Column]:
    """The largest gain in lowest terms and the edges of its cycle; edges are sorted by source."""
    nodes = len(first) - 1
    policy = np.empty(nodes, np.int64)
    heaviest = weight.max()
    for node in range(nodes):
        most = _LEAST
        for edge in range(first[node], first[node + 1]):
            promise = weight[edge] - heaviest * min(tokens[edge], 16)
            if promise > most:
                policy[node], most = edge, promise
    # Of every node: its gain above / below, its value, the smallest node of its cycle.
    worth = np.empty((4, nodes), np.int64)
    evaluate(policy, target, weight, tokens, worth)
    source, entering, into = _by_target(first, target)
    while _improve(first, policy, target, weight, tokens, worth, source, entering, into):
        evaluate(policy, target, weight, tokens, worth)
    return slowest(policy, target, worth)


@compiled
def _by_target(first: Column, target: Column) -> tuple[Column, Column, Column]:
    """The source of every edge; where the edges into every node begin, and the edges so sorted."""
    nodes = len(first) - 1
    source, into = np.empty(len(target), np.int64), np.empty(len(target), np.int64)
    entering = np.zeros(nodes + 1, np.int64)
    for node in range(nodes):
        source[first[node] : first[node + 1]] = node
    for end in target:
        entering[end + 1] += 1
    entering = np.cumsum(entering)
    place = entering.copy()
    for edge, end in enumerate(target):
        into[place[end]] = edge
        place[end] += 1
    return source, entering, into


@compiled
def slowest(policy: Column, target: Column, worth: Column) -> tuple[int, int, Column]:
    """The largest gain of a policy in lowest terms, and the edges of a cycle that has it."""
    above, below, _, root = worth
    nodes, best = len(policy), 0
    for node in range(1, nodes):
        if above[node] * below[best] > above[best] * below[node]:
            best = node
    cycle = np.empty(nodes, np.int64)
    length, node = 0, root[best]
    while length == 0 or node != root[best]:
        cycle[length] = policy[node]
        length += 1
        node = target[policy[node]]
    return above[best], below[best], cycle[:length]


@compiled
def evaluate(policy: Column, target: Column, weight: Column, tokens: Column, worth: Column) -> None:
    """Gain, value and root of every node, following the policy."""
    above, below, value, root = worth
    nodes = len(policy)
    known = np.zeros(nodes, np.bool_)
    _find_cycles(policy, target, weight, tokens, worth, known)
    path = np.empty(nodes, np.int64)
    for start in range(nodes):
        length, node = 0, start
        while not known[node]:
            path[length] = node
            length += 1
            node = target[policy[node]]
        for place in range(length - 1, -1, -1):
            here = path[place]
            above[here], below[here], root[here] = above[node], below[node], root[node]
            edge = policy[here]
            value[here] = below[here] * weight[edge] - above[here] * tokens[edge]
            value[here] += value[target[edge]]
            known[here] = True


@compiled
def _find_cycles(
    policy: Column, target: Column, weight: Column, tokens: Column, worth: Column, known: Column
) -> None:
    """The roots of the policy's cycles with their gains, their value being 0."""
    above, below, value, root = worth
    nodes = len(policy)
    seen = np.full(nodes, -1, np.int64)
    for start in range(nodes):
        node = start
        while seen[node] < 0:
            seen[node] = start
            node = target[policy[node]]
        if seen[node] != start:
            continue
        smallest, member = node, node
        heavy, held = weight[policy[node]], tokens[policy[node]]
        member = target[policy[node]]
        while member != node:
            smallest = min(smallest, member)
            heavy += weight[policy[member]]
            held += tokens[policy[member]]
            member = target[policy[member]]
        common = np.gcd(heavy, held)
        above[smallest], below[smallest] = heavy // common, held // common
        value[smallest], root[smallest], known[smallest] = 0, smallest, True


@compiled
def _improve(
    first: Column,
    policy: Column,
    target: Column,
    weight: Column,
    tokens: Column,
    worth: Column,
    source: Column,
    entering: Column,
    into: Column,
) -> bool:
    """The way to the largest gain for every node that has one, a larger value for the others."""
    above, below, value, _ = worth
    if (above == above[0]).all() and (below == below[0]).all():
        return _improve_values(first, policy, target, weight, tokens, worth)
    gained = _spread_gains(policy, worth, source, entering, into)
    changed = gained.any()
    for node in range(len(policy)):
        if gained[node]:
            continue
        up, down = above[node], below[node]
        most, chosen = value[node], -1
        for edge in range(first[node], first[node + 1]):
            other = target[edge]
            if above[other] == up and below[other] == down:
                worth_of = down * weight[edge] - up * tokens[edge] + value[other]
                if worth_of > most:
                    chosen, most = edge, worth_of
        if chosen >= 0:
            policy[node] = chosen
            changed = True
    return changed


@compiled
def _spread_gains(
    policy: Column, worth: Column, source: Column, entering: Column, into: Column
) -> Column:
    """Leads every node to the largest gain that it reaches; which nodes gained by that.

    Breadth first, against the edges, from the largest gains on: an edge at a time a gain would
    need as many iterations as its way is long. Gains are ordered as rounded; each is compared
    exactly with what a node has, so that rounding can only leave something to a later iteration.
    """
    above, below = worth[0], worth[1]
    nodes = len(policy)
    gained, settled = np.zeros(nodes, np.bool_), np.zeros(nodes, np.bool_)
    queue = np.empty(nodes, np.int64)
    for start in np.argsort(-(above / below), kind="mergesort"):
        if settled[start]:
            continue
        settled[start] = True
        queue[0], done, count = start, 0, 1
        while done < count:
            node = queue[done]
            done += 1
            for place in range(entering[node], entering[node + 1]):
                other = source[into[place]]
                larger = above[start] * below[other] > above[other] * below[start]
                if not settled[other] and larger:
                    policy[other] = into[place]
                    settled[other] = gained[other] = True
                    queue[count] = other
                    count += 1
    return gained


@compiled
def _improve_values(
    first: Column, policy: Column, target: Column, weight: Column, tokens: Column, worth: Column
) -> bool:
    """The same where all nodes have the same gain: without comparing fractions."""
    value = worth[2]
    up, down = worth[0, 0], worth[1, 0]
    changed = False
    for node in range(len(policy)):
        most, chosen = value[node], -1
        for edge in range(first[node], first[node + 1]):
            worth_of = down * weight[edge] - up * tokens[edge] + value[target[edge]]
            if worth_of > most:
                chosen, most = edge, worth_of
        if chosen >= 0:
            policy[node] = chosen
            changed = True
    return changed
