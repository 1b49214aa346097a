"""Installation order: dependencies first, the same every time, and pip's own wherever there is no cycle."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def dependencies_first(children: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Order the names so that each comes after its children; what has none left goes first, later names first.

    A cycle is entered where the fewest other names can be reached from, so that everything below it comes before.
    """
    left = {name: {child for child in children[name] if child in children and child != name} for name in children}
    order: list[str] = []
    while left:
        ready = [name for name, below in left.items() if not below] or [_entry(left)]
        order.extend(sorted(ready, reverse=True))
        gone = set(ready)
        left = {name: below - gone for name, below in left.items() if name not in gone}
    return tuple(order)


def _entry(graph: Mapping[str, Collection[str]]) -> str:
    return min(sorted(graph, reverse=True), key=lambda name: len(_reachable(graph, name)))


def _reachable(graph: Mapping[str, Collection[str]], start: str) -> set[str]:
    found: set[str] = set()
    todo = [start]
    while todo:
        for child in graph[todo.pop()]:
            if child not in found:
                found.add(child)
                todo.append(child)
    return found
