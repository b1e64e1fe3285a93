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
    flow = np.zeros((positions, positions), np.int64)
    flow[:groups, :groups] = traffic
    np.fill_diagonal(flow, 0)
    hops = distance.astype(np.int64, copy=True)
    np.fill_diagonal(hops, 0)
    position = _greedy(flow, hops)
    complete = _exchange(flow, hops, position, groups, rounds)
    cost = int((flow * hops[np.ix_(position, position)]).sum())
    return Placement(tuple(position[:groups].tolist()), cost, complete)


def _greedy(flow: Integers, hops: Integers) -> Integers:
    """Next the group with most traffic to the placed ones, to where that is cheapest."""
    count = len(flow)
    position = np.full(count, -1, np.int64)
    free = np.ones(count, np.bool_)
    both = flow + flow.T
    attached = both.sum(axis=1)  # the first one is the group with most traffic of all
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
        attached = attached + both[group]
        cost += flow[group][:, None] * hops[place] + flow[:, group][:, None] * hops[:, place]
    return position


def _exchange(flow: Integers, hops: Integers, position: Integers, groups: int, rounds: int) -> bool:
    """Exchanges in place; True where none helps any more."""
    affordable = MAX_WORK // (groups * len(flow) ** 2 or 1)
    here = hops[np.ix_(position, position)]
    for _ in range(min(rounds, affordable)):
        improved = False
        for group in range(groups):
            gain = _gains(flow, here, group)
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


def _gains(flow: Integers, here: Integers, group: int) -> Integers:
    """The change of the cost when `group` and each other group exchange their positions.

    `here` are the distances between the groups as they are.
    """
    # Costs of the two groups with all others, when they are where they are and exchanged.
    mine = flow[group] @ here.T + flow[:, group] @ here
    own = (flow * here).sum(axis=1) + (flow * here).sum(axis=0)
    theirs = flow @ here[group] + flow.T @ here[:, group]
    change = mine - own[group] + theirs - own
    # What the two have with each other was taken as if the partner had stayed.
    between = flow[group] * here[group] + flow[:, group] * here[:, group]
    swapped = flow[group] * here[:, group] + flow[:, group] * here[group]
    return change + between + swapped
