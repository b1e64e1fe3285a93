"""Placement on a mesh: groups of actors to positions, so that traffic goes few hops.

A quadratic assignment problem: the sum of traffic x distance over all pairs. Built greedily, the
group with most traffic to those placed first, then improved by exchanging two positions (an empty
one included) while that helps, the best exchange of a group at a time. Deterministic, and bounded
by a number of rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
MAX_ROUNDS = 50
MAX_WORK = 4 * 10**9
"""Multiplications of all exchanges together: some seconds."""


@dataclass(frozen=True)
class Placement:
    """Where every group is.

    Attributes:
        position: of every group, a number of the distances.
        cost: the sum of traffic x distance.
        complete: no exchange of two positions lowers the cost; False where rounds ran out.
    """

    position: tuple[int, ...]
    cost: int
    complete: bool


def place(traffic: Integers, distance: Integers, rounds: int = MAX_ROUNDS) -> Placement:
    """Positions for the groups.

    Args:
        traffic: [groups, groups], from row to column; the diagonal is not counted.
        distance: [positions, positions] hops from row to column.

    Raises:
        ValueError: there are more groups than positions.
    """
    groups, positions = len(traffic), len(distance)
    if groups > positions:
        raise ValueError(f"{groups} groups do not fit on {positions} positions")
    # An empty position is a group without traffic: then a placement is a permutation.
    flows = _Flows.of(traffic, positions)
    hops = distance.astype(np.int64, copy=True)
    np.fill_diagonal(hops, 0)
    position = _greedy(flows, hops)
    complete = _exchange(flows, hops, position, groups, rounds)
    cost = int((flows.amount * hops[position[flows.source], position[flows.target]]).sum())
    return Placement(tuple(position[:groups].tolist()), cost, complete)


@dataclass(frozen=True)
class _Flows:
    """Traffic as columns, by source; the same by target, and where each group's begins in both."""

    source: Integers
    target: Integers
    amount: Integers
    by_target: Integers
    first_out: Integers
    first_in: Integers

    @staticmethod
    def of(traffic: Integers, count: int) -> _Flows:
        """What flows between different groups; those behind the last have no traffic."""
        source, target = np.nonzero(traffic)
        between = source != target
        source, target = source[between], target[between]
        amount = traffic[source, target].astype(np.int64)
        by_target = np.argsort(target, kind="stable")
        ends = np.arange(count + 1)
        first_out = np.searchsorted(source, ends)
        first_in = np.searchsorted(target[by_target], ends)
        return _Flows(source, target, amount, by_target, first_out, first_in)

    def out_of(self, group: int) -> slice:
        """The columns of what a group sends."""
        return slice(int(self.first_out[group]), int(self.first_out[group + 1]))

    def into(self, group: int) -> Integers:
        """The columns of what a group gets."""
        return self.by_target[self.first_in[group] : self.first_in[group + 1]]

    def sums(self, sent: Integers, got: Integers) -> Integers:
        """For every group the sum over what it sends and gets, of values for each column."""
        out = np.concatenate([[0], np.cumsum(sent)])[self.first_out]
        into = np.concatenate([[0], np.cumsum(got[self.by_target])])[self.first_in]
        return np.diff(out) + np.diff(into)


def _greedy(flows: _Flows, hops: Integers) -> Integers:
    """Next the group with most traffic to the placed ones, to where that is cheapest."""
    count = len(hops)
    position = np.full(count, -1, np.int64)
    free = np.ones(count, np.bool_)
    attached = flows.sums(flows.amount, flows.amount)  # first the group with most traffic of all
    # Cost of each group at each position, given what is placed.
    cost = np.zeros((count, count), np.int64)
    central = hops.sum(axis=0) + hops.sum(axis=1)
    for number in range(count):
        group = int(np.argmax(np.where(position < 0, attached, -1)))
        if number == 0:
            attached = np.zeros(count, np.int64)
        order = np.lexsort((central, cost[group]))
        place = int(order[free[order]][0])
        position[group] = place
        free[place] = False
        sent, got = flows.out_of(group), flows.into(group)
        for others, amount, way in (
            (flows.target[sent], flows.amount[sent], hops[place]),
            (flows.source[got], flows.amount[got], hops[:, place]),
        ):
            attached[others] += amount
            cost[others] += amount[:, None] * way
    return position


def _exchange(flows: _Flows, hops: Integers, position: Integers, groups: int, rounds: int) -> bool:
    """Exchanges in place; True where none helps any more."""
    work = len(flows.source) * (4 * groups + 2 * len(hops)) + groups * len(hops)
    affordable = MAX_WORK // (work or 1)
    here = hops[np.ix_(position, position)]
    for _ in range(min(rounds, affordable)):
        improved = False
        for group in range(groups):
            gain = _gains(flows, here, group)
            other = int(np.argmin(gain))
            if gain[other] < 0:
                pair, swapped = [group, other], [other, group]
                position[pair] = position[swapped]
                here[pair] = here[swapped]
                here[:, pair] = here[:, swapped]
                improved = True
        if not improved:
            return True
    return False


def _gains(flows: _Flows, here: Integers, group: int) -> Integers:
    """The change of the cost when `group` and each other group exchange their positions.

    `here` are the distances between the groups as they are.
    """
    sent, got = flows.out_of(group), flows.into(group)
    to, amount_to = flows.target[sent], flows.amount[sent]
    by, amount_by = flows.source[got], flows.amount[got]
    # Costs of the two groups with all others, when they are where they are and exchanged.
    mine = here[:, to] @ amount_to + amount_by @ here[by]
    source, target, amount = flows.source, flows.target, flows.amount
    now = amount * here[source, target]
    own = flows.sums(now, now)
    theirs = flows.sums(amount * here[group, target], amount * here[source, group])
    change = mine - own[group] + theirs - own
    # What the two have with each other was taken as if the partner had stayed.
    for others, amounts in ((to, amount_to), (by, amount_by)):
        change[others] += amounts * (here[group, others] + here[others, group])
    return change
