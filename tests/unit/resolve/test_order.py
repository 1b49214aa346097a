from __future__ import annotations

from safepip.resolve.order import dependencies_first


def test_leaves_first_later_names_first() -> None:
    graph = {"app": ["b", "a"], "a": [], "b": ["c"], "c": []}
    assert dependencies_first(graph) == ("c", "a", "b", "app")


def test_a_cycle_comes_after_what_it_needs_and_before_what_needs_it() -> None:
    graph = {"top": ["x"], "x": ["y"], "y": ["x", "leaf"], "leaf": []}
    assert dependencies_first(graph) == ("leaf", "y", "x", "top")


def test_two_cycles_one_upon_the_other() -> None:
    graph = {"a": ["b"], "b": ["a", "y"], "x": ["y"], "y": ["x"]}
    order = dependencies_first(graph)
    assert set(order[:2]) == {"x", "y"}


def test_itself_and_strangers_do_not_count() -> None:
    assert dependencies_first({"a": ["a", "elsewhere"]}) == ("a",)


def test_the_order_of_the_question_does_not_matter() -> None:
    graph = {"x": ["y"], "y": ["x"], "z": ["x"], "w": ["z", "y"]}
    assert dependencies_first(graph) == dependencies_first(dict(reversed(graph.items())))
