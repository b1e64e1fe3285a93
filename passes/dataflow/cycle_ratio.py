"""The maximum cycle ratio of a weighted graph: exact, with a certificate, vectorised.

Howard's policy iteration (Cochet-Terrasson et al. 1998; Dasdan 2004) in integers. A policy gives
every node one of its edges; the graph of chosen edges has one cycle below every node. The ratio
weight / tokens of that cycle is the node's *gain*, p / q; its *value* is the reduced weight
q weight - p tokens along the policy's path to the cycle. A better edge leads to a larger gain, or
to a larger value at the same gain. Where there is none, no cycle has a larger ratio: added up
around a cycle, `value(source) >= q weight - p tokens + value(target)` leaves no positive sum.
That last check, in integers, is the certificate.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
_LARGEST = 2**62
_LEAST = -(2**62)


@dataclass(frozen=True)
class CycleRatio:
    """The largest ratio of weight to tokens over all cycles, and the edges of one that has it."""

    ratio: Fraction
    cycle: tuple[int, ...]


class TokenFreeCycle(Exception):
    """A cycle without tokens: its ratio is not finite. `cycle` has its edges in order."""

    def __init__(self, cycle: tuple[int, ...]):
        super().__init__("a cycle has no tokens")
        self.cycle = cycle


def maximum_cycle_ratio(
    nodes: int, source: Integers, target: Integers, weight: Integers, tokens: Integers
) -> CycleRatio | None:
    """The maximum cycle ratio of a graph, None where it has no cycle.

    Args:
        nodes: number of nodes.
        source, target: node numbers of every edge.
        weight, tokens: of every edge, tokens not negative.

    Raises:
        TokenFreeCycle: some cycle has no tokens.
        OverflowError: weights and tokens are too large for 64-bit arithmetic.
    """
    free = np.flatnonzero(tokens == 0)
    if (cycle := find_cycle(nodes, source[free], target[free])) is not None:
        raise TokenFreeCycle(tuple(int(free[edge]) for edge in cycle))
    kept = edges_between_survivors(nodes, source, target)
    if not len(kept):
        return None
    kept = kept[np.argsort(source[kept], kind="stable")]
    names, numbers = np.unique(source[kept], return_inverse=True)
    place = np.full(nodes, -1, np.int64)
    place[names] = np.arange(len(names))
    search = _Search(
        numbers.astype(np.int64), place[target[kept]], weight[kept], tokens[kept], len(names)
    )
    found = search.run()
    return CycleRatio(found.ratio, tuple(int(kept[edge]) for edge in found.cycle))


def edges_between_survivors(nodes: int, source: Integers, target: Integers) -> Integers:
    """The edges left when nodes without an edge in or out are taken away again and again.

    Every cycle survives, and every node that survives has a way on.
    """
    forward = _without_dead_ends(nodes, target, source)
    kept = np.flatnonzero(forward[source] & forward[target])
    backward = _without_dead_ends(nodes, source[kept], target[kept])
    return kept[backward[source[kept]] & backward[target[kept]]]


def _without_dead_ends(nodes: int, source: Integers, target: Integers) -> NDArray[np.bool_]:
    """Which nodes remain when nodes that no edge enters are taken away (Kahn 1962)."""
    order = np.argsort(source, kind="stable")
    first: list[int] = np.searchsorted(source[order], np.arange(nodes + 1)).tolist()
    onward: list[int] = target[order].tolist()
    entering: list[int] = np.bincount(target, minlength=nodes).tolist()
    gone = [node for node in range(nodes) if not entering[node]]
    for node in gone:
        for other in onward[first[node] : first[node + 1]]:
            entering[other] -= 1
            if not entering[other]:
                gone.append(other)
    remain = np.ones(nodes, np.bool_)
    remain[gone] = False
    return remain


def find_cycle(nodes: int, source: Integers, target: Integers) -> tuple[int, ...] | None:
    """The edges of some cycle in order, None where there is none."""
    kept = edges_between_survivors(nodes, source, target)
    if not len(kept):
        return None
    onward: dict[int, int] = {int(source[edge]): int(edge) for edge in kept.tolist()}
    at = int(source[kept[0]])
    seen: dict[int, int] = {}
    path: list[int] = []
    while at not in seen:
        seen[at] = len(path)
        path.append(onward[at])
        at = int(target[onward[at]])
    return tuple(path[seen[at] :])


class _Search:
    """Policy iteration on edges sorted by source, every node having one at least."""

    def __init__(
        self, source: Integers, target: Integers, weight: Integers, tokens: Integers, nodes: int
    ):
        self._source, self._target = source, target
        self._weight, self._tokens = weight, tokens
        self._first = np.searchsorted(source, np.arange(nodes))
        self._into: Integers = np.argsort(target, kind="stable")
        self._entering: Integers = np.searchsorted(target[self._into], np.arange(nodes + 1))
        self._nodes = nodes
        heaviest = int(np.abs(weight).max())
        most = int(tokens.max())
        # A gain has p <= n heaviest and q <= n most; a value adds n reduced weights.
        if 4 * nodes * nodes * max(1, heaviest) * max(1, most) * nodes > _LARGEST:
            self._check_per_policy = True
        else:
            self._check_per_policy = False

    def run(self) -> CycleRatio:
        """Improves the policy until the certificate holds."""
        policy = self._first.copy()
        # Slow cycles are heavy with few tokens: starting there saves most of the iterations.
        promise = self._weight - int(self._weight.max()) * np.minimum(self._tokens, 16)
        self._choose(policy, promise, np.full(self._nodes, _LEAST))
        while True:
            evaluation = self._evaluate(policy)
            improved = self._improve(policy, evaluation)
            if np.array_equal(improved, policy):
                return evaluation.best(policy, self._target)
            policy = improved

    def _evaluate(self, policy: Integers) -> _Evaluation:
        following = self._target[policy]
        root, on_cycle = _roots(following)
        roots, gains = self._gains(policy, root, on_cycle)
        # Cycles are many, their gains few: fractions are made of distinct pairs only.
        distinct = sorted(set(gains), key=lambda gain: Fraction(*gain))
        order = [Fraction(*gain) for gain in distinct]
        rank_of = {gain: rank for rank, gain in enumerate(distinct)}
        rank = np.zeros(self._nodes, np.int64)
        rank[roots] = [rank_of[gain] for gain in gains]
        rank = rank[root]
        numerator = np.array([gain.numerator for gain in order], np.int64)
        denominator = np.array([gain.denominator for gain in order], np.int64)
        self._check_range(int(np.abs(numerator).max()), int(denominator.max()))
        reduced = denominator[rank] * self._weight[policy] - numerator[rank] * self._tokens[policy]
        value = _sums_to_root(following, root, reduced)
        return _Evaluation(order, rank, value, root, numerator, denominator)

    def _check_range(self, numerator: int, denominator: int) -> None:
        if not self._check_per_policy:
            return
        heaviest, most = int(np.abs(self._weight).max()), int(self._tokens.max())
        if 2 * self._nodes * (denominator * heaviest + numerator * most) > _LARGEST:
            raise OverflowError("times and tokens are too large for 64-bit arithmetic")

    def _gains(
        self, policy: Integers, root: Integers, on_cycle: Integers
    ) -> tuple[Integers, list[tuple[int, int]]]:
        """The roots of all cycles of the policy; weight and tokens of each in lowest terms."""
        members = on_cycle[np.argsort(root[on_cycle], kind="stable")]
        roots, first = np.unique(root[members], return_index=True)
        weight = np.add.reduceat(self._weight[policy[members]], first)
        tokens = np.add.reduceat(self._tokens[policy[members]], first)
        common = np.gcd(weight, tokens)
        above: list[int] = (weight // common).tolist()
        below: list[int] = (tokens // common).tolist()
        return roots, list(zip(above, below, strict=True))

    def _improve(self, policy: Integers, now: _Evaluation) -> Integers:
        """A better edge for every node that has one; the same policy where none has."""
        improved = policy.copy()
        if len(now.gains) == 1:
            reduced = now.denominator[0] * self._weight - now.numerator[0] * self._tokens
            self._choose(improved, reduced + now.value[self._target], now.value)
            return improved
        rank, onward = now.rank[self._source], now.rank[self._target]
        reduced = now.denominator[rank] * self._weight - now.numerator[rank] * self._tokens
        value = np.where(onward == rank, reduced + now.value[self._target], _LEAST)
        self._choose(improved, value, now.value)
        self._spread_gains(improved, now.rank)
        return improved

    def _spread_gains(self, policy: Integers, rank: Integers) -> None:
        """Leads every node to the largest gain that it reaches.

        Breadth first, against the edges, from the largest gains on: an edge at a time a gain would
        need as many iterations as its way is long.
        """
        entering: list[int] = self._entering.tolist()
        into: list[int] = self._into.tolist()
        source: list[int] = self._source[self._into].tolist()
        present: list[int] = rank.tolist()
        settled = [False] * self._nodes
        order: list[int] = np.argsort(-rank, kind="stable").tolist()
        for start in order:
            if settled[start]:
                continue
            settled[start] = True
            queue, gain = [start], present[start]
            for node in queue:
                for place in range(entering[node], entering[node + 1]):
                    other = source[place]
                    if not settled[other] and present[other] < gain:
                        policy[other] = into[place]
                        settled[other] = True
                        queue.append(other)

    def _choose(self, policy: Integers, score: Integers, present: Integers) -> None:
        """Gives each node with a score above its present one the first of its best edges."""
        best = np.maximum.reduceat(score, self._first)
        better = np.where(best > present, best, -_LEAST)
        edges = np.flatnonzero(score == better[self._source])[::-1]
        policy[self._source[edges]] = edges


@dataclass(frozen=True)
class _Evaluation:
    """What a policy is worth: per node the rank of its gain, its value, its cycle's root."""

    gains: list[Fraction]
    rank: Integers
    value: Integers
    root: Integers
    numerator: Integers
    denominator: Integers

    def best(self, policy: Integers, target: Integers) -> CycleRatio:
        """The cycle of the largest gain."""
        start = node = int(self.root[int(np.argmax(self.rank))])
        cycle: list[int] = []
        while True:
            edge = int(policy[node])
            cycle.append(edge)
            node = int(target[edge])
            if node == start:
                return CycleRatio(self.gains[-1], tuple(cycle))


def _roots(following: Integers) -> tuple[Integers, Integers]:
    """For every node the smallest node of the cycle that its path ends in; all nodes on cycles.

    By doubling: after more steps than there are nodes every path has come around its cycle.
    """
    jump, least = following, np.arange(len(following))
    reached = 1
    while reached <= len(following):
        least = np.minimum(least, least[jump])
        jump = jump[jump]
        reached *= 2
    on_cycle = np.zeros(len(following), np.bool_)
    on_cycle[jump] = True
    return least[jump], np.flatnonzero(on_cycle)


def _sums_to_root(following: Integers, root: Integers, reduced: Integers) -> Integers:
    """Sums of `reduced` along the paths to the roots, by doubling; 0 at a root."""
    here = np.arange(len(following))
    is_root = root == here
    jump = np.where(is_root, here, following)
    total = np.where(is_root, 0, reduced)
    while not np.array_equal(jump, root):
        total = total + total[jump]
        jump = jump[jump]
    return total
