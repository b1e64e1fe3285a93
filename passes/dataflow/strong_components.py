"""Strongly connected components (Tarjan 1972), without recursion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def strong_components(nodes: int, edges: Iterable[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    """The strongly connected components of a graph, nodes ascending in each; last ones first."""
    onward: list[list[int]] = [[] for _ in range(nodes)]
    for source, target in edges:
        onward[source].append(target)
    number = [-1] * nodes
    low = [0] * nodes
    on_stack = [False] * nodes
    stack: list[int] = []
    found: list[tuple[int, ...]] = []
    count = 0
    for root in range(nodes):
        if number[root] >= 0:
            continue
        path: list[tuple[int, Iterator[int]]] = []
        entered = root
        while True:
            if entered >= 0:
                number[entered] = low[entered] = count
                count += 1
                stack.append(entered)
                on_stack[entered] = True
                path.append((entered, iter(onward[entered])))
                entered = -1
            node, rest = path[-1]
            for other in rest:
                if number[other] < 0:
                    entered = other
                    break
                if on_stack[other]:
                    low[node] = min(low[node], number[other])
            if entered >= 0:
                continue
            path.pop()
            if path:
                low[path[-1][0]] = min(low[path[-1][0]], low[node])
            if low[node] == number[node]:
                first = stack.index(node) if stack[-1] != node else len(stack) - 1
                component = stack[first:]
                del stack[first:]
                for member in component:
                    on_stack[member] = False
                found.append(tuple(sorted(component)))
            if not path:
                break
    return tuple(found)
