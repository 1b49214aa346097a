from __future__ import annotations

import random
from collections.abc import Callable
from typing import ClassVar

import pytest

from safepip.errors import NetworkFault
from safepip.model.artifact import Listing, Metadata
from safepip.resolve.select import resolve
from tests.unit.resolve.market import Market, answer, chosen, installed, picks, request


def tree(market: Market) -> Market:
    market.add("app", "1", "left", "right>=1", 'extra; extra == "e"', extras=["e"])
    market.add("left", "1", "base<2")
    market.add("right", "1", "base")
    market.add("base", "1")
    market.add("base", "2")
    market.add("extra", "1")
    return market


def test_the_closure_is_asked_for_without_the_resolver() -> None:
    """With what is asked ahead run at once, nothing is left to fetch when the resolver starts."""

    class Eager(Market):
        def ahead(self, work: Callable[[], None]) -> None:
            work()

    eager = Eager()
    tree(eager)
    assert chosen(eager, "app[e]") == {"app": "1", "left": "1", "right": "1", "base": "1", "extra": "1"}
    assert {"app", "left", "right", "base", "extra"} <= set(eager.asked)
    # One page a project and one metadata a pick, apart from the best guess for base.
    assert len(set(eager.asked)) <= 5 + 5 + 1


@pytest.mark.parametrize("seed", range(5))
def test_whoever_answers_first(seed: int) -> None:
    shuffled = tree(Market(threads=True, latency=random.Random(seed)))
    found = answer(shuffled, "app[e]")
    shuffled.settle()
    assert found == answer(tree(Market()), "app[e]")


def test_an_error_that_the_resolver_meets_itself_is_raised() -> None:
    market = Market(threads=True)
    market.add("app", "1", "gone")
    market.add("gone", "1")
    market.unreachable.add("gone-1-py3-none-any.whl")
    with pytest.raises(NetworkFault):
        answer(market, "app")
    market.settle()


def test_an_error_about_what_is_not_needed_is_nobodys() -> None:
    market = Market(threads=True)
    market.add("app", "2", "lib>=2", "gone")
    market.add("app", "1")
    market.add("lib", "1")
    market.unreachable.add("gone")
    found = answer(market, "app", "lib")
    market.settle()
    assert picks(found) == {"app": "1", "lib": "1"}


def test_what_was_only_guessed_is_not_held_back() -> None:
    """The guess for `lib` is 2, before it is known that `app` needs less: that version was never in question."""
    market = Market(threads=True)
    market.add("app", "1", "lib<2")
    market.add("lib", "1")
    market.add("lib", "2", broken=True)
    found = answer(market, "lib", "app")
    market.settle()
    market.threads = False
    assert found == answer(market, "lib", "app")


def test_installed_ones_are_followed_without_their_pages() -> None:
    market = Market(threads=True)
    market.add("lib", "1")
    there = [installed("app", "1", "lib")]
    found = answer(market, "app", there=there)
    market.settle()
    assert picks(found) == {"app": "1", "lib": "1"}
    assert "app" not in market.asked


def test_backtracking_fetches_together_and_ever_more() -> None:
    class Waiting(Market):
        """Runs nothing ahead, but counts how much is asked for between two answers."""

        sizes: ClassVar[list[int]] = []
        asked_ahead = 0

        def ahead(self, work: Callable[[], None]) -> None:
            assert callable(work)
            self.asked_ahead += 1

        def metadata(self, listing: Listing) -> Metadata:
            self.sizes.append(self.asked_ahead)
            self.asked_ahead = 0
            return super().metadata(listing)

    market = Waiting()
    for number in range(120):
        market.add("app", f"1.{number}", f"lib=={number}")
    market.add("lib", "0")
    assert chosen(market, "app", "lib") == {"app": "1.0", "lib": "0"}
    assert [size for size in market.sizes if size > 2] == [5, 10, 20, 40, 40]


def test_no_deps_asks_for_nothing_more() -> None:
    market = tree(Market(threads=True))
    resolve(request("app", no_deps=True), market)
    market.settle()
    assert set(market.asked) == {"app", "app-1-py3-none-any.whl"}
